"""Says where in its input a network finds what speaks for a class (class activation maps).

By LayerCAM: P.-T. Jiang et al., "LayerCAM: Exploring hierarchical class activation maps for
localization", IEEE TIP 2021. Grad-CAM averages the gradients of a channel over all places, which
says little where the layers above are flattened: there each place has weights of its own.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def make_mapper(model: keras.Model, stage: str) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Builds the function from inputs to activation maps.

    At each place of the stage, M = ReLU(sum_k ReLU(dy/dA_k) A_k), with the class value y before the
    softmax and the activations A_k of all channels k.

    Args:
        model: A network of one stream with `[B, K]` logits.
        stage: The name of the layer whose activations count, all of which the layers above it see.

    Returns:
        A function of inputs `[B, H, W, C]` and classes `[B]` integers to maps `[B, h, w]` float32,
        0 or more, on the grid of the stage.
    """
    middle = model.get_layer(stage).output
    below, above = keras.Model(model.input, middle), keras.Model(middle, model.output)

    @tf.function(reduce_retracing=True, autograph=False)
    def mapper(inputs: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        activations = tf.cast(below(inputs, training=False), tf.float32)
        # What is below the stage needs no gradients, so nothing of it is kept for them.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(activations)
            values = tf.gather(above(activations, training=False), classes, axis=1, batch_dims=1)
        weights = tf.nn.relu(tape.gradient(values, activations))
        return tf.nn.relu(tf.reduce_sum(weights * activations, axis=-1))

    return mapper


def centres(model: keras.Model, stage: str) -> tuple[np.ndarray, np.ndarray]:
    """Says which pixels of the input the places of a stage look at.

    Without padding the outermost places look at pixels far from the border: those of conv3 of CNN-M
    at 17, 33 ... 209 of 224. A map that is stretched over the input would be up to half a cell off.

    Args:
        model: A network whose layers up to the stage follow one another, but for shortcuts.
        stage: The name of a layer with `[B, h, w, C]` outputs.

    Returns:
        Rows `[h]` and columns `[w]` in pixels, in the middle of what each place sees.
    """
    first, step = [0.0, 0.0], [1, 1]  # Of rows and columns: the pixel of place 0, and from it on.
    for layer in model.layers:
        for axis in range(2):
            before, extent, stride = _geometry(layer, axis)
            first[axis] += step[axis] * ((extent - 1) / 2 - before)
            step[axis] *= stride
        if layer.name == stage:
            break
    rows, columns = model.get_layer(stage).output.shape[1:3]
    return first[0] + step[0] * np.arange(rows), first[1] + step[1] * np.arange(columns)


def _geometry(layer: keras.Layer, axis: int) -> tuple[float, int, int]:
    """Returns the padding before the first place, the kernel and the stride along an axis."""
    if isinstance(layer, layers.ZeroPadding2D):
        return layer.padding[axis][0], 1, 1
    if not isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D | layers.MaxPooling2D):
        return 0, 1, 1
    pools = isinstance(layer, layers.MaxPooling2D)
    extent = (layer.pool_size if pools else layer.kernel_size)[axis]
    stride, side = layer.strides[axis], layer.input.shape[1 + axis]
    if layer.padding == "valid":
        return 0, extent, stride
    # As if both sides were padded alike. Of an odd number TensorFlow pads the smaller half before,
    # but kernels that learnt from images make up for it: where the gradients of EfficientNet-Lite0
    # have their centre, is 5 of 128 pixels from what its padding says, and 2 from this.
    return max(0, (-(-side // stride) - 1) * stride + extent - side) / 2, extent, stride
