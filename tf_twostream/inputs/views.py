"""Chooses and cuts out views: the parts of a frame or volume that the network sees.

A view is some int32 numbers, the last of which says whether it is mirrored:

* (top, left, flip): a square of the network's size; its place is in pixels of the whole frame;
* (top, left, height, width, flip): a rectangle, resized to the network's size;
* (flip,): the whole frame, for networks that take inputs of any size.

`random_view`, `random_box` and `test_views` choose views, in `tf.data`; `apply_views` cuts them
out, in batches on the device, and draws nothing itself. So replicas get different views, a
continued training repeats those it would have had, and training and testing share one op.
"""

import tensorflow as tf

from tf_twostream import paper
from tf_twostream.paper import conv_fusion, testing

SQUARE, BOX, WHOLE = 3, 5, 1  # The kinds of views, by how many numbers they have.


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


def random_box(
    draws: tf.Tensor, height: tf.Tensor, width: tf.Tensor, crop: int, *, mirroring: bool = True
) -> tf.Tensor:
    """Chooses a rectangle of random size near the border of each frame (the 2016 paper).

    Height and width are drawn by themselves, within a quarter of `crop`. The distance from one of
    the two borders, either as likely, is at most a quarter of the frame (ours: the paper does not
    say from which border).

    Args:
        draws: `[B, 5]` float64, uniform in [0, 1): height, width, top, left and flip.
        height: `[B]` integers, heights of the frames in pixels.
        width: `[B]` integers, widths of the frames in pixels.
        crop: Side of the network's input in pixels.
        mirroring: Whether half of the views are mirrored.

    Returns:
        `[B, 1, 5]` int32 (top, left, height, width, flip).
    """
    spread = conv_fusion.CROP_JITTER
    sides, places = [], []
    for number, frame in enumerate((height, width)):
        frame = tf.cast(frame, tf.float64)
        side = tf.round(crop * (1 + spread * (2 * draws[:, number] - 1)))
        side = tf.minimum(side, frame)
        free = frame - side
        far = tf.minimum(tf.floor(conv_fusion.BORDER_DISTANCE * frame), free)
        # The first half of the draws is for one border, the second for the other.
        twice = 2 * draws[:, 2 + number]
        distance = tf.floor((twice % 1) * (far + 1))
        sides.append(side)
        places.append(tf.where(twice < 1, distance, free - distance))
    flip = tf.floor(draws[:, 4] * (1 + mirroring))
    return tf.cast(tf.stack([*places, *sides, flip], axis=-1), tf.int32)[:, None]


