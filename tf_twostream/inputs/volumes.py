"""Turns the coded flow fields of a store into input volumes (paper, Sect. 3.1), in batches.

d_1 ... d_L are the L fields of a volume in their order, the paper's d_tau ... d_{tau+L-1}. In a
bi-directional volume the first L/2 lead forward from tau and the last L/2 backward from it.

Every function consists of batched TensorFlow ops and runs where its input is: on the GPU in
training, on the CPU in the tests.
"""

import tensorflow as tf

from tf_twostream.inputs import views


def stack_flow(fields: tf.Tensor) -> tf.Tensor:
    """Stacks L successive displacement fields (paper, eq. 1).

    I(u, v, 2k - 1) = d_k^x(u, v), I(u, v, 2k) = d_k^y(u, v), k = 1 ... L.

    Args:
        fields: `[B, L, 2, H, W]`, the horizontal component above the vertical one, of any type:
            pixels per frame, or the codes that stand for them.

    Returns:
        `[B, H, W, 2L]` of the same type, channels u1 v1 ... uL vL.

    Raises:
        ValueError: If the third axis of `fields` does not hold two components.
    """
    if fields.shape[2] != 2:
        rule = "`fields` must be [B, L, 2, H, W] with two components on the third axis"
        raise ValueError(f"{rule}. Received: shape {fields.shape}.")
    shape = tf.shape(fields)
    length = fields.shape[1] or shape[1]
    planes = tf.reshape(fields, [shape[0], 2 * length, shape[3], shape[4]])
    return tf.transpose(planes, [0, 2, 3, 1])


