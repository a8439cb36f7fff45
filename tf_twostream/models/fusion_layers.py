"""Joins the activations of two towers, and those of successive snippets (2016 paper).

x^a are the spatial activations and x^b the temporal ones, both of the same places; y is what both
become. Snippets of a clip are samples of their own: `[B * T, ...]`, those of a clip in a row.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import initializers, layers, ops

from tf_twostream.models.architecture import start_from
from tf_twostream.paper import conv_fusion, recipes

# Rows or columns by which two grids of the same places may differ (ours): padding differs, and over
# a wide frame strides add it up, as in VGG-16's 22 columns and CNN-M's 20 of 341 pixels.
_MOST_MISSING, _SHARE_MISSING = 1, 0.1


def fit_grid(b: keras.KerasTensor, a: keras.KerasTensor) -> keras.KerasTensor:
    """Brings temporal activations to the grid of the spatial ones, place by place.

    A smaller grid is padded with zeros at the bottom and at the right (2016 paper); of a larger one
    the last rows or columns are left out, since the layers that follow are the spatial tower's
    (ours).

    Args:
        b: The temporal activations `[N, H', W', D']`, or `[N, D']` without a grid.
        a: The spatial activations `[N, H, W, D]` or `[N, D]`.

    Returns:
        `[N, H, W, D']` or `[N, D']`.

    Raises:
        LayersError: If one of them has no grid, or the places do not correspond.
    """
    short = [own - other for own, other in zip(a.shape[1:-1], b.shape[1:-1])]
    if len(a.shape) != len(b.shape) or any(
        abs(missing) > _MOST_MISSING + _SHARE_MISSING * side
        for missing, side in zip(short, a.shape[1:-1])
    ):
        grids = [" x ".join(map(str, x.shape[1:-1])) or "no grid" for x in (a, b)]
        rule = "Layers to join must have grids of the same places"
        raise recipes.LayersError(f"{rule}. Received: {grids[0]} and {grids[1]}.")
    if any(missing > 0 for missing in short):
        b = layers.ZeroPadding2D([(0, max(0, missing)) for missing in short])(b)
    if any(missing < 0 for missing in short):
        b = layers.Cropping2D([(0, max(0, -missing)) for missing in short])(b)
    return b


def fuse(a: keras.KerasTensor, b: keras.KerasTensor, function: str) -> keras.KerasTensor:
    """Joins activations by a function without weights (2016 paper).

    Args:
        a: `[N, H, W, D]` or `[N, D]`, the spatial ones.
        b: `[N, H, W, D']` or `[N, D']`, the temporal ones, of the same grid.
        function: "sum": y = x^a + x^b; "max": y = max(x^a, x^b); "concatenation": the channels of
            both, `D + D'`; or "bilinear": `[N, D * D']`, the outer products, summed over all
            places, after a signed square root and divided by their norm.
    """
    if function == "concatenation":
        return layers.Concatenate()([a, b])
    if function == "bilinear":
        return OuterProducts(name="outer_products")([a, b])
    return {"sum": layers.Add, "max": layers.Maximum}[function]()([a, b])


def convolve(
    x: keras.KerasTensor,
    channels: int,
    *,
    start: str,
    snippets: int,
    rectified: bool,
    name: str,
    seed: int,
) -> keras.KerasTensor:
    """Adds the bank of "conv": y = x f + b with x the concatenation of both.

    Args:
        x: `[B * T, H, W, D + D']` or `[B, D + D']`, the concatenation.
        channels: D, those of the spatial tower.
        start: "identity" or "gaussian", where the bank starts.
        snippets: T, for filters of 3 x 3 x 3 over time, too; 0 for filters of 1 x 1.
        rectified: Whether a ReLU follows: where the activations are outputs of one.
        name: The name of the layer.
        seed: The seed of the Gaussian.
    """
    given: dict[str, Any] = {"activation": "relu" if rectified else None, "name": name}
    deviation = conv_fusion.BANK_STDDEV
    starts = {
        "identity": IdentityBank(channels),
        "gaussian": initializers.RandomNormal(stddev=deviation, seed=seed),
    }
    given["kernel_initializer"] = start_from(starts[start])
    if not snippets:
        return layers.Dense(channels, **given)(x)
    clips = ops.reshape(x, (-1, snippets, *x.shape[1:]))
    bank = layers.Conv3D(channels, conv_fusion.KERNEL, padding="same", **given)
    return ops.reshape(bank(clips), (-1, *x.shape[1:3], channels))


def pool_over_time(x: keras.KerasTensor, *, snippets: int, extent: int) -> keras.KerasTensor:
    """Takes the maximum over successive snippets: the temporal part of 3D pooling.

    Args:
        x: `[B * T, H, W, C]`.
        snippets: T.
        extent: Snippets in each maximum, every second one of which begins another, the last with
            what is left; 0 for all.

    Returns:
        `[B * T', H, W, C]` with T' = `positions(snippets, extent)`.
    """
    clips = ops.reshape(x, (-1, snippets, *x.shape[1:]))
    length = extent or snippets
    firsts = range(0, 2 * positions(snippets, extent), 2)
    maxima = [ops.max(clips[:, first : first + length], axis=1) for first in firsts]
    return ops.reshape(ops.stack(maxima, axis=1), (-1, *x.shape[1:]))


def positions(snippets: int, extent: int) -> int:
    """Counts the places in time at which snippets are pooled; one where all are pooled at once."""
    return -(-max(snippets - extent, 0) // 2) + 1 if extent else 1


def pool_to_grid(x: keras.KerasTensor, *, size: int, own: int) -> keras.KerasTensor:
    """Takes maxima over space, on the grid that a tower's own pooling would give.

    Args:
        x: `[N, H, W, C]`, not negative.
        size: Side of the pooling in pixels; its stride is 2.
        own: Side of the pooling that the tower has here, whose output size is rounded up.
    """
    grids = [-(-(side - own) // 2) + 1 for side in x.shape[1:3]]
    short = [max(0, 2 * (grid - 1) + size - side) for grid, side in zip(grids, x.shape[1:3])]
    if any(short):
        x = layers.ZeroPadding2D(((0, short[0]), (0, short[1])))(x)
    return layers.MaxPooling2D(size, 2)(x)


@keras.saving.register_keras_serializable("tf_twostream")
class IdentityBank(initializers.Initializer):
    """Starts a bank as a weighted sum of both towers (2016 paper).

    `[0.25 I, 0.75 I]` of the spatial and the temporal channels; over time and space it is spread by
    a Gaussian whose weights sum to one. Where the towers have unequal numbers of channels, those
    that both have are added (ours).
    """

    def __init__(self, channels: int):
        """Makes one for a spatial tower with so many channels."""
        self.channels = channels

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Returns the kernel `[..., D + D', D]`."""
        given, made = shape[-2:]
        bank = np.concatenate(
            [
                conv_fusion.SPATIAL_SHARE * np.eye(self.channels, made),
                conv_fusion.TEMPORAL_SHARE * np.eye(given - self.channels, made),
            ]
        )
        spread = np.ones(())
        for side in shape[:-2]:
            steps = np.arange(side) - side // 2
            line = np.exp(-(steps**2) / (2 * conv_fusion.KERNEL_STDDEV**2))
            spread = np.multiply.outer(spread, line / line.sum())
        return ops.convert_to_tensor(spread[..., None, None] * bank, dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {"channels": self.channels}


@keras.saving.register_keras_serializable("tf_twostream")
class OuterProducts(layers.Layer):
    """Bilinear fusion: sums outer products over all places, then normalises."""

    def call(self, inputs: Any) -> tf.Tensor:
        """Maps `[N, H, W, D]` and `[N, H, W, D']` to `[N, D * D']` float32 of norm 1."""
        a, b = (tf.cast(x, tf.float32) for x in inputs)
        products = tf.einsum("nhwd,nhwe->nde", a, b)
        flat = tf.reshape(products, [-1, a.shape[-1] * b.shape[-1]])
        return tf.math.l2_normalize(tf.sign(flat) * tf.sqrt(tf.abs(flat)), axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the output."""
        return (input_shape[0][0], input_shape[0][-1] * input_shape[1][-1])
