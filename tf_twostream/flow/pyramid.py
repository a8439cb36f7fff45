"""Image pyramids whose sizes are known only when the graph runs.

Sizes, places and weights are computed from tensors, so that one traced graph serves frames of
every size: a pyramid that was unrolled in Python took 13 s to trace and 48 s to compile for each
size. Resampling gathers a few taps per pixel in float32, so that a CPU and a GPU give the same.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

SMALLEST = 15  # Pixels; a level whose shorter side is not above it is the last, as in OpenCV.


class Geometry(NamedTuple):
    """How the pixels of one level lie on those of the next.

    Attributes:
        shrink: Takes (images, size, eta) and makes the next coarser level, as `shrink`.
        enlarge: Takes the same and makes the next finer level, as `enlarge`.
        rise: Takes (old size, new size, eta) of two levels and returns by what displacements
            (down, right) grow from one to the other, `[2]` float32.
    """

    shrink: Callable[..., tf.Tensor]
    enlarge: Callable[..., tf.Tensor]
    rise: Callable[..., tf.Tensor]


def level_sizes(size: tf.Tensor, *, eta: tf.Tensor, max_levels: tf.Tensor) -> tf.Tensor:
    """Computes the (height, width) of each level, the finest first (Brox et al. 2004, Sect. 3.2).

    Args:
        size: `[2]` int32, (height, width) of the frames in pixels.
        eta: Ratio of one level's size to that of the next finer one, in (0, 1).
        max_levels: Most levels.

    Returns:
        `[K, 2]` int32: ceil(eta^k * size) for k = 0, 1 ... until a side is at most `SMALLEST`
        pixels.
    """

    def add(scale, sizes):
        # From the frames' size, as OpenCV does: rounded from level to level, sizes would drift.
        scale = scale * eta
        level = tf.cast(tf.math.ceil(tf.cast(size, tf.float32) * scale), tf.int32)
        return scale, tf.concat([sizes, level[None]], axis=0)

    def wanted(_, sizes):
        return tf.logical_and(tf.reduce_min(sizes[-1]) > SMALLEST, tf.shape(sizes)[0] < max_levels)

    shapes = (tf.TensorShape([]), tf.TensorShape([None, 2]))
    return tf.while_loop(wanted, add, (tf.ones([]), size[None]), shape_invariants=shapes)[1]


def build(
    images: tf.Tensor, sizes: tf.Tensor, *, geometry: Geometry, eta: tf.Tensor
) -> tf.TensorArray:
    """Shrinks images from level to level.

    Args:
        images: `[N, H, W]` float32.
        sizes: `[K, 2]` int32, of `level_sizes`.
        geometry: How levels lie on each other.
        eta: Ratio of one level's size to that of the next finer one.

    Returns:
        The K levels, `[N, height, width]` float32 each, the finest first.
    """
    num_levels = tf.shape(sizes)[0]
    levels = tf.TensorArray(tf.float32, num_levels, infer_shape=False, element_shape=[None] * 3)

    def add(k, image, levels):
        image = geometry.shrink(image, sizes[k], eta)
        return k + 1, image, levels.write(k, image)

    start = (1, images, levels.write(0, images))
    shapes = (tf.TensorShape([]), tf.TensorShape([None] * 3), None)
    return tf.while_loop(lambda k, *_: k < num_levels, add, start, shape_invariants=shapes)[2]


def shrink(images: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Resizes images by a triangle filter that is wide enough against aliasing.

    Args:
        images: `[N, H, W]` float32.
        size: `[2]` int32, the new (height, width), at least half of the old.

    Returns:
        `[N, size[0], size[1]]` float32.
    """
    return _resize(images, size, _centres, _triangle)