def stack_trajectories(
    codes: tf.Tensor,
    ranges: tf.Tensor,
    starts: tf.Tensor,
    *,
    size: tf.Tensor | None = None,
    directions: int = 1,
) -> tf.Tensor:
    """Samples L displacement fields along the paths that points travel (paper, eq. 2).

    I(u, v, 2k - 1) = d_k^x(p_k), I(u, v, 2k) = d_k^y(p_k), k = 1 ... L, with p_1 = (u, v) and
    p_k = p_{k-1} + d_{k-1}(p_{k-1}).

    Fields are read bilinearly, and a path that leaves the frame stays on its border (ours: the
    paper is silent). Paths follow the whole motion: a mean is subtracted from what is read, by
    `restore`, not from what is followed.

    Args:
        codes: `[B, L, 2, H, W]` uint8, the horizontal component above the vertical one.
        ranges: `[B, L, 2, 2]` float32, (min, max) of each component of each field in pixels.
        starts: `[B, P, 2]` float32, the points p_1 of P paths: (x right, y down) in pixels, (0, 0)
            at the first pixel; inside the frame.
        size: `[B, 2]` integers, the true (height, width) in pixels of frames that are padded at the
            bottom and at the right; None if no frame is padded.
        directions: 2 if the second half of the fields leads backward from tau: its paths start at
            p_1 again (Sect. 3.1, "Bi-directional optical flow"). Else 1.

    Returns:
        `[B, P, 2L]` float32 codes for `restore`, channels u1 v1 ... uL vL.
    """
    length = codes.shape[1]
    size = tf.shape(codes)[None, 3:] if size is None else size
    border = tf.reverse(tf.cast(size, tf.float32), axis=[1])[:, None] - 1.0
    fields = tf.unstack(tf.transpose(codes, [1, 0, 3, 4, 2]), num=length)
    samples: list[tf.Tensor] = []
    for k, field in enumerate(fields):
        if k % (length // directions) == 0:
            points = starts
        else:
            # Displacements are linear in their codes, so codes can be read between pixels and
            # restored afterwards: at P points instead of in the whole field.
            moved = points + restore(samples[-1], ranges[:, k - 1 : k])
            points = tf.clip_by_value(moved, 0.0, border)
        samples.append(_read_between(field, points))
    return tf.concat(samples, axis=-1)


def _read_between(field: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Reads `[B, H, W, 2]` uint8 bilinearly at `[B, P, 2]` (x, y); gives `[B, P, 2]` float32."""
    batch, _, width, _ = tf.unstack(tf.shape(field, out_type=tf.int64))
    # float16 and int64 for the reasons given in `views`.
    flat = tf.reshape(tf.cast(field, tf.float16), [batch, -1, 2])
    # At the border a neighbour may lie outside. Its weight is 0, so it may be any number, but the
    # gather needs one: a row and a pixel more are enough.
    flat = tf.pad(flat, [[0, 0], [0, width + 1], [0, 0]])
    corner = tf.floor(points)
    right, down = tf.split(points - corner, 2, axis=-1)
    # Taken apart as floats: TensorFlow takes integers apart on the CPU, and would carry the places
    # of all pixels there and back.
    column, row = (tf.cast(part, tf.int64) for part in tf.unstack(corner, axis=-1))
    pixel = row * width + column
    here, beside, below, across = (
        tf.cast(tf.gather(flat, pixel + offset, batch_dims=1), tf.float32)
        for offset in (0, 1, width, width + 1)
    )
    upper = here + right * (beside - here)
    lower = below + right * (across - below)
    return upper + down * (lower - upper)


def cut_trajectories(
    codes: tf.Tensor,
    ranges: tf.Tensor,
    chosen: tf.Tensor,
    *,
    crop: int,
    size: tf.Tensor | None = None,
    directions: int = 1,
) -> tf.Tensor:
    """Stacks fields along trajectories (paper, eq. 2) and cuts views out of the volume.

    The paths of a mirrored view start at the mirrored pixels; with u negated by `restore`, they are
    those of the mirrored video.

    Args:
        codes: `[B, L, 2, H, W]` uint8; this, `ranges`, `size` and `directions` are those of
            `stack_trajectories`.
        ranges: `[B, L, 2, 2]` float32.
        chosen: `[B, V, n]` int32, the views (`views`).
        crop: Side of the network's input in pixels.
        size: `[B, 2]` integers, or None.
        directions: 1 or 2.

    Returns:
        `[B * V, crop, crop, 2L]` float32 codes for `restore`, or `[B * V, H, W, 2L]` of whole
        frames, the V views of an element one after the other.
    """
    batch, _, _, height, width = tf.unstack(tf.shape(codes, out_type=tf.int64))
    # A path depends on nothing but where it starts. So the pixels of a single view are traced
    # alone; several views overlap, and are cut out of one frame whose pixels are all traced.
    kind = chosen.shape[-1]
    single = chosen.shape[1] == 1 and kind != views.WHOLE
    if single:
        places = views.points if kind == views.BOX else views.rows_and_columns
        rows, columns = (found[:, 0] for found in places(chosen, crop))
    else:
        rows, columns = (tf.tile(tf.range(side)[None], [batch, 1]) for side in (height, width))
    x, y = columns[:, None, :], rows[:, :, None]
    grid = tf.stack([x + tf.zeros_like(y), y + tf.zeros_like(x)], axis=-1)
    starts = tf.cast(tf.reshape(grid, [batch, -1, 2]), tf.float32)
    traced = stack_trajectories(codes, ranges, starts, size=size, directions=directions)
    channels = traced.shape[-1]
    if single:
        return tf.reshape(traced, [-1, crop, crop, channels])
    frames = tf.reshape(traced, [batch, height, width, channels])
    if kind == views.BOX:  # Traced first and then resized, several boxes would be other numbers.
        raise ValueError("Trajectories must have one rectangle a sample. Received: several.")
    return views.whole(frames, chosen) if kind == views.WHOLE else views.cut(frames, chosen, crop)


def restore(
    codes: tf.Tensor,
    ranges: tf.Tensor,
    *,
    means: tf.Tensor | None = None,
    signs: tf.Tensor | None = None,
) -> tf.Tensor:
    """Turns stacked 8-bit codes back into displacements (paper, Sect. 5, "Optical flow").

    Here u is negated in mirrored views, by `signs`. A component of a field was rescaled linearly
    from its own [min, max] to [0, 255]; this is the inverse. With
    `means`, the mean vector of each field is subtracted as well (Sect. 3.1, "Mean flow
    subtraction").

    Args:
        codes: `[B, ..., 2L]` numbers from 0 to 255, channels u1 v1 ... uL vL.
        ranges: `[B, L, 2, 2]` float32, (min, max) of each component of each field in pixels.
        means: `[B, L, 2]` float32, mean vector of each whole field in pixels; None to leave it in.
        signs: `[B, 1, 2]` float32, the factors of (u, v) from `views.flow_signs`: (-1, 1) in a
            mirrored view; None where nothing is mirrored.

    Returns:
        Float32 displacements in pixels per frame, in the shape of `codes`.
    """
    # All is folded into one factor and one summand per channel, so that the device goes over the
    # volumes, by far the largest tensors of the input, only once.
    low, high = ranges[..., 0], ranges[..., 1]
    factor = (high - low) / 255.0
    summand = low if means is None else low - means
    if signs is not None:
        factor, summand = factor * signs, summand * signs
    shape = [-1] + [1] * (codes.shape.rank - 2) + [codes.shape[-1]]
    return tf.cast(codes, tf.float32) * tf.reshape(factor, shape) + tf.reshape(summand, shape)
