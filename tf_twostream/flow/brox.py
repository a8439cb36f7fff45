"""Optical flow of Brox, Bruhn, Papenberg and Weickert in TensorFlow, batched.

"High Accuracy Optical Flow Estimation Based on a Theory for Warping" (ECCV 2004) seeks the
displacement w = (u, v) from an image I_0 to the next I_1 that minimises, in the paper's words of
Sect. 2, grey value constancy, gradient constancy and piecewise smoothness,

    E(w) = sum psi(|I_1(x + w) - I_0(x)|^2 + gamma |grad I_1(x + w) - grad I_0(x)|^2)
           + alpha sum psi(|grad u|^2 + |grad v|^2),    psi(s^2) = sqrt(s^2 + epsilon^2).

The outer fixed point iteration goes from coarse to fine, warping I_1 by what is known (eq. 10);
the inner one freezes psi' (eq. 14), which leaves linear equations for red-black SOR (`sor`).

The graph is traced once for all sizes of frames and all numbers in `Parameters`; its heavy parts
are compiled by XLA, once for each size of a level, rounded up to `GRAIN` pixels.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from tf_twostream.flow import pyramid, refinement, sor
from tf_twostream.flow.presets import FAST, OPENCV, Parameters

__all__ = ["BYTES_PER_PIXEL", "FAST", "OPENCV", "Parameters", "energy", "fields", "flow"]

GRAIN = 16  # Pixels: levels are padded to multiples, so that sizes share compiled code. Even.
SHARED = 3.6  # Levels below 1 / SHARED of the frames' size all run padded to that size.
SMALLEST = refinement.MARGIN  # Pixels of a side: as many are mirrored at each border.
# Of memory, at the peak of a call, for each pixel of a frame and each pair. By how much more a
# process holds that calls `fields` compiled with 4 pairs of 341x256 instead of 1, on a CPU: 319;
# 16 instead of 4: 292 (`FAST`), 299 (`OPENCV`). TensorFlow itself and the code come on top.
BYTES_PER_PIXEL = 320


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
        ValueError: If the frames are not `[B, T, H, W]` float32, or a side is known to be below
            `SMALLEST` pixels.
    """
    frames = tf.convert_to_tensor(frames)
    if frames.shape.rank != 4 or frames.dtype != tf.float32:
        raise ValueError(
            f"Frames are [B, T, H, W] float32 in [0, 1]. Received: {frames.shape} {frames.dtype}."
        )
    static = frames.shape
    if static[1] is not None and static[1] < 2:
        raise ValueError(f"Flow needs two frames or more. Received: {static}, [B, T, H, W].")
    _check_size(static[2:])
    if parameters.sigma:
        frames = _smooth(frames, parameters.sigma)
    field = _pairs(frames, parameters, backward, compiled)
    num_videos, num_frames, height, width = tf.unstack(tf.shape(frames))
    fields = tf.reshape(
        tf.stack(tf.unstack(field), axis=-1), [num_videos, num_frames - 1, height, width, 2]
    )
    num_fields = None if static[1] is None else static[1] - 1
    return tf.ensure_shape(fields, [static[0], num_fields, static[2], static[3], 2])


def fields(
    frames: Iterable[np.ndarray],
    *,
    parameters: Parameters = FAST,
    direction: str = "forward",
    pairs_per_call: int = 1,
) -> Iterator[np.ndarray]:
    """Estimates the fields of a video as its frames come, compiled.

    XLA compiles anew for each size of frames and `pairs_per_call`, once per process.

    Args:
        frames: T grey frames `[H, W]` uint8.
        parameters: The method's numbers.
        direction: "forward" or "backward".
        pairs_per_call: Pairs that are solved at once: 1 on a CPU, many on a GPU, as memory
            allows. The end of a video is filled up, so that no shape is new.

    Yields:
        T - 1 fields `[H, W, 2]` float32 in pixels: from frame t to t + 1, or, backward, from
        frame t + 1 to t; t = 0, 1 ...
    """
    if direction not in ("forward", "backward"):
        raise ValueError(f"A direction is forward or backward. Received: {direction!r}.")
    if pairs_per_call < 1:
        raise ValueError(f"`pairs_per_call` is at least 1. Received: {pairs_per_call}.")
    estimate = _estimator(parameters, direction == "backward")
    frames = iter(frames)
    chunk = list(itertools.islice(frames, 1))
    for frame in chunk:
        _check_size(frame.shape)
    while new := list(itertools.islice(frames, pairs_per_call)):
        chunk += new
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
        raise ValueError(
            f"Frames have at least {SMALLEST} pixels a side, for derivatives reach that far. "
            f"Received (height, width): {tuple(size)}. Enlarge them first."
        )


