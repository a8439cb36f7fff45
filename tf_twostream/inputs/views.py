"""Chooses and cuts out views: the squares of a frame or volume that the network sees.

A view is three int32 numbers (top, left, flip): its place in pixels of the whole frame, and whether
it is mirrored. `random_view` and `test_views` choose views, in `tf.data`; `apply_views` cuts them
out, in batches on the device, and draws nothing itself. So replicas get different views, a
continued training repeats those it would have had, and training and testing share one op.
"""

import tensorflow as tf

from tf_twostream import paper


def random_view(
    draws: tf.Tensor, height: tf.Tensor, width: tf.Tensor, crop: int, *, mirroring: bool = True
) -> tf.Tensor:
    """Chooses a view in each whole frame, not just in its centre (paper, Sect. 5, "Training").

    Args:
        draws: `[B, 3]` float64, uniform in [0, 1): one column for each of top, left and flip.
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
    height: tf.Tensor,
    width: tf.Tensor,
    crop: int,
    *,
    mirroring: bool = True,
    centre_only: bool = False,
) -> tf.Tensor:
    """Returns the four corners and the centre, plain and mirrored (paper, Sect. 5, "Testing").

    Args:
        height: Scalar integer, height of the frame in pixels.
        width: Scalar integer, width of the frame in pixels.
        crop: Side of the views in pixels; at most the shorter side of the frame.
        mirroring: Whether to return the mirrored ones, too.
        centre_only: Whether to return nothing but the centre, plain (ours).

    Returns:
        `[10, 3]` int32 (top, left, flip), or `[5, 3]` without mirroring, or `[1, 3]`.
    """
    bottom, right = tf.cast(height, tf.int32) - crop, tf.cast(width, tf.int32) - crop
    centre = (bottom // 2, right // 2)
    if centre_only:
        return tf.stack([tf.stack([*centre, 0])])
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right), centre]
    return tf.stack(
        [tf.stack([top, left, flip]) for flip in range(1 + mirroring) for top, left in places]
    )


def rows_and_columns(views: tf.Tensor, crop: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Says where in the whole frame the pixels of views are.

    Args:
        views: `[B, V, 3]` int32 (top, left, flip).
        crop: Side of the views in pixels.

    Returns:
        The rows and the columns of the frame, each `[B, V, crop]` int64, in the order in which the
        view shows them: the columns of a mirrored view run from right to left.
    """
    # int64, since a GPU cannot calculate with int32: TensorFlow would silently carry the whole
    # batch to the CPU and back.
    top, left, flip = tf.unstack(tf.cast(views, tf.int64)[..., None], axis=2)
    steps = tf.range(crop, dtype=tf.int64)
    return top + steps, left + tf.where(flip == 1, crop - 1 - steps, steps)


def cut(images: tf.Tensor, views: tf.Tensor, crop: int) -> tf.Tensor:
    """Cuts views out of images as `apply_views` does, but leaves them in their type.

    Args:
        images: `[B, H, W, C]` of a type that the device can gather.
        views: `[B, V, 3]` int32 (top, left, flip).
        crop: Side of the views in pixels.

    Returns:
        `[B * V, crop, crop, C]`, the V views of an image one after the other.
    """
    rows, columns = rows_and_columns(views, crop)
    batch, height, width, channels = tf.unstack(tf.shape(images, out_type=tf.int64))
    channels = images.shape[-1] or channels  # Layers need a number, not a tensor.
    # One gather of single pixels: views begin at places of their own, so that no slice fits all.
    pixels = rows[..., :, None] * width + columns[..., None, :]
    flat = tf.reshape(images, [batch, height * width, channels])
    return tf.reshape(tf.gather(flat, pixels, batch_dims=1), [-1, crop, crop, channels])


def apply_views(images: tf.Tensor, views: tf.Tensor, crop: int) -> tf.Tensor:
    """Cuts views out of images or stacked codes, and mirrors those that ask for it.

    A mirrored field has only changed places so far; `flow_signs` says what to negate.

    Args:
        images: `[B, H, W, C]`, whole numbers from 0 to 255 of any type.
        views: `[B, V, 3]` int32 (top, left, flip).
        crop: Side of the views in pixels.

    Returns:
        `[B * V, crop, crop, C]` float16, the V views of an image one after the other.
    """
    # A GPU cannot gather uint8. float16 holds these numbers exactly in half the bytes of float32.
    return cut(tf.cast(images, tf.float16), views, crop)


def flow_signs(views: tf.Tensor) -> tf.Tensor:
    """Says where u has to be negated: in a mirror, what moved right moves left.

    `volumes.restore` multiplies the displacements by these factors.

    Args:
        views: `[B, V, 3]` int32 (top, left, flip).

    Returns:
        `[B * V, 1, 2]` float32, the factors of (u, v): (-1, 1) where mirrored, else (1, 1).
    """
    flip = tf.cast(tf.reshape(views[..., 2], [-1, 1, 1]), tf.float32)
    return tf.concat([1.0 - 2.0 * flip, tf.ones_like(flip)], axis=-1)


def jitter_rgb(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Shifts the colours of each image along the principal components of RGB ([15], Sect. 4.1).

    To every pixel it adds [p1, p2, p3] [a1 l1, a2 l2, a3 l3]^T with the components p, their
    eigenvalues l (`paper.RGB_EIGENVECTORS`, `paper.RGB_EIGENVALUES`) and the draws a.

    Args:
        images: `[B, H, W, 3]` float32 RGB in [0, 255].
        draws: `[B, 3]` float32, normal with mean 0 and deviation 0.1: one per component.

    Returns:
        `[B, H, W, 3]` float32, not clipped to [0, 255].
    """
    eigenvectors = tf.constant(paper.RGB_EIGENVECTORS, tf.float32)
    # Not by `matmul`, which a GPU may compute with 11 bits (TF32).
    weighted = (draws * paper.RGB_EIGENVALUES)[:, None, :]
    shifts = tf.reduce_sum(weighted * eigenvectors, axis=2)
    # The components are published for RGB in [0, 1].
    return images + 255.0 * shifts[:, None, None, :]
