"""Successive over-relaxation of a linear system of two coupled fields on a pixel grid.

Brox et al. (2004, Sect. 3.2) solve the linear equations that are left inside both fixed point
iterations by SOR. Pixels are coloured like a chess board here: all neighbours of a red pixel are
black, so that each colour is relaxed in one parallel step, and a sweep over both colours is still
a Gauss-Seidel sweep.

Images have an even height H and an odd width W. On the line of all pixels, row after row and image
after image, red ones (x + y even) then have the even places and black ones the odd. Coloured
tensors `[2, M]` hold the red ones, then the black ones, M = N * H * W / 2 of each. A neighbour is
always equally far away in them, wherever the pixel is. Tensors with a halo, `[2, M + 2W]`, begin
and end with W zeros for each colour, so that the neighbours of all pixels are one slice
(`Grid.at`), without a branch.
"""

from typing import NamedTuple

import tensorflow as tf


class System(NamedTuple):
    """The equations of all pixels i, each coloured `[2, M]` float32, `left` and `up` with a halo.

    For u (and alike for v, with a22, b_v and the roles of u and v swapped):

        (a11_i + sum_j s_ij) u_i + a12_i v_i = sum_j s_ij u_j + b_u_i,

    the sums over the four neighbours j of i. `left` is s of a pixel and its left neighbour, 0 in
    the first column; `up` is s of a pixel and the one above, 0 in the first row. With s = 0 at all
    borders nothing flows across them: these are the paper's reflecting boundaries (Sect. 3.1).
    """

    a11: tf.Tensor
    a12: tf.Tensor
    a22: tf.Tensor
    b_u: tf.Tensor
    b_v: tf.Tensor
    left: tf.Tensor
    up: tf.Tensor


class Grid:
    """Finds neighbours in coloured tensors with a halo.

    Attributes:
        width: W, int32.
        places: M, int32, the pixels of each colour.
    """

    def __init__(self, width: tf.Tensor, places: tf.Tensor):
        self.width, self.places = width, places
        # The pixel below is W places on in the line of all pixels, and W is odd: it has the other
        # colour and lies (W - 1) / 2 places on there, or one more, which `at` adds.
        half = width // 2
        self._begin = {-1: width - half, 0: width, 1: width + half}

    def at(self, x, colour, rows, columns):
        """Reads x at the pixels that lie so far below and right of those of a colour.

        What is read beyond the left or right border belongs to another row, and beyond the upper or
        lower one to another image or to the halo. It must be given the weight 0.

        Args:
            x: `[2, M + 2W]`, coloured, with a halo.
            colour: 0 for red, 1 for black.
            rows: -1, 0 or 1.
            columns: -1, 0 or 1.

        Returns:
            `[M]`.
        """
        # Place 2m + colour of the line of all pixels moves by rows * W + columns.
        other, step = (colour + rows + columns) % 2, (colour + rows + columns) // 2
        begin = self._begin[rows] + step
        return x[other, begin : begin + self.places]

    def put(self, x, colour, new):
        """Replaces the pixels of a colour, `[M]`, in `x` with a halo."""
        # XLA makes this a copy in place; concatenating with the halo would move all of x.
        return tf.raw_ops.TensorStridedSliceUpdate(
            input=x,
            begin=[colour, self.width],
            end=[colour + 1, self.width + self.places],
            strides=[1, 1],
            value=new[None],
        )

    def bare(self, x):
        """Takes the halo away: `[2, M + 2W]` to `[2, M]`."""
        return x[:, self.width : self.width + self.places]