def enlarge(images: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Resizes images by Catmull-Rom splines; sizes as in `shrink`, the new at least the old."""
    return _resize(images, size, _centres, _catmull_rom)


def shrink_as_opencv(images: tf.Tensor, size: tf.Tensor, eta: tf.Tensor) -> tf.Tensor:
    """Resizes as OpenCV's CUDA code does: corners fall together, a box is 2 / eta wide.

    The box ends inside the image and weighs its last pixel the wrong way round, which is kept
    for the sake of the same fields.
    """
    return _resize(images, size, _corners(1 / eta), _opencv_box, before=2, after=3)


def enlarge_as_opencv(images: tf.Tensor, size: tf.Tensor, eta: tf.Tensor) -> tf.Tensor:
    """Resizes as OpenCV's CUDA code does: corners fall together, Catmull-Rom splines."""
    return _resize(images, size, _corners(eta), _catmull_rom)


# "centred" lays the borders of levels on each other and loses nothing to aliasing. A prototype had
# 0.41 pixels of error with it on eight Middlebury pairs, 0.49 with OpenCV's, all else alike.
GEOMETRIES = {
    "centred": Geometry(
        lambda images, size, _: shrink(images, size),
        lambda images, size, _: enlarge(images, size),
        lambda old, new, _: tf.cast(new, tf.float32) / tf.cast(old, tf.float32),
    ),
    "opencv": Geometry(
        shrink_as_opencv, enlarge_as_opencv, lambda old, new, eta: tf.fill([2], 1 / eta)
    ),
}


def extend(images: tf.Tensor, *, margin: int, canvas: tf.Tensor) -> tf.Tensor:
    """Continues images beyond their borders, mirrored, and fills a canvas up with zeros.

    Args:
        images: `[N, H, W]` float32.
        margin: Mirrored pixels on each side, at most H and W; pixel -1 is pixel 0.
        canvas: `[2]` int32, (height, width) >= (H, W).

    Returns:
        `[N, canvas[0] + 2 margin, canvas[1] + 2 margin]` float32.
    """
    mirrored = tf.pad(images, [[0, 0], [margin, margin], [margin, margin]], "SYMMETRIC")
    height, width = tf.unstack(canvas - tf.shape(images)[1:])
    return tf.pad(mirrored, [[0, 0], [0, height], [0, width]])


def _resize(images, size, places: Callable, weights: Callable, before=1, after=2):
    """Resamples rows, then columns (as rows of the transposed, which gathers whole rows)."""
    length = tf.cast(tf.shape(images)[1:], tf.float32)[:, None]
    new_length = tf.cast(size, tf.float32)[:, None]
    centre, reach = places(tf.range(tf.reduce_max(new_length)), length, new_length)
    taps = tf.floor(centre)[:, :, None] + tf.range(-float(before), after + 1.0)
    weight = weights(taps, centre[:, :, None], reach, length[:, :, None])
    # Taps beyond the border count nothing and the others more: a constant image stays constant.
    kept = tf.clip_by_value(taps, 0.0, length[:, :, None] - 1)
    weight = tf.where(kept == taps, weight, 0.0)
    weight /= tf.reduce_sum(weight, axis=2, keepdims=True)
    index = tf.cast(kept, tf.int32)
    num_taps = before + 1 + after
    for axis in (0, 1):
        rows = tf.unstack(index[axis, : size[axis]], num_taps, axis=1)
        factors = tf.unstack(weight[axis, : size[axis], :, None], num_taps, axis=1)
        parts = [tf.gather(images, row, axis=1) * factor for row, factor in zip(rows, factors)]
        images = tf.transpose(tf.add_n(parts), [0, 2, 1])
    return images


def _centres(new, length, new_length):
    """Returns where the new pixels' centres lie in the old image, and the old pixels per new."""
    ratio = length / new_length
    return (new + 0.5) * ratio - 0.5, ratio[:, :, None]


def _corners(ratio):
    return lambda new, length, _: (new * ratio + 0 * length, ratio)


def _triangle(taps, centre, reach, _):
    return tf.maximum(0.0, 1 - tf.abs(taps - centre) / reach)


def _catmull_rom(taps, centre, *_):
    x = tf.abs(taps - centre)
    near, far = x * x * (1.5 * x - 2.5) + 1, x * (x * (2.5 - 0.5 * x) - 4) + 2
    return tf.where(x <= 1, near, tf.where(x < 2, far, 0.0))


def _opencv_box(taps, centre, reach, length):
    begin, end = tf.maximum(centre - reach, 0), tf.minimum(centre + reach, length - 1)
    first, last = tf.floor(begin), tf.math.ceil(end)
    weight = tf.where(taps == first, 1 - (begin - first), 1.0)
    weight = tf.where(taps == last, last - end, weight)
    return tf.where((taps >= first) & (taps <= last), weight, 0.0)
