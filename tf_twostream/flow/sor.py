"""Successive over-relaxation of a linear system of two coupled fields on a pixel grid.

Brox et al. (2004, Sect. 3) solve the linear equations that are left inside both fixed point
iterations by SOR. Here pixels are coloured like a chess board: all neighbours of a red pixel are
black, so each colour is relaxed in one parallel step. Coloured tensors `[2, N, H, W / 2]` hold the
red pixels (x + y even), then the black ones, a row's pixels side by side, so that no work is
masked away. A pixel's neighbours in its row lie at the same place of the other colour and one
beside; those above and below at the same place of the other colour's rows.
"""

import functools
from typing import NamedTuple

import tensorflow as tf


class System(NamedTuple):
    """The equations of all pixels i, each coloured `[2, N, H, W / 2]` float32.

    For u (and alike for v, with a22, b_v and the roles of u and v swapped):
    (a11_i + sum_j s_ij) u_i + a12_i v_i = sum_j s_ij u_j + b_u_i, the sums over the four
    neighbours j of i. `left` is s of a pixel and its left neighbour, 0 in the first column;
    `up` likewise with the pixel above, 0 in the first row.
    """

    a11: tf.Tensor
    a12: tf.Tensor
    a22: tf.Tensor
    b_u: tf.Tensor
    b_v: tf.Tensor
    left: tf.Tensor
    up: tf.Tensor


class _Colour(NamedTuple):
    """What the pixels of one colour need, each `[N, H, W / 2]`.

    `same` and `beside` are s of the neighbours in a pixel's row, by their place in the other
    colour's array; `d_u` and `d_v` are omega divided by the factor of u and of v.
    """

    same: tf.Tensor
    beside: tf.Tensor
    down: tf.Tensor
    d_u: tf.Tensor
    d_v: tf.Tensor


def relax(
    system: System, u: tf.Tensor, v: tf.Tensor, *, omega: tf.Tensor, iterations: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Relaxes u and v of the red, then of the black pixels, `iterations` times.

    A pixel without equation (all coefficients 0) tends to 0.

    Args:
        system: The equations.
        u: Coloured `[2, N, H, W / 2]` float32, the first component to start from.
        v: The second component.
        omega: Over-relaxation in (0, 2); 1 is Gauss-Seidel.
        iterations: Number of sweeps over both colours.

    Returns:
        u and v, coloured.
    """
    red, black = (_colour(system, omega, number) for number in (0, 1))
    relax_colour = functools.partial(_relax_colour, system, omega)

    def sweep(k, red_u, red_v, black_u, black_v):
        red_u, red_v = relax_colour(red, 0, red_u, red_v, black_u, black_v)
        black_u, black_v = relax_colour(black, 1, black_u, black_v, red_u, red_v)
        return k + 1, red_u, red_v, black_u, black_v

    start = (tf.zeros_like(iterations), u[0], v[0], u[1], v[1])
    end = tf.while_loop(lambda k, *_: k < iterations, sweep, start)
    return tf.stack([end[1], end[3]]), tf.stack([end[2], end[4]])


def _colour(system, omega, number):
    """Gathers what the pixels of colour `number` need."""
    left, up = system.left[number], system.up[number]
    other = system.left[1 - number]
    left_beside = _left_beside(left, number)
    right = tf.where(left_beside, other, shift(other, columns=-1))
    down = shift(system.up[1 - number], rows=-1)
    total = left + right + up + down
    return _Colour(
        tf.where(left_beside, right, left),
        tf.where(left_beside, left, right),
        down,
        tf.math.divide_no_nan(omega, system.a11[number] + total),
        tf.math.divide_no_nan(omega, system.a22[number] + total),
    )


def _relax_colour(system, omega, colour, number, u, v, other_u, other_v):
    """Relaxes u and v of the pixels of colour `number`."""
    left_beside = _left_beside(u, number)
    _, a12, _, b_u, b_v, _, up = (part[number] for part in system)

    def pull(other):
        beside = tf.where(left_beside, shift(other, columns=1), shift(other, columns=-1))
        return (
            colour.same * other
            + colour.beside * beside
            + up * shift(other, rows=1)
            + colour.down * shift(other, rows=-1)
        )

    u = (1 - omega) * u + colour.d_u * (pull(other_u) + b_u - a12 * v)
    v = (1 - omega) * v + colour.d_v * (pull(other_v) + b_v - a12 * u)
    return u, v


def _left_beside(x, number):
    """Tells of each row whether the left neighbour is the one beside: even rows of red."""
    return (tf.range(tf.shape(x)[1]) % 2 == number)[None, :, None]


def split(x: tf.Tensor) -> tf.Tensor:
    """Colours images: `[N, H, W]`, W even, to `[2, N, H, W / 2]`."""
    even = _left_beside(x, 0)
    here, there = x[:, :, 0::2], x[:, :, 1::2]
    return tf.stack([tf.where(even, here, there), tf.where(even, there, here)])


def join(x: tf.Tensor) -> tf.Tensor:
    """Undoes `split`: `[2, N, H, W / 2]` to `[N, H, W]`."""
    even = _left_beside(x[0], 0)
    pairs = tf.stack([tf.where(even, x[0], x[1]), tf.where(even, x[1], x[0])], axis=3)
    _, num_images, height, half_width = tf.unstack(tf.shape(x))
    return tf.reshape(pairs, [num_images, height, 2 * half_width])


def shift(x: tf.Tensor, *, rows: int = 0, columns: int = 0) -> tf.Tensor:
    """Moves images `[N, H, W]` down and right (up and left if negative); zeros come in."""
    kept = x[
        :,
        max(-rows, 0) : -rows if rows > 0 else None,
        max(-columns, 0) : -columns if columns > 0 else None,
    ]
    new = [[max(step, 0), max(-step, 0)] for step in (rows, columns)]
    return tf.pad(kept, [[0, 0], *new])
