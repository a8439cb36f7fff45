"""The numerics of one pyramid level of `brox`: derivatives, warp, inner fixed point iterations.

Each of the four steps can be compiled by XLA on its own (`COMPILED`), which knows the numbers and
the size of the image within its canvas only as inputs: one compilation per size of a canvas.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tf_twostream.flow import sor

MARGIN = 4  # Pixels that two derivatives of five taps reach.


class Numbers(NamedTuple):
    """The parameters that are inputs of compiled code, as scalar tensors."""

    alpha: tf.Tensor
    gamma: tf.Tensor
    epsilon: tf.Tensor
    omega: tf.Tensor
    inner_iterations: tf.Tensor
    solver_iterations: tf.Tensor


class Data(NamedTuple):
    """The data term linearised around a displacement: I_z + I_x du + I_y dv and its gradient.

    All coloured, `[2, N, H, W / 2]`, 0 where a pixel has no data.
    """

    i_z: tf.Tensor
    i_xz: tf.Tensor
    i_yz: tf.Tensor
    i_x: tf.Tensor
    i_y: tf.Tensor
    i_xx: tf.Tensor
    i_xy: tf.Tensor
    i_yy: tf.Tensor


def features(images):
    """Takes an image's derivatives (1, -8, 0, 8, -1) / 12; the image has `MARGIN` more pixels.

    Returns:
        `[N, 6, H, W]`: I, I_x, I_y, I_xx, I_xy, I_yy.
    """
    i_x, i_y = _derivative(images, 2), _derivative(images, 1)
    i_xx, i_xy, i_yy = _derivative(i_x, 2), _derivative(i_x, 1), _derivative(i_y, 1)
    full = tf.shape(images)[1:]

    def inner(x):
        missing = (full - tf.shape(x)[1:]) // 2
        height, width = tf.unstack(full - 2 * MARGIN)
        top, left = tf.unstack(MARGIN - missing)
        return x[:, top : top + height, left : left + width]

    return tf.stack([inner(x) for x in (images, i_x, i_y, i_xx, i_xy, i_yy)], axis=1)


def _derivative(x, axis):
    if axis == 1:
        return (8 * (x[:, 3:-1] - x[:, 1:-3]) - (x[:, 4:] - x[:, :-4])) / 12
    return (8 * (x[:, :, 3:-1] - x[:, :, 1:-3]) - (x[:, :, 4:] - x[:, :, :-4])) / 12


def warp(features, u, v, size):
    """Reads features `[N, C, H, W]` at (x + u, y + v), bilinearly.

    Args:
        features: The features of I_1.
        u: `[N, H, W]`, pixels to the right.
        v: `[N, H, W]`, pixels down.
        size: `[2]` int32, the part (height, width) of the canvas that holds the image.

    Returns:
        `[N, C, H, W]` and, `[N, H, W]`, whether the place is in the image.
    """
    shape = tf.shape(features)
    num_pairs, channels, height, width = tf.unstack(shape)
    bottom, right = tf.unstack(tf.cast(size - 1, tf.float32))
    row = tf.range(tf.cast(height, tf.float32))[:, None]
    column = tf.range(tf.cast(width, tf.float32))
    x, y = column + u, row + v
    inside = (x >= 0) & (x <= right) & (y >= 0) & (y <= bottom)
    inside &= (row <= bottom) & (column <= right)
    x, y = tf.clip_by_value(x, 0.0, right), tf.clip_by_value(y, 0.0, bottom)
    left, top = tf.floor(x), tf.floor(y)
    far_x, far_y = (x - left)[:, None], (y - top)[:, None]
    index = tf.cast(top, tf.int32) * width + tf.cast(left, tf.int32)
    flat = tf.reshape(features, [num_pairs, channels, height * width])

    def corner(offset):  # Beyond the canvas only where its weight is 0.
        place = tf.minimum(tf.reshape(index + offset, [num_pairs, -1]), height * width - 1)
        return tf.reshape(tf.gather(flat, place, axis=2, batch_dims=1), shape)

    above = (1 - far_x) * corner(0) + far_x * corner(1)
    below = (1 - far_x) * corner(width) + far_x * corner(width + 1)
    return (1 - far_y) * above + far_y * below, inside


def linearise(first, warped, inside, mean):
    """Linearises the data term around the displacement by which `warped` was read (eq. 11).

    Args:
        first: `[N, 6, H, W]`, features of I_0.
        warped: `[N, 6, H, W]`, features of I_1 at the displaced places.
        inside: `[N, H, W]`, whether these are in the image.
        mean: `Parameters.mean_derivatives`, 0 or 1.
    """
    weight = tf.where(inside, 1.0, 0.0)

    def difference(k):
        return sor.split(weight * (warped[:, k] - first[:, k]))

    def slope(k):
        return sor.split(weight * (warped[:, k] + 0.5 * mean * (first[:, k] - warped[:, k])))

    return Data(*map(difference, range(3)), *map(slope, range(1, 6)))


def minimise(d, u, v, size, numbers):
    """Does the inner fixed point iterations (eq. 14); u, v `[N, H, W]` and returned alike.

    The unknown is the whole displacement rather than its increment; it is the same equation.
    """
    gamma = numbers.gamma
    start_u, start_v = sor.split(u), sor.split(v)
    j11 = d.i_x * d.i_x + gamma * (d.i_xx * d.i_xx + d.i_xy * d.i_xy)
    j22 = d.i_y * d.i_y + gamma * (d.i_yy * d.i_yy + d.i_xy * d.i_xy)
    j12 = d.i_x * d.i_y + gamma * d.i_xy * (d.i_xx + d.i_yy)
    j13 = d.i_x * d.i_z + gamma * (d.i_xx * d.i_xz + d.i_xy * d.i_yz)
    j23 = d.i_y * d.i_z + gamma * (d.i_xy * d.i_xz + d.i_yy * d.i_yz)
    r13 = j11 * start_u + j12 * start_v - j13
    r23 = j12 * start_u + j22 * start_v - j23

    def iterate(k, u, v):
        robust = 0.5 / numbers.alpha / _data_penalty(d, u - start_u, v - start_v, numbers)
        left, up = diffusivities(sor.join(u), sor.join(v), size, numbers.epsilon)
        system = sor.System(
            robust * j11, robust * j12, robust * j22, robust * r13, robust * r23,
            sor.split(left), sor.split(up),
        )  # fmt: skip
        u, v = sor.relax(system, u, v, omega=numbers.omega, iterations=numbers.solver_iterations)
        return k + 1, u, v

    _, u, v = tf.while_loop(
        lambda k, *_: k < numbers.inner_iterations, iterate, (0, start_u, start_v)
    )
    return sor.join(u), sor.join(v)


def _data_penalty(data, du, dv, numbers):
    """Returns psi of the linearised data term."""
    grey = data.i_z + data.i_x * du + data.i_y * dv
    slope_x = data.i_xz + data.i_xx * du + data.i_xy * dv
    slope_y = data.i_yz + data.i_xy * du + data.i_yy * dv
    squares = grey * grey + numbers.gamma * (slope_x * slope_x + slope_y * slope_y)
    return tf.sqrt(squares + numbers.epsilon**2)


def diffusivities(u, v, size, epsilon):
    """Returns psi' of smoothness between each pixel and the one on its left, and above."""
    row, column = tf.range(tf.shape(u)[1])[:, None], tf.range(tf.shape(u)[2])
    in_image = (row < size[0]) & (column < size[1])
    has_left, has_up = in_image & (column > 0), in_image & (row > 0)
    horizontal, vertical = epsilon**2, epsilon**2
    for x in (u, v):
        before = tf.where(column == 0, x, sor.shift(x, columns=1))
        behind = tf.where(column >= size[1] - 1, x, sor.shift(x, columns=-1))
        above = tf.where(row == 0, x, sor.shift(x, rows=1))
        below = tf.where(row >= size[0] - 1, x, sor.shift(x, rows=-1))
        # Across an edge: the difference; along it: the mean of central ones at its two ends.
        down, right = below - above, behind - before
        horizontal += (x - before) ** 2 + (0.25 * (down + sor.shift(down, columns=1))) ** 2
        vertical += (x - above) ** 2 + (0.25 * (right + sor.shift(right, rows=1))) ** 2
    left = tf.where(has_left, 0.5 * tf.math.rsqrt(horizontal), 0.0)
    up = tf.where(has_up, 0.5 * tf.math.rsqrt(vertical), 0.0)
    return left, up


class Code(NamedTuple):
    """The heavy parts, compiled or not."""

    features: Callable
    warp: Callable
    linearise: Callable
    minimise: Callable


PLAIN = Code(features, warp, linearise, minimise)


def _compile() -> Code:
    def float32(rank):
        return tf.TensorSpec([None] * rank, tf.float32)

    numbers = Numbers(*[float32(0)] * 4, *[tf.TensorSpec([], tf.int32)] * 2)
    size = tf.TensorSpec([2], tf.int32)
    pairs, inside = float32(4), tf.TensorSpec([None] * 3, tf.bool)
    signatures = (
        [float32(3)],
        [pairs, float32(3), float32(3), size],
        [pairs, pairs, inside, float32(0)],
        [Data(*[float32(4)] * 8), float32(3), float32(3), size, numbers],
    )
    return Code(
        *(
            tf.function(part, input_signature=signature, jit_compile=True, autograph=False)
            for part, signature in zip(PLAIN, signatures)
        )
    )


COMPILED = _compile()