def test_views(
    height: tf.Tensor,
    width: tf.Tensor,
    crop: int,
    *,
    mirroring: bool = True,
    kind: testing.Views = "ten_views",
) -> tf.Tensor:
    """Returns the four corners and the centre, plain and mirrored (paper, Sect. 5, "Testing").

    Args:
        height: Scalar integer, height of the frame in pixels.
        width: Scalar integer, width of the frame in pixels.
        crop: Side of the views in pixels; at most the shorter side of the frame.
        mirroring: Whether to return the mirrored ones, too.
        kind: "center" for nothing but the centre, plain (ours), and "dense" for the whole frame.

    Returns:
        `[10, 3]` int32 (top, left, flip), or `[5, 3]` without mirroring, or `[1, 3]`; of the whole
        frame `[2, 1]` (flip), or `[1, 1]`.
    """
    if kind == "dense":
        return tf.range(1 + mirroring)[:, None]
    bottom, right = tf.cast(height, tf.int32) - crop, tf.cast(width, tf.int32) - crop
    centre = (bottom // 2, right // 2)
    if kind == "center":
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
    # batch to the CPU and back. Integers are taken apart there too, so that is done first: those of
    # 32 bits are there already.
    top, left, flip = (tf.cast(n, tf.int64) for n in tf.unstack(views[..., None], axis=2))
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


def points(views: tf.Tensor, crop: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Says where in the whole frame the pixels of rectangles are, which lie between its pixels.

    The corners of a view are pixels of the rectangle; what is between them has equal spacing.

    Args:
        views: `[B, V, 5]` int32 (top, left, height, width, flip).
        crop: Side of the views in pixels.

    Returns:
        The rows and the columns of the frame, each `[B, V, crop]` float32, as `rows_and_columns`.
    """
    top, left, height, width, flip = tf.unstack(tf.cast(views, tf.float32)[..., None], axis=2)
    steps = tf.range(crop, dtype=tf.float32) / (crop - 1)
    return top + steps * (height - 1), left + (width - 1) * tf.where(flip == 1, 1 - steps, steps)


def _resize(images: tf.Tensor, views: tf.Tensor, crop: int) -> tf.Tensor:
    """Reads rectangles bilinearly: `[B, H, W, C]` float16 to `[B * V, crop, crop, C]` float32."""
    count = views.shape[1]
    boxes = tf.reshape(views, [-1, BOX])
    # The op fills a line with zeros where rounding takes it beyond the frame by the least bit: a
    # pixel more on each side keeps all lines within.
    images = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    # It wants corners in units of the frame; a mirrored box begins at its right end.
    ends = tf.cast(tf.shape(images)[1:3] - 1, tf.float32)
    top, left, height, width, flip = tf.unstack(tf.cast(boxes, tf.float32), axis=1)
    top, left = top + 1, left + 1
    right = left + width - 1
    first, last = (tf.where(flip == f, left, right) for f in (0, 1))
    corners = [top / ends[0], first / ends[1], (top + height - 1) / ends[0], last / ends[1]]
    numbers = tf.repeat(tf.range(tf.shape(images)[0]), count)
    return tf.image.crop_and_resize(images, tf.stack(corners, axis=1), numbers, [crop, crop])


def whole(images: tf.Tensor, views: tf.Tensor) -> tf.Tensor:
    """Mirrors whole frames where views ask for it.

    Args:
        images: `[B, H, W, C]`.
        views: `[B, V, 1]` int32 (flip).

    Returns:
        `[B * V, H, W, C]`, the V views of an image one after the other.
    """
    flips = views[..., 0] == 1
    mirrored = tf.reverse(images, axis=[2])
    ways = [
        tf.where(flips[:, n, None, None, None], mirrored, images) for n in range(views.shape[1])
    ]
    size = tf.shape(images)
    return tf.reshape(tf.stack(ways, axis=1), [-1, size[1], size[2], images.shape[3]])


def apply_views(images: tf.Tensor, views: tf.Tensor, crop: int) -> tf.Tensor:
    """Cuts views out of images or stacked codes, and mirrors those that ask for it.

    A mirrored field has only changed places so far; `flow_signs` says what to negate.

    Args:
        images: `[B, H, W, C]`, whole numbers from 0 to 255 of any type.
        views: `[B, V, 3]`, `[B, V, 5]` or `[B, V, 1]` int32, see above.
        crop: Side of the network's input in pixels.

    Returns:
        `[B * V, crop, crop, C]`, or `[B * V, H, W, C]` of whole frames, the V views of an image one
        after the other: float16, or float32 of rectangles, which are resized.
    """
    # A GPU cannot gather uint8. float16 holds these numbers exactly in half the bytes of float32.
    images = tf.cast(images, tf.float16)
    if views.shape[-1] == BOX:
        return _resize(images, views, crop)
    return whole(images, views) if views.shape[-1] == WHOLE else cut(images, views, crop)


def flow_signs(views: tf.Tensor) -> tf.Tensor:
    """Says where u has to be negated: in a mirror, what moved right moves left.

    `volumes.restore` multiplies the displacements by these factors.

    Args:
        views: `[B, V, n]` int32, whose last number is the flip.

    Returns:
        `[B * V, 1, 2]` float32, the factors of (u, v): (-1, 1) where mirrored, else (1, 1).
    """
    flip = tf.cast(tf.reshape(views[..., -1], [-1, 1, 1]), tf.float32)
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
