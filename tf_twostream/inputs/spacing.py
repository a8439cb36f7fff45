"""Chooses numbers: by chance, or at equal spacing."""

import numpy as np
import tensorflow as tf

from tf_twostream import paper


def pick(draw: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Turns draws from [0, 1) into int64 from 0 ... count - 1.

    Args:
        draw: `[B]` float64.
        count: `[B]` integers.
    """
    return tf.cast(tf.floor(draw * tf.cast(count, tf.float64)), tf.int64)


def equally_spaced(num_starts: np.ndarray, count: int = paper.TEST_FRAMES) -> np.ndarray:
    """Chooses the 25 frames of each test video, at equal spacing (paper, Sect. 5, "Testing").

    A frame is the beginning of a window: of L fields for the temporal stream, of one frame for the
    spatial one.

    Args:
        num_starts: `[...]` integers, the number of windows of each video: an array, or a tensor.
        count: How many to choose, in place of 25 (ours).

    Returns:
        `[..., count]` integers, the starts of the windows, from 0 to `num_starts` - 1, rounded to
        the nearest; a single one is in the middle. A video with fewer windows repeats some.
    """
    if count == 1:
        return (num_starts[..., None] - 1) // 2
    # In integers: where a start lies half-way, the last bit of a float would decide. And rounded,
    # not floored: with a floored step other projects never look at the end of a video.
    last, gaps = num_starts[..., None] - 1, count - 1
    return (2 * last * np.arange(count) + gaps) // (2 * gaps)
