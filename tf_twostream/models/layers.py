"""The layers that Keras does not have in the form that the networks need."""

from typing import Any

import keras
import tensorflow as tf

from tf_twostream import paper


@keras.saving.register_keras_serializable("tf_twostream")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each activation by its neighbours in depth ([15], Sect. 3.3).

    b_i = a_i / (k + alpha * sum_j a_j^2)^beta over n = 5 adjacent channels j, with the settings of
    [15]: k = 2, alpha = 1e-4, beta = 0.75. (Caffe writes alpha = 5e-4, because it divides by n.)
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[B, H, W, C]` to the same shape and type."""
        # Half precision loses the sum of squares, which is small beside k.
        outputs = tf.nn.local_response_normalization(tf.cast(inputs, tf.float32), **paper.LRN)
        return tf.cast(outputs, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the input."""
        return input_shape


@keras.saving.register_keras_serializable("tf_twostream")
class FrozenStatistics(keras.layers.BatchNormalization):
    """A batch normalisation whose mean and variance stay as they are; scale and shift are learnt.

    Keras freezes them together with scale and shift, by `trainable`, or where a layer is called,
    by `training`, which the call of a whole network overrides.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        """Maps `[..., C]` to the same shape and type."""
        return super().call(inputs, training=False, mask=mask)


@keras.saving.register_keras_serializable("tf_twostream")
class Dropout(keras.layers.Layer):
    """Sets a share of the inputs to zero and scales the others up, differently on each replica.

    `keras.layers.Dropout` draws the same mask on every replica of a `MirroredStrategy`, so that a
    batch split over n devices sees n copies of one mask. Here the number of the replica is a part
    of the seed. The counter is a variable of the layer, so that a training that continues from a
    checkpoint goes on with the masks it would have had.
    """

    def __init__(self, rate: float, *, seed: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # An attribute of its own, since tf.train.Checkpoint does not look into a SeedGenerator.
        self.seed_state = self.seed_generator.state

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Maps `[..., C]` to the same shape; the identity unless `training`."""
        if not training or self.rate == 0:
            return inputs
        state = tf.cast(self.seed_generator.next(), tf.int32)
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context else 0
        # The replica changes the half of the state that is the seed: in the half that counts,
        # replica 1 would draw one step later what replica 0 draws now. A factor of 1 would give
        # replica 1 of the layer with seed 0 the masks of replica 0 of the layer with seed 1.
        seed = tf.stack([state[0] + 1_000_003 * tf.cast(replica, tf.int32), state[1]])
        # In float32: numbers of 8 bits, as bfloat16 draws them, keep 10.2 instead of 10 %.
        exact = tf.cast(inputs, tf.float32)
        kept = tf.nn.experimental.stateless_dropout(exact, self.rate, seed, rng_alg="philox")
        return tf.cast(kept, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable("tf_twostream")
class Patches(keras.layers.Layer):
    """Lays each square part of a grid out as one vector, as `Flatten` does with a grid of its size.

    A fully connected layer behind it does at each place what a convolution does. But on a CPU the
    convolution of CNN-M's full6, 6 x 6 of 512 channels to 4096, took four times as long.
    """

    def __init__(self, side: int, **kwargs: Any):
        """Remembers the side of the parts."""
        super().__init__(**kwargs)
        self._side = side

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[B, H, W, C]` to `[B, H - side + 1, W - side + 1, side * side * C]`."""
        rows, columns = (size - self._side + 1 for size in inputs.shape[1:3])
        steps = range(self._side)
        return tf.concat(
            [inputs[:, i : i + rows, j : j + columns] for i in steps for j in steps], axis=-1
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of what `call` returns."""
        batch, *sizes, channels = input_shape
        return (batch, *(size - self._side + 1 for size in sizes), self._side**2 * channels)

    def get_config(self) -> dict[str, Any]:
        """Returns what it is built from."""
        return {**super().get_config(), "side": self._side}
