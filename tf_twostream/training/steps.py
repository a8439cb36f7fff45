"""One iteration: the paper's stochastic gradient descent, and nothing else (Sect. 5)."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import inputs
from tf_twostream.paper import recipes

Batches = tuple[inputs.Element, ...]  # One for each task.
Step = Callable[[Batches], tuple[tf.Tensor, tf.Tensor]]


class Momentum(keras.optimizers.SGD):
    """SGD whose velocity is a sum of gradients: v <- 0.9 v + g, w <- w - rate v.

    Keras, as Caffe, has the rate within the velocity: v <- 0.9 v - rate g, w <- w + v. Under a
    constant rate the steps are the same. But where the rate drops tenfold, the old velocity goes on
    for ten times the new steps, and what used to turn it round is ten times weaker: the weights are
    thrown out of the valley that they were in (Goyal et al., 2017, Sect. 3, "momentum correction").
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Changes a variable and its velocity."""
        if not self.momentum:  # Then Keras makes no velocities.
            super().update_step(gradient, variable, learning_rate)
            return
        velocity = self.momentums[self._get_variable_index(variable)]
        moved = self.momentum * velocity + keras.ops.cast(gradient, velocity.dtype)
        self.assign(velocity, moved)
        self.assign_sub(variable, keras.ops.cast(learning_rate, variable.dtype) * moved)


def make_optimizer(recipe: recipes.Recipe, variables: Sequence[Any]) -> keras.optimizers.Optimizer:
    """Builds SGD with momentum and the paper's schedule.

    The weight decay is part of the gradient, as in Caffe, and added in the step.

    Args:
        recipe: The schedule.
        variables: The weights to train, each of which gets a momentum; call it in the scope of
            their strategy.
    """
    rates = [recipe.learning_rate_at(0), *(recipe.learning_rate_at(at) for at in recipe.drops)]
    schedule: Any = rates[0]
    if recipe.drops:
        # Keras changes the rate one iteration after the boundary, and counts from 0.
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
            [drop - 1 for drop in recipe.drops], rates
        )
    optimizer = Momentum(schedule, momentum=recipe.momentum)
    optimizer.build(variables)
    return optimizer


@dataclasses.dataclass(frozen=True)
class Head:
    """The network of one task.

    Attributes:
        model: From the network's input to the logits of this task.
        divisor: What the sum of its samples' losses, over all replicas, is divided by.
        class_weights: `[K]`, what the loss of a sample is multiplied by; None for nothing.
    """

    model: keras.Model
    divisor: int
    class_weights: np.ndarray | None = None

    def losses(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Computes the loss of each sample with its weight, as `losses` does without."""
        own = losses(logits, labels)
        return own if self.class_weights is None else own * tf.gather(self.class_weights, labels)


def make_step(
    heads: Sequence[Head],
    variables: Sequence[Any],
    optimizer: keras.optimizers.Optimizer,
    recipe: recipes.Recipe,
    *,
    chunk_size: int = 0,
    jit_compile: bool = False,
) -> Step:
    """Builds one iteration for one replica.

    The loss is the cross-entropy (`losses`), averaged over the whole batch of all replicas, plus
    the weight decay on kernels: gradients of replicas and of chunks add up. With several tasks it
    is the sum of their losses, each on the videos of its own data set (Sect. 4).

    Args:
        heads: The tasks; their networks share all layers but the last.
        variables: The weights to train.
        optimizer: Their optimizer.
        recipe: The recipe of the network.
        chunk_size: Samples to run through the network at once; 0 for the replica's whole batch.
        jit_compile: Whether to compile forward and backward pass with XLA.

    Returns:
        A function from a batch per task to, by task, (this replica's share of the cross-entropy,
        number of correctly classified samples), which updates the weights. Of a network of two
        towers the losses are those of both.
    """
    # One compiled function per head: retracing costs seconds, so it happens once, not in the step.
    functions = [_gradients(head, variables, jit_compile) for head in heads]
    # Tasks share the layers that have statistics.
    statistics = [v for v in heads[0].model.variables if v.name.startswith("moving_")]

    def step(batches: Batches) -> tuple[tf.Tensor, tf.Tensor]:
        results = []
        # Bytes become volumes here, on the device: as floats they would be more than twice as
        # many to bring there (341x256 bytes per component against 224x224 floats).
        for gradients, batch in zip(functions, batches, strict=True):
            if chunk_size and chunk_size < batch["label"].shape[0]:
                results.append(_over_chunks(gradients, batch, recipe, chunk_size))
            else:
                results.append(gradients(inputs.prepare(batch, recipe), batch["label"]))
        # Each replica decays by its share, because the optimizer adds up what replicas have.
        # Keras' own `weight_decay` does not pass through the momentum, as Caffe's does.
        decay = recipe.weight_decay / tf.distribute.get_strategy().num_replicas_in_sync
        # Shared layers learn from all tasks at once: their gradients are summed (Sect. 4).
        summed = [tf.add_n(parts) for parts in zip(*(gradients for gradients, _, _ in results))]
        decayed = [
            gradient + decay * variable if variable.name == "kernel" else gradient
            for gradient, variable in zip(summed, variables)
        ]
        optimizer.apply(decayed, variables)
        _average_over_replicas(statistics)
        _, losses, hits = zip(*results)
        return tf.concat(losses, axis=0), tf.stack(hits)

    return step