def energy(
    first: tf.Tensor, second: tf.Tensor, field: tf.Tensor, parameters: Parameters = FAST
) -> tf.Tensor:
    """Computes the energy of displacements (eq. 6), summed over pixels and divided by alpha.

    Args:
        first: `[N, H, W]` float32 in [0, 1], I_0.
        second: I_1.
        field: `[N, H, W, 2]` float32, pixels.
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
    # psi of smoothness is half of 1 / psi', taken between pixels in both directions: the mean.
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
    eta = tf.constant(parameters.eta)
    sizes = pyramid.level_sizes(
        shape[2:], eta=eta, max_levels=tf.constant(parameters.outer_iterations)
    )
    levels = _levels(tf.reshape(frames, [-1, shape[2], shape[3]]), sizes, parameters)
    if parameters.geometry == "opencv":
        enlarge: Callable = functools.partial(pyramid.enlarge_as_opencv, eta=eta)
    else:
        enlarge = pyramid.enlarge

    def refine(level, field):
        size = sizes[level]
        old = tf.shape(field)[2:]
        field = enlarge(tf.reshape(field, tf.concat([[-1], old], axis=0)), size)
        if parameters.geometry == "opencv":
            rise = tf.fill([2], 1 / eta)
        else:
            rise = tf.cast(size, tf.float32) / tf.cast(old, tf.float32)
        field = tf.reshape(field, tf.concat([[2, num_pairs], size], axis=0))
        field *= tf.reshape(rise[::-1], [2, 1, 1, 1])
        return level - 1, _level(levels.read(level), field, shape, parameters, backward, compiled)

    return tf.while_loop(
        lambda level, _: level >= 0,
        refine,
        (tf.shape(sizes)[0] - 1, tf.zeros(tf.concat([[2, num_pairs], sizes[-1]], axis=0))),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([2, None, None, None])),
    )[1]


def _levels(images, sizes, parameters):
    """Shrinks images `[N, H, W]` from level to level; returns them in a TensorArray."""
    num_levels = tf.shape(sizes)[0]
    levels = tf.TensorArray(
        tf.float32, num_levels, infer_shape=False, element_shape=[None, None, None]
    )
    if parameters.geometry == "opencv":
        shrink: Callable = functools.partial(
            pyramid.shrink_as_opencv, eta=tf.constant(parameters.eta)
        )
    else:
        shrink = pyramid.shrink

    def add(k, image, levels):
        image = shrink(image, sizes[k])
        return k + 1, image, levels.write(k, image)

    return tf.while_loop(
        lambda k, *_: k < num_levels,
        add,
        (1, images, levels.write(0, images)),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None, None]), None),
    )[2]


def _level(images, field, shape, parameters, backward, compiled):
    """Does the outer iterations of one level, `images` `[B T, H', W']`, from a field."""
    run = refinement.COMPILED if compiled else refinement.PLAIN
    size = tf.shape(images)[1:]
    shared = tf.cast(tf.cast(shape[2:], tf.float32) / SHARED, tf.int32)
    canvas = _canvas(tf.maximum(size, shared), GRAIN)
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
    reach = int(3 * sigma + 0.999)
    place = tf.range(-reach, reach + 1, dtype=tf.float32)
    kernel = tf.nn.softmax(-0.5 * (place / sigma) ** 2)
    shape = tf.shape(frames)
    images = tf.reshape(frames, tf.concat([[-1], shape[2:]], axis=0))
    images = pyramid.extend(images, margin=reach, canvas=shape[2:])
    images = tf.add_n([images[:, k : k + shape[2]] * kernel[k] for k in range(2 * reach + 1)])
    images = tf.add_n([images[:, :, k : k + shape[3]] * kernel[k] for k in range(2 * reach + 1)])
    return tf.reshape(images, shape)
