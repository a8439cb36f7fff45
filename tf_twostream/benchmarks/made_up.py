"""Batches of made-up bytes, as `inputs` yields them, for what needs no store."""

import numpy as np
import tensorflow as tf

from tf_twostream import inputs, paper
from tf_twostream.paper import recipes

_DIFFERENT = 8  # Samples that differ; the others repeat them, for drawing bytes takes long.


def batch(
    recipe: recipes.TowerRecipe,
    frame: tuple[int, int],
    *,
    num_views: int = 1,
    num_classes: int = 101,
) -> inputs.Element:
    """Makes a batch of one size of frames: smooth motion up to 8 pixels per frame, or smooth RGB.

    Args:
        recipe: The recipe of the network: its stream, batch size and L.
        frame: Height and width in pixels.
        num_views: V.
        num_classes: K, of which the labels are drawn.

    Returns:
        The same batch for the same arguments, on every machine.
    """
    rng = np.random.default_rng(0)
    (height, width), count = frame, recipe.batch_size
    rest = [height - recipe.crop_size + 1, width - recipe.crop_size + 1, 2]
    made = {
        "size": tf.constant([[height, width]] * count),
        "views": tf.constant(rng.integers(0, rest, (count, num_views, 3)), tf.int32),
        "label": tf.constant(rng.integers(0, num_classes, count), tf.int32),
    }
    # Smooth as real motion is: trajectories through noise would gather from all over the field.
    y, x = np.mgrid[:height, :width] / 100

    def waves(*planes: int) -> np.ndarray:
        phase = rng.uniform(0, 6, (min(count, _DIFFERENT), *planes, 1, 1))
        codes = (127.5 + 127 * np.sin(x + y + phase)).astype(np.uint8)
        return np.resize(codes, (count, *codes.shape[1:]))

    if not recipe.sees_flow:
        rgb = np.moveaxis(waves(recipe.input_channels), 1, -1)
        jitter = paper.JITTER_STDDEV * rng.standard_normal((count, 3))
        return made | {"rgb": tf.constant(rgb), "jitter": tf.constant(jitter, tf.float32)}
    length = recipe.window_length
    return made | {
        "codes": tf.constant(waves(length, 2)),
        "ranges": tf.tile(tf.constant([[[[-8.0, 8.0]]]]), [count, length, 2, 1]),
        "means": tf.constant(rng.normal(0, 1, (count, length, 2)), tf.float32),
    }
