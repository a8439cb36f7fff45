"""Views: which sub-image of a frame or volume the network sees, and whether it is mirrored.

A view is three int32 numbers (top, left, flip), in pixels of the whole frame. `random_view` and
`test_views` choose them, in `tf.data`; `apply_views` cuts them out, in batches on the device, and
draws nothing itself. So replicas differ, a resumed run repeats the same views, and training and
testing go through the same op.
"""

import tensorflow as tf

from tf_twostream import paper


def random_view(
    draws: tf.Tensor, height: tf.Tensor, width: tf.Tensor, crop: int, *, mirroring: bool = True
) -> tf.Tensor:
    """Chooses views from whole frames, not just their centres (paper, Sect. 5, "Training").

    Args:
        draws: `[B, 3]` float64, uniform in [0, 1): top, left, flip.
        height: `[B]` integers, heights of the frames in pixels.
        width: `[B]` integers, widths of the frames in pixels.
        crop: Side of the views in pixels; at most the shorter side of the frames.
        mirroring: Whether half of the views are mirrored.

    Returns:
        `[B, 1, 3]` int32 (top, left, flip).
    """
    flips = tf.fill(tf.shape(height), 1 + mirroring)
    choices = tf.stack([height - crop + 1, width - crop + 1, flips], -1)
    return tf.cast(tf.floor(draws * tf.cast(choices, tf.float64)), tf.int32)[:, None]


def test_views(
    height: tf.Tensor, width: tf.Tensor, crop: int, *, mirroring: bool = True
) -> tf.Tensor:
    """Returns the four corners and the centre, plain and mirrored (paper, Sect. 5, "Testing").

    Args:
        height: Scalar integer, height of the frame in pixels.
        width: Scalar integer, width of the frame in pixels.
        crop: Side of the view in pixels; at most the shorter side of the frame.
        mirroring: Whether there are mirrored ones.

    Returns:
        `[10, 3]` int32 (top, left, flip), or `[5, 3]` without mirrored ones.
    """
    bottom, right = tf.cast(height, tf.int32) - crop, tf.cast(width, tf.int32) - crop
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    return tf.stack(
        [tf.stack([top, left, flip]) for flip in range(1 + mirroring) for top, left in corners]
    )


def apply_views(images: tf.Tensor, views: tf.Tensor, crop: int) -> tf.Tensor:
    """Cuts views out of images or stacked codes and mirrors those that say so.

    What is mirrored here has only changed places: see `flow_signs`.

    Args:
        images: `[B, H, W, C]`, whole numbers from 0 to 255 of any type.
        views: `[B, V, 3]` int32 (top, left, flip).
        crop: Side of a view in pixels.

    Returns:
        `[B * V, crop, crop, C]` float16 (which holds these numbers exactly), the V views of an
        image one after the other.
    """
    # float16 and int64, since a GPU can neither gather uint8 nor calculate with int32: TensorFlow
    # would silently carry the whole batch to the CPU and back.
    images, views = tf.cast(images, tf.float16), tf.cast(views, tf.int64)
    shape = tf.shape(images, out_type=tf.int64)
    steps = tf.range(crop, dtype=tf.int64)
    flip = views[..., 2, None]
    rows = views[..., 0, None] + steps  # [B, V, crop]
    columns = views[..., 1, None] + tf.where(flip == 1, crop - 1 - steps, steps)
    pixels = rows[..., :, None] * shape[2] + columns[..., None, :]  # [B, V, crop, crop]
    channels = images.shape[-1] or shape[3]
    flat = tf.reshape(images, [shape[0], shape[1] * shape[2], channels])
    return tf.reshape(tf.gather(flat, pixels, batch_dims=1), [-1, crop, crop, channels])


def flow_signs(views: tf.Tensor) -> tf.Tensor:
    """Says which components a mirror negates: what moved right now moves left.

    Args:
        views: `[B, V, 3]` int32 (top, left, flip).

    Returns:
        `[B * V, 1, 2]` float32, the factors of (u, v): (-1, 1) where mirrored, else (1, 1).
    """
    flip = tf.cast(tf.reshape(views[..., 2], [-1, 1, 1]), tf.float32)
    return tf.concat([1.0 - 2.0 * flip, tf.ones_like(flip)], axis=-1)


def jitter_rgb(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Shifts the colours of each image along the principal components of RGB ([15], Sect. 4.1).

    Args:
        images: `[B, H, W, 3]` float32 RGB in [0, 255].
        draws: `[B, 3]` float32, normal with mean 0 and deviation 0.1: one per component.

    Returns:
        `[B, H, W, 3]` float32; [p1, p2, p3] [a1 l1, a2 l2, a3 l3]^T is added to every pixel, not
        clipped.
    """
    eigenvectors = tf.constant(paper.RGB_EIGENVECTORS, tf.float32)
    shifts = tf.matmul(draws * paper.RGB_EIGENVALUES, eigenvectors, transpose_b=True)
    return images + 255.0 * shifts[:, None, None, :]
