"""The numerics of one pyramid level of `brox`: derivatives, warp, inner fixed point iterations.

Notation as in the paper (Brox et al. 2004, eq. 7), at the displacement w by which I_1 is read:

    I_z = I_1(x + w) - I_0(x),    I_x, I_y, I_xx, I_xy, I_yy: derivatives of I_1 at x + w,
    I_xz = d/dx I_1(x + w) - d/dx I_0(x),    I_yz alike.

A first order Taylor expansion in the increment (du, dv) makes residuals linear (Sect. 3.2):

    r = I_z + I_x du + I_y dv,    r_x = I_xz + I_xx du + I_xy dv,    r_y = I_yz + I_xy du + I_yy dv,

and psi is then taken of r^2 + gamma (r_x^2 + r_y^2). Its derivative is the only thing left that is
not linear; each inner fixed point iteration holds it still ("lagged") and solves for (u, v).

Each of the three steps can be compiled by XLA on its own (`COMPILED`). The numbers of the method
and the size of the image within its canvas are inputs, so that only a new size of a canvas is
compiled anew. A canvas has an even height and an odd width (see `sor`).
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
    """What the residuals of the data term are made of (see above), coloured, `[2, M]` float32.

    All are 0 where a pixel has no data.
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
    """Takes an image's derivatives by the filter (1, -8, 0, 8, -1) / 12, as OpenCV does.

    Args:
        images: `[N, H + 2 MARGIN, W + 2 MARGIN]` float32, continued beyond their borders.

    Returns:
        `[6, N, H, W]`: I, I_x, I_y, I_xx, I_xy, I_yy, per pixel and per pixel squared.
    """
    i_x, i_y = _derivative(images, 2), _derivative(images, 1)
    i_xx, i_xy, i_yy = _derivative(i_x, 2), _derivative(i_x, 1), _derivative(i_y, 1)
    full = tf.shape(images)[1:]

    def inner(x):  # Each derivative has lost 2 pixels on both sides.
        missing = (full - tf.shape(x)[1:]) // 2
        height, width = tf.unstack(full - 2 * MARGIN)
        top, left = tf.unstack(MARGIN - missing)
        return x[:, top : top + height, left : left + width]

    return tf.stack([inner(x) for x in (images, i_x, i_y, i_xx, i_xy, i_yy)])


def _derivative(x, axis):
    if axis == 1:
        return (8 * (x[:, 3:-1] - x[:, 1:-3]) - (x[:, 4:] - x[:, :-4])) / 12
    return (8 * (x[:, :, 3:-1] - x[:, :, 1:-3]) - (x[:, :, 4:] - x[:, :, :-4])) / 12