def _average_over_replicas(statistics: Sequence[Any]) -> None:
    """Gives the batch normalisations of all replicas the same moving statistics.

    Each replica normalises by the mean and variance of its own share of the batch, and adds them to
    its own moving averages: without this step a checkpoint would keep those of one replica.
    """
    if not statistics or tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return
    context, mean = tf.distribute.get_replica_context(), tf.distribute.ReduceOp.MEAN
    averaged = context.all_reduce(mean, [variable.value.read_value() for variable in statistics])
    for variable, value in zip(statistics, averaged):
        variable.assign(value)


def on_all_replicas(replica_step: Step, strategy: tf.distribute.Strategy) -> Step:
    """Builds one iteration over all devices, as a graph: losses and hits are sums over them."""

    # Batches are padded to sizes that vary; without the relaxation each size would trace anew.
    @tf.function(reduce_retracing=True, autograph=False)
    def step(batches: Batches) -> tuple[tf.Tensor, tf.Tensor]:
        losses, hits = strategy.run(replica_step, (batches,))
        total = tf.distribute.ReduceOp.SUM
        return strategy.reduce(total, losses, None), strategy.reduce(total, hits, None)

    return step


def outputs(logits: tf.Tensor | dict[str, tf.Tensor]) -> list[tf.Tensor]:
    """Lists what a network says: its logits, or those of both towers where it keeps two.

    Two towers have a loss of their own each, and the mean of their logits decides.
    """
    return list(logits.values()) if isinstance(logits, dict) else [logits]


def losses(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Computes the loss of each sample.

    Where a video may show several classes, each class is a question of its own: a sigmoid instead
    of the softmax, and the sum of the K binary cross-entropies, so that each class pulls at the
    network as strongly as in the softmax (ours; Charades is younger than the paper).

    Args:
        logits: `[B, K]` float32.
        labels: `[B]` int32, or `[B, K]` bool where a video may show several classes.

    Returns:
        `[B]` cross-entropy in nats.
    """
    if labels.shape.rank == 1:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    shows = tf.cast(labels, logits.dtype)
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(shows, logits), axis=1)


def hits(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Says whether the class with the highest score is the label, or one of them: `[B]` bool."""
    best = tf.argmax(logits, axis=1, output_type=tf.int32)
    return best == labels if labels.shape.rank == 1 else tf.gather(labels, best, batch_dims=1)


def _gradients(head: Head, variables: Sequence[Any], jit_compile: bool) -> Callable[..., Any]:
    """Builds forward and backward pass, from a chunk to (gradients of all variables, losses, hits).

    XLA compiles these and not the whole step, because batches of varying size would compile anew.
    """

    @tf.function(jit_compile=jit_compile, autograph=False)
    def gradients(x: Any, labels: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits = outputs(head.model(x, training=True))
            # The divisor is that of the whole batch, not of this chunk, so that the gradients of
            # chunks and replicas add up to that of the batch.
            parts = [tf.reduce_sum(head.losses(tower, labels)) / head.divisor for tower in logits]
            loss = tf.add_n(parts)
        others = tf.UnconnectedGradients.ZERO  # The last layers of other tasks.
        values = [variable.value for variable in variables]
        return (
            tape.gradient(loss, values, unconnected_gradients=others),
            tf.stack(parts),
            tf.reduce_sum(tf.cast(hits(tf.add_n(logits), labels), tf.int32)),
        )

    return gradients


def _over_chunks(
    gradients: Callable[..., Any], batch: inputs.Element, recipe: recipes.Recipe, chunk_size: int
) -> Any:
    """Sums (gradients, loss, hits) over the chunks of a batch; the last one may be smaller."""

    def chunk(first: tf.Tensor | int, count: int) -> Any:
        # The static size spares XLA to compile a chunk inside and another outside of the loop.
        part = {
            name: tf.ensure_shape(tensor[first : first + count], [count, *tensor.shape[1:]])
            for name, tensor in batch.items()
        }
        return gradients(inputs.prepare(part, recipe), part["label"])

    size = batch["label"].shape[0]
    whole = size // chunk_size
    add = functools.partial(tf.nest.map_structure, tf.add)
    # One at a time, or the chunks would need the memory that they are to save.
    _, total = tf.while_loop(
        lambda number, _: number < whole,
        lambda number, sums: (
            number + 1,
            add(sums, chunk(number * chunk_size, chunk_size)),
        ),
        (1, chunk(0, chunk_size)),
        parallel_iterations=1,
    )
    rest = size % chunk_size
    return add(total, chunk(size - rest, rest)) if rest else total
