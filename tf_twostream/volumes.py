"""From the coded flow fields of a store to input volumes (paper, Sect. 3.1), in batches.

Every function is made of batched TensorFlow ops and runs wherever its input lies: on the GPU in
training, on the CPU in the tests.
"""

import tensorflow as tf


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
        raise ValueError(
            "`fields` must be [B, L, 2, H, W] with two components on the third axis. "
            f"Received: shape {fields.shape}."
        )
    shape = tf.shape(fields)
    length = fields.shape[1] or shape[1]
    planes = tf.reshape(fields, [shape[0], 2 * length, shape[3], shape[4]])
    return tf.transpose(planes, [0, 2, 3, 1])


def restore(
    codes: tf.Tensor,
    ranges: tf.Tensor,
    *,
    means: tf.Tensor | None = None,
    signs: tf.Tensor | None = None,
) -> tf.Tensor:
    """Turns stacked 8-bit codes back into displacements (paper, Sect. 5, "Optical flow").

    A component of a field was rescaled linearly from its own [min, max] to [0, 255]; this is the
    inverse. With `means`, the mean vector of each field is subtracted as well (Sect. 3.1, "Mean
    flow subtraction"). All is folded into one factor and one summand per channel.

    Args:
        codes: `[B, ..., 2L]` numbers from 0 to 255, channels u1 v1 ... uL vL.
        ranges: `[B, L, 2, 2]` float32, (min, max) of each component of each field in pixels.
        means: `[B, L, 2]` float32, mean vector of each whole field in pixels; None to leave it in.
        signs: `[B, 1, 2]` float32, factors of (u, v); None for none.

    Returns:
        Float32 displacements in pixels per frame, in the shape of `codes`.
    """
    low, high = ranges[..., 0], ranges[..., 1]
    factor = (high - low) / 255.0
    summand = low if means is None else low - means
    if signs is not None:
        factor, summand = factor * signs, summand * signs
    shape = [-1] + [1] * (codes.shape.rank - 2) + [codes.shape[-1]]
    return tf.cast(codes, tf.float32) * tf.reshape(factor, shape) + tf.reshape(summand, shape)