def warp(first, second, field, size):
    """Reads the second features at (x + u, y + v), bilinearly (Sect. 3.2), and colours both.

    Derivatives are read like grey values, not taken of the warped image: they are those of I_1 at
    the displaced place (eq. 7), and those of a frame are computed once for both of its pairs.

    Args:
        first: `[6, N, H, W]`, features of I_0.
        second: `[6, N, H, W]`, features of I_1.
        field: `[2, N, H, W]`, pixels to the right and pixels down.
        size: `[2]` int32, the part (height, width) of the canvas that holds the image.

    Returns:
        `[6, 2, N, H / 2, W]`, the first; alike, the second as read; `[2, N, H / 2, W]`, 1 where
        the place is in the image, else 0.
    """
    _, num_pairs, height, width = tf.unstack(tf.shape(second))
    row, column = sor.places(width)
    two_rows = 2 * tf.range(height // 2)[:, None]
    bottom, right = tf.unstack(tf.cast(size - 1, tf.float32))
    u, v = tf.unstack(sor.split(field), num=2)
    x = u + tf.cast(column, tf.float32)
    y = v + tf.cast(row, tf.float32) + tf.cast(two_rows, tf.float32)
    # A pixel that leaves the image has no data term: what it would be compared with is not known.
    # (OpenCV compares it with the mirrored image.) Only its neighbours then say where it goes.
    inside = (x >= 0) & (x <= right) & (y >= 0) & (y <= bottom)
    inside &= (column < size[1]) & (row < size[0] - two_rows)  # Nor has the rest of the canvas.
    x, y = tf.clip_by_value(x, 0.0, right), tf.clip_by_value(y, 0.0, bottom)
    left, top = tf.floor(x), tf.floor(y)
    index = tf.cast(top, tf.int32) * width + tf.cast(left, tf.int32)
    index += tf.range(num_pairs)[:, None, None] * (height * width)
    far_x, far_y = x - left, y - top
    flat = tf.reshape(second, [6, -1])

    def corner(offset):  # Beyond the canvas only where its weight is 0.
        place = tf.minimum(index + offset, num_pairs * height * width - 1)
        return tf.gather(flat, place, axis=1)

    above = (1 - far_x) * corner(0) + far_x * corner(1)
    below = (1 - far_x) * corner(width) + far_x * corner(width + 1)
    warped = (1 - far_y) * above + far_y * below
    return sor.split(first), warped, tf.where(inside, 1.0, 0.0)


def linearise(first, warped, inside, mean):
    """Linearises the data term around the displacement by which `warped` was read (Sect. 3.2).

    Args:
        first: `[6, 2, M]`, features of I_0.
        warped: `[6, 2, M]`, features of I_1 at the displaced places.
        inside: `[2, M]`, 1 where these are in the image, else 0.
        mean: `Parameters.mean_derivatives`, 0 or 1.

    Returns:
        `Data`.
    """

    def difference(k):
        return inside * (warped[k] - first[k])

    def slope(k):
        # With mean 1 half of I_0's derivative, which is I_1's where w is right, and half of I_1's:
        # the trapezoidal rule, of which the error is of third order in the increment. The paper
        # and OpenCV take I_1's alone. A prototype gained 0.01 of 0.41 pixels by it and `sigma`.
        return inside * (warped[k] + 0.5 * mean * (first[k] - warped[k]))

    return Data(*map(difference, range(3)), *map(slope, range(1, 6)))


def minimise(features, mean, field, size, numbers):
    """Does the inner fixed point iterations of one warp (Sect. 3.2).

    With J_11 = I_x^2 + gamma (I_xx^2 + I_xy^2) and so on, the Euler-Lagrange equation for u (and
    alike for v) is, divided by alpha,

        psi'_data / alpha (J_11 du + J_12 dv + J_13) = div(psi'_smooth grad u).

    The unknown is the whole displacement u = u_k + du rather than its increment: the same equation
    with J_11 u_k + J_12 v_k - J_13 on the right, but a sweep then reads two fields instead of four.

    Args:
        features: What `warp` returns.
        mean: `Parameters.mean_derivatives`, 0 or 1.
        field: `[2, N, H, W]`, u and v in pixels, by which the second features were read.
        size: `[2]` int32, the part (height, width) of the canvas that holds the image.
        numbers: The method's numbers.

    Returns:
        The new field, `[2, N, H, W]`.
    """
    first, warped, inside = features
    first, warped = (tf.reshape(x, [6, 2, -1]) for x in (first, warped))
    d = linearise(first, warped, tf.reshape(inside, [2, -1]), mean)
    gamma = numbers.gamma
    j11 = d.i_x * d.i_x + gamma * (d.i_xx * d.i_xx + d.i_xy * d.i_xy)
    j22 = d.i_y * d.i_y + gamma * (d.i_yy * d.i_yy + d.i_xy * d.i_xy)
    j12 = d.i_x * d.i_y + gamma * d.i_xy * (d.i_xx + d.i_yy)
    j13 = d.i_x * d.i_z + gamma * (d.i_xx * d.i_xz + d.i_xy * d.i_yz)
    j23 = d.i_y * d.i_z + gamma * (d.i_xy * d.i_xz + d.i_yy * d.i_yz)
    coloured = sor.split(field)
    start_u, start_v = tf.unstack(tf.reshape(coloured, [2, 2, -1]))
    r13 = j11 * start_u + j12 * start_v - j13
    r23 = j12 * start_u + j22 * start_v - j23
    edges = borders(tf.shape(coloured)[1:], size)
    grid = sor.Grid(tf.shape(field)[3], tf.shape(start_u)[1])

    def iterate(k, u, v, left, up):
        # All of psi' comes from the same u and v, before any pixel moves. Held still, it leaves
        # linear equations with a symmetric, positive matrix, for which SOR converges. Psi is
        # concave in s^2, so their solution has no more of the linearised energy than u and v have.
        penalty = _data_penalty(d, grid.bare(u) - start_u, grid.bare(v) - start_v, numbers)
        robust = 0.5 / numbers.alpha / penalty
        for colour in (0, 1):
            new_left, new_up = diffusivities(u, v, edges, grid, colour, numbers.epsilon)
            left, up = grid.put(left, colour, new_left), grid.put(up, colour, new_up)
        system = sor.System(
            robust * j11, robust * j12, robust * j22, robust * r13, robust * r23, left, up
        )
        u, v = sor.relax(
            system, u, v, grid=grid, omega=numbers.omega, iterations=numbers.solver_iterations
        )
        return k + 1, u, v, left, up

    # `left` and `up` are no results, but carried along, with halos of zeros: written in place.
    start = [sor.with_halo(x) for x in tf.unstack(coloured)]
    _, u, v, _, _ = tf.while_loop(
        lambda k, *_: k < numbers.inner_iterations, iterate, (0, *start, *map(tf.zeros_like, start))
    )
    return tf.stack([sor.join(tf.reshape(grid.bare(x), tf.shape(coloured)[1:])) for x in (u, v)])


def _data_penalty(data, du, dv, numbers):
    """Returns psi of the linearised data term; psi' is half its inverse."""
    grey = data.i_z + data.i_x * du + data.i_y * dv
    slope_x = data.i_xz + data.i_xx * du + data.i_xy * dv
    slope_y = data.i_yz + data.i_xy * du + data.i_yy * dv
    # One psi of both constancies, as in eq. 4. Epsilon keeps it off 0 where images agree exactly.
    squares = grey * grey + numbers.gamma * (slope_x * slope_x + slope_y * slope_y)
    return tf.sqrt(squares + numbers.epsilon**2)


def borders(shape, size):
    """Tells where a pixel has a left neighbour in the image, and where it has one above.

    Args:
        shape: `[4]` int32, (2, N, H / 2, W) of the canvas.
        size: `[2]` int32, the part (height, width) of the canvas that holds the image.

    Returns:
        Two times `[2, M + 2W]` float32, 1 or 0, coloured, with a halo.
    """
    row, column = sor.places(shape[3])
    two_rows = 2 * tf.range(shape[2])[:, None]
    in_image = (column < size[1]) & (row < size[0] - two_rows)
    masks = (in_image & (column > 0), in_image & (row > -two_rows))
    ones = (tf.broadcast_to(tf.where(mask, 1.0, 0.0), shape) for mask in masks)
    return [sor.with_halo(x) for x in ones]


def diffusivities(u, v, edges, grid, colour, epsilon):
    """Returns psi' of smoothness (eq. 5) between each pixel and the one on its left, and above.

    They lie between pixels because div(psi' grad u) is a sum of differences of neighbours, weighted
    by what is there; so the equations are symmetric and of four neighbours.

    Args:
        u: `[2, M + 2W]`, coloured, with a halo, in pixels.
        v: Like u.
        edges: Of `borders`; elsewhere u, v and what is returned count as 0.
        grid: Of these tensors.
        colour: 0 for red pixels, 1 for black ones.
        epsilon: What makes psi differentiable at 0.

    Returns:
        Two times `[M]`.
    """
    has_left, has_up = edges

    def at(x, rows, columns):
        return grid.at(x, colour, rows, columns)

    def across(x, rows, columns):
        return at(has_left, rows, columns) * (at(x, rows, columns) - at(x, rows, columns - 1))

    def along(x, rows, columns):
        return at(has_up, rows, columns) * (at(x, rows, columns) - at(x, rows - 1, columns))

    horizontal, vertical = epsilon**2, epsilon**2
    for x in (u, v):
        # Across an edge: the difference; along it: the mean of central ones at its two ends. At the
        # border of the image a difference is 0, as of a mirrored field.
        down = along(x, 0, 0) + along(x, 1, 0) + along(x, 0, -1) + along(x, 1, -1)
        right = across(x, 0, 0) + across(x, 0, 1) + across(x, -1, 0) + across(x, -1, 1)
        horizontal += across(x, 0, 0) ** 2 + (0.25 * down) ** 2
        vertical += along(x, 0, 0) ** 2 + (0.25 * right) ** 2
    left = at(has_left, 0, 0) * 0.5 * tf.math.rsqrt(horizontal)
    return left, at(has_up, 0, 0) * 0.5 * tf.math.rsqrt(vertical)


class Code(NamedTuple):
    """The heavy parts, compiled or not."""

    features: Callable
    warp: Callable
    minimise: Callable


PLAIN = Code(features, warp, minimise)
_IMAGES, _FIELDS = tf.TensorSpec([6, None, None, None]), tf.TensorSpec([2, None, None, None])
_COLOURED = tf.TensorSpec([6, 2, None, None, None])
_NUMBER, _COUNT = tf.TensorSpec([]), tf.TensorSpec([], tf.int32)
_SIZE, _NUMBERS = tf.TensorSpec([2], tf.int32), Numbers(*[_NUMBER] * 4, *[_COUNT] * 2)
_SIGNATURES = (
    [tf.TensorSpec([None, None, None])],
    [_IMAGES, _IMAGES, _FIELDS, _SIZE],
    [(_COLOURED, _COLOURED, _FIELDS), _NUMBER, _FIELDS, _SIZE, _NUMBERS],
)
# Compiled apart, so that what each returns lies in memory. In one function XLA fuses derivatives
# and warp into all that read them and computes them many times: a prototype lost 35 ms a pair to
# that on a CPU, and took 48 s to compile the whole pyramid for one size of frames.
COMPILED = Code(
    *(
        tf.function(part, input_signature=signature, jit_compile=True, autograph=False)
        for part, signature in zip(PLAIN, _SIGNATURES)
    )
)
