"""Optical flow of Brox, Bruhn, Papenberg and Weickert in TensorFlow, batched.

"High Accuracy Optical Flow Estimation Based on a Theory for Warping" (ECCV 2004) seeks the
displacement w = (u, v) in pixels from an image I_0 to the next I_1 that minimises

    E = E_data + alpha E_smooth                                                            (eq. 6)
    E_data = sum psi(|I_1(x + w) - I_0(x)|^2 + gamma |grad I_1(x + w) - grad I_0(x)|^2)    (eq. 4)
    E_smooth = sum psi(|grad u|^2 + |grad v|^2),    psi(s^2) = sqrt(s^2 + epsilon^2)       (eq. 5)

It is done by three nested loops (Sect. 3.2):

1. The outer fixed point iteration goes from coarse to fine (`pyramid`). On each level it reads I_1
   where the known w leads ("warps" it) and linearises the data term around that place.
2. The inner fixed point iteration holds psi' still, which leaves linear equations (`refinement`).
3. Successive over-relaxation solves these, red pixels and black ones in turn (`sor`).

The paper's gradient of w also has a component in time; with two images at hand it is spatial.
The graph is traced once for all sizes of frames; its heavy parts are compiled by XLA, once for each
size of a level, rounded up to `GRAIN` pixels.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from tf_twostream.flow import methods, pyramid, refinement, sor
from tf_twostream.flow.presets import FAST, OPENCV, Parameters

__all__ = ["BYTES_PER_PIXEL", "FAST", "OPENCV", "Parameters", "energy", "fields", "flow"]

GRAIN = 16  # Pixels: levels are padded to multiples, so that sizes share compiled code. Even.
# Levels below 1 / SHARED of the frames' size are all padded to that size. It lies just below
# 1 / 0.65^3, so that FAST's third level fills it: its 8 levels at 341x256 need 4 compilations, the
# 14 of OPENCV 7. All padding together costs a fifth more pixels.
SHARED = 3.6
SMALLEST = refinement.MARGIN  # Pixels of a side: as many are mirrored at each border.
# Of memory, at the peak of a call, for each pixel of a frame and each pair. By how much more a
# process holds that calls `fields` compiled with 4 pairs of 341x256 instead of 1, on a CPU: 319;
# 16 instead of 4: 292 (`FAST`), 299 (`OPENCV`). TensorFlow itself and the code come on top.
BYTES_PER_PIXEL = 320


# Inside a function of the caller's that AutoGraph converts, it would try to convert this, too.
@tf.autograph.experimental.do_not_convert
def flow(
    frames: tf.Tensor,
    parameters: Parameters = FAST,
    *,
    backward: bool = False,
    compiled: bool = True,
) -> tf.Tensor:
    """Estimates the displacements between successive frames.

    Args:
        frames: `[B, T, H, W]` float32 grey frames in [0, 1].
        parameters: The method's numbers.
        backward: From frame t + 1 to t instead of from t to t + 1.
        compiled: Lets XLA compile the heavy parts. Without it a pair takes 8 times as long, but
            there is nothing to wait for. Do not call it inside code that is itself compiled.

    Returns:
        `[B, T - 1, H, W, 2]` float32, (u right, v down) in pixels.

    Raises:
        ValueError: If the frames are not `[B, T, H, W]` float32 with T >= 2, or a side is known to
            be below `SMALLEST` pixels.
    """
    frames = tf.convert_to_tensor(frames)
    static = frames.shape
    if static.rank != 4 or frames.dtype != tf.float32:
        got = f"{static} {frames.dtype}"
        raise ValueError(f"`frames` must be [B, T, H, W] float32 in [0, 1]. Received: {got}.")
    if static[1] is not None and static[1] < 2:
        raise ValueError(f"`frames` must have two frames or more. Received: shape {static}.")
    _check_size(static[2:])
    if parameters.sigma:
        frames = _smooth(frames, parameters.sigma)
    field = tf.stack(tf.unstack(_pairs(frames, parameters, backward, compiled)), axis=-1)
    batch, num_frames, *size = tf.unstack(tf.shape(frames))
    num_fields = None if static[1] is None else static[1] - 1
    fields = tf.reshape(field, [batch, num_frames - 1, *size, 2])
    return tf.ensure_shape(fields, [static[0], num_fields, *static[2:], 2])


def fields(
    frames: Iterable[np.ndarray],
    *,
    parameters: Parameters = FAST,
    backward: bool = False,
    pairs_per_call: int = 1,
) -> Iterator[np.ndarray]:
    """Estimates the fields of a video as its frames come, compiled.

    XLA compiles anew for each size of frames and `pairs_per_call`, once per process.

    Args:
        frames: T grey frames `[H, W]` uint8.
        parameters: The method's numbers.
        backward: From frame t + 1 to t instead of from t to t + 1.
        pairs_per_call: Pairs that are solved at once: 1 on a CPU (4 were not faster), many on a
            GPU, as memory allows.

    Yields:
        T - 1 fields `[H, W, 2]` float32 in pixels: from frame t to t + 1, or, backward, from
        frame t + 1 to t; t = 0, 1 ...

    Raises:
        ValueError: If frames are no grey frames of one size, a side is below `SMALLEST` pixels, or
            `pairs_per_call` below 1.
    """
    if pairs_per_call < 1:
        raise ValueError(f"`pairs_per_call` must be at least 1. Received: {pairs_per_call}.")
    estimate = _estimator(parameters, backward)
    frames = methods.checked(frames)
    chunk = list(itertools.islice(frames, 1))
    for frame in chunk:
        _check_size(frame.shape)
    while new := list(itertools.islice(frames, pairs_per_call)):
        chunk += new
        # The end of a video is filled up, so that no shape is new, which would be compiled.
        filled = chunk + chunk[-1:] * (pairs_per_call - len(new))
        yield from estimate(np.stack(filled)[None])[0, : len(new)].numpy()
        chunk = chunk[-1:]


@functools.cache
def _estimator(parameters, backward):
    def estimate(frames):
        return flow(tf.cast(frames, tf.float32) / 255, parameters, backward=backward)

    signature = [tf.TensorSpec([None] * 4, tf.uint8)]
    return tf.function(estimate, input_signature=signature, autograph=False)


def _check_size(size):
    """Refuses frames of a (height, width), as far as it is known, that derivatives reach across."""
    if any(side is not None and side < SMALLEST for side in size):
        rule = f"Frames must have at least {SMALLEST} pixels a side, as far as derivatives reach"
        raise ValueError(f"{rule}. Received (height, width): {tuple(size)}.")


@tf.autograph.experimental.do_not_convert
def energy(
    first: tf.Tensor, second: tf.Tensor, field: tf.Tensor, parameters: Parameters = FAST
) -> tf.Tensor:
    """Computes the energy of displacements (eq. 6), summed over pixels and divided by alpha.

    Args:
        first: `[N, H, W]` float32 in [0, 1], I_0.
        second: `[N, H, W]`, I_1.
        field: `[N, H, W, 2]` float32 in pixels.
        parameters: The method's numbers; of them alpha, gamma and epsilon count.

    Returns:
        `[N]` float32. Pixels displaced out of the image have no data term.
    """
    size = tf.shape(first)[1:]
    canvas = _canvas(size, 2)

    def derive(image):
        extended = pyramid.extend(image, margin=refinement.MARGIN, canvas=canvas)
        return refinement.features(extended)

    field = tf.pad(tf.transpose(field, [3, 0, 1, 2]), _padding(size, canvas))
    features, warped, inside = refinement.warp(derive(first), derive(second), field, size)
    grey, slope_x, slope_y = tf.unstack(warped[:3] - features[:3])
    squares = grey**2 + parameters.gamma * (slope_x**2 + slope_y**2)
    data = inside * tf.sqrt(squares + parameters.epsilon**2)
    # psi is half of 1 / psi', which is known between pixels in two directions. A pixel has about
    # one such neighbour pair in each, so that a quarter of their sum is the mean psi.
    smooth = [0.25 * tf.math.divide_no_nan(1.0, edge) for edge in _edges(field, size, parameters)]
    energies = data / parameters.alpha + tf.reshape(tf.add_n(smooth), tf.shape(data))
    return tf.reduce_sum(energies, axis=[0, 2, 3])


def _edges(field, size, parameters):
    """Returns psi' of smoothness between pixels and those on their left, and above, `[2, M]`."""
    coloured = sor.split(field)
    u, v = (sor.with_halo(x) for x in tf.unstack(coloured, num=2))
    borders = refinement.borders(tf.shape(coloured)[1:], size)
    grid = sor.Grid(tf.shape(field)[3], tf.size(field) // 4)
    epsilon = tf.constant(parameters.epsilon)
    red, black = (refinement.diffusivities(u, v, borders, grid, c, epsilon) for c in (0, 1))
    return [tf.stack(pair) for pair in zip(red, black)]


def _pairs(frames, parameters, backward, compiled):
    """Goes from the coarsest level to the finest; returns u and v, `[2, B (T - 1), H, W]`."""
    shape = tf.shape(frames)
    num_pairs = shape[0] * (shape[1] - 1)
    geometry, eta = pyramid.GEOMETRIES[parameters.geometry], tf.constant(parameters.eta)
    sizes = pyramid.level_sizes(
        shape[2:], eta=eta, max_levels=tf.constant(parameters.outer_iterations)
    )
    images = tf.reshape(frames, [-1, shape[2], shape[3]])
    levels = pyramid.build(images, sizes, geometry=geometry, eta=eta)

    def refine(level, field):
        size, old = sizes[level], tf.shape(field)[2:]
        field = geometry.enlarge(tf.reshape(field, tf.concat([[-1], old], axis=0)), size, eta)
        field = tf.reshape(field, tf.concat([[2, num_pairs], size], axis=0))
        # Displacements are in pixels of their level, which become smaller: u by the rise of the
        # width, v by that of the height.
        field *= tf.reshape(geometry.rise(old, size, eta)[::-1], [2, 1, 1, 1])
        return level - 1, _level(levels.read(level), field, shape, parameters, backward, compiled)

    # The coarsest level begins with no displacement (Sect. 3.2).
    return tf.while_loop(
        lambda level, _: level >= 0,
        refine,
        (tf.shape(sizes)[0] - 1, tf.zeros(tf.concat([[2, num_pairs], sizes[-1]], axis=0))),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([2, None, None, None])),
    )[1]