def relax(
    system: System,
    u: tf.Tensor,
    v: tf.Tensor,
    *,
    grid: Grid,
    omega: tf.Tensor,
    iterations: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Relaxes u and v of the red, then of the black pixels, `iterations` times.

    In each pixel u comes before v, whose equation already uses the new u.

    Args:
        system: The equations.
        u: `[2, M + 2W]` float32, coloured, with a halo: the first component to start from.
        v: The second component.
        grid: Of these tensors.
        omega: Over-relaxation in (0, 2); 1 is Gauss-Seidel.
        iterations: Number of sweeps over both colours.

    Returns:
        u and v, coloured, with a halo. A pixel without equation (all coefficients 0) tends to 0.
    """
    # Dividing once here instead of in each sweep. Pixels of the padding have no coefficient at all
    # and would give infinity, which then spreads as NaN.
    factors = [
        [
            tf.math.divide_no_nan(omega, a[colour] + tf.add_n(_weights(system, grid, colour)))
            for colour in (0, 1)
        ]
        for a in (system.a11, system.a22)
    ]

    def relaxed(colour, x, old, other, b, factor):
        """Relaxes one component, x, of one colour, of which `old` and `other` are at hand."""
        weights = _weights(system, grid, colour)
        pull = tf.add_n([s * grid.at(x, colour, *step) for s, step in zip(weights, _STEPS)])
        right = pull + b[colour] - system.a12[colour] * other
        return (1 - omega) * old + factor[colour] * right

    def sweep(k, u, v, *own):
        # What is new is kept twice, without a halo and with one: XLA then computes it once, and
        # copies it in place. Written to u and v only, it would not be vectorised on a CPU.
        own_u, own_v = list(own[:2]), list(own[2:])
        for c in (0, 1):
            own_u[c] = relaxed(c, u, own_u[c], own_v[c], system.b_u, factors[0])
            u = grid.put(u, c, own_u[c])
            own_v[c] = relaxed(c, v, own_v[c], own_u[c], system.b_v, factors[1])
            v = grid.put(v, c, own_v[c])
        return k + 1, u, v, *own_u, *own_v

    own = [grid.at(x, colour, 0, 0) for x in (u, v) for colour in (0, 1)]
    start = (tf.zeros_like(iterations), u, v, *own)
    return tf.while_loop(lambda k, *_: k < iterations, sweep, start)[1:3]


_STEPS = ((0, -1), (0, 1), (-1, 0), (1, 0))  # Rows and columns to the left, right, up and down.


def _weights(system, grid, colour):
    """Returns s of the pixels of a colour and each of the neighbours of `_STEPS`."""
    # s is symmetric: the weight to the right is that of the right neighbour to its left.
    left, up = system.left, system.up
    places = ((left, 0, 0), (left, 0, 1), (up, 0, 0), (up, 1, 0))
    return [grid.at(s, colour, *place) for s, *place in places]


def with_halo(x: tf.Tensor) -> tf.Tensor:
    """Adds a halo to a coloured tensor: `[2, N, H / 2, W]` to `[2, M + 2W]`."""
    width = tf.shape(x)[3]
    zeros = tf.zeros([2, 1, width])
    rows = tf.reshape(x, [2, -1, width])
    return tf.reshape(tf.concat([zeros, rows, zeros], axis=1), [2, -1])


def split(x: tf.Tensor) -> tf.Tensor:
    """Colours images: `[..., N, H, W]` to `[..., 2, N, H / 2, W]`; each W are from two rows."""
    shape = tf.shape(x)
    lead, height, width = shape[:-2], shape[-2], shape[-1]
    pairs = tf.reshape(x, tf.concat([lead, [height // 2, width, 2]], axis=0))
    return tf.stack([pairs[..., 0], pairs[..., 1]], axis=-4)


def join(x: tf.Tensor) -> tf.Tensor:
    """Undoes `split`: `[..., 2, N, H / 2, W]` to `[..., N, H, W]`."""
    shape = tf.shape(x)
    lead, height, width = shape[:-4], shape[-2], shape[-1]
    pairs = tf.stack(tf.unstack(x, num=2, axis=-4), axis=-1)
    return tf.reshape(pairs, tf.concat([lead, [shape[-3], 2 * height, width]], axis=0))


def places(width: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the row (0 or 1) and column of the pixels of two rows, `[2, 1, 1, W]` int32.

    A coloured row of W pixels comes from two rows of an image, and all such pairs are alike.
    """
    row = tf.broadcast_to(tf.range(2)[:, None], [1, 2, width])
    column = tf.broadcast_to(tf.range(width), [1, 2, width])
    return split(row), split(column)