def _level(images, field, shape, parameters, backward, compiled):
    """Does the outer iterations of one level, `images` `[B T, H', W']`, from a field."""
    run = refinement.COMPILED if compiled else refinement.PLAIN
    size = tf.shape(images)[1:]
    shared = tf.cast(tf.cast(shape[2:], tf.float32) / SHARED, tf.int32)
    canvas = _canvas(tf.maximum(size, shared), GRAIN)
    # Mirrored: a step to black at the borders would be the strongest edge of all.
    features = run.features(pyramid.extend(images, margin=refinement.MARGIN, canvas=canvas))
    clips = tf.reshape(features, tf.concat([[6], shape[:2], canvas], axis=0))
    pairs = tf.concat([[6, -1], canvas], axis=0)
    earlier, later = tf.reshape(clips[:, :, :-1], pairs), tf.reshape(clips[:, :, 1:], pairs)
    first, second = (later, earlier) if backward else (earlier, later)
    names = refinement.Numbers._fields
    numbers = refinement.Numbers(*(tf.constant(getattr(parameters, name)) for name in names))
    mean = tf.constant(float(parameters.mean_derivatives))

    def warp(k, field):
        features = run.warp(first, second, field, size)
        return k + 1, run.minimise(features, mean, field, size, numbers)

    field = tf.pad(field, _padding(size, canvas))
    field = tf.while_loop(lambda k, _: k < parameters.warps, warp, (0, field))[1]
    return field[:, :, : size[0], : size[1]]


def _canvas(size, grain):
    """Rounds (height, width) up: to a multiple of an even `grain`, to one less than a multiple."""
    return (size + [grain - 1, grain]) // grain * grain - [0, 1]


def _padding(size, canvas):
    """Returns what `tf.pad` adds to fields below and on the right."""
    below, right = tf.unstack(canvas - size)
    return [[0, 0], [0, 0], [0, below], [0, right]]


def _smooth(frames, sigma):
    """Smooths frames `[B, T, H, W]` by a Gaussian, row by row and column by column."""
    reach = int(3 * sigma + 0.999)
    place = tf.range(-reach, reach + 1, dtype=tf.float32)
    kernel = tf.nn.softmax(
        -0.5 * (place / sigma) ** 2
    )  # The weights, already divided by their sum.
    shape = tf.shape(frames)
    images = tf.reshape(frames, tf.concat([[-1], shape[2:]], axis=0))
    images = pyramid.extend(images, margin=reach, canvas=shape[2:])
    images = tf.add_n([images[:, k : k + shape[2]] * kernel[k] for k in range(2 * reach + 1)])
    images = tf.add_n([images[:, :, k : k + shape[3]] * kernel[k] for k in range(2 * reach + 1)])
    return tf.reshape(images, shape)
