"""Makes windows for both streams from the frames of a video, in one graph, as a store would.

The graph does what `precompute.frames` (rescaling), `precompute.extraction` (flow, 8-bit codes,
JPEG) and `inputs` (25 windows) do otherwise, for exported models whose input is raw frames.
"""

import functools

import tensorflow as tf

from tf_twostream.flow import brox, codec
from tf_twostream.inputs import clips, spacing, windows
from tf_twostream.paper import recipes
from tf_twostream.store import coding

PAIRS_PER_STEP = 8  # Pairs of frames solved at once: they take 0.2 GB at 341x256.


def rescaled_size(size: tf.Tensor, shorter_side: int) -> tf.Tensor:
    """Computes the size at which the shorter side is `shorter_side` pixels.

    Args:
        size: `[2]` integers, height and width in pixels.
        shorter_side: Pixels.

    Returns:
        `[2]` int32, height and width in pixels, rounded as `precompute.frames` rounds.
    """
    size = tf.cast(size, tf.float64)
    return tf.cast(tf.round(size * (shorter_side / tf.reduce_min(size))), tf.int32)


def rescale(frames: tf.Tensor, shorter_side: int) -> tf.Tensor:
    """Rescales frames as `frames.read_frames` does: by areas to shrink, bilinearly to enlarge.

    Args:
        frames: `[T, H, W, 3]` uint8.
        shorter_side: The shorter side of the result in pixels.

    Returns:
        `[T, H', W', 3]` uint8, which differ from those of OpenCV by at most 1.
    """
    size = tf.shape(frames)[1:3]
    new_size = rescaled_size(size, shorter_side)
    rows, columns = (_taps(size[axis], new_size[axis]) for axis in (0, 1))

    def one(frame):  # Frame by frame: as floats, a whole video would take gigabytes.
        image = _resample(tf.cast(frame, tf.float32), *rows)
        image = _resample(tf.transpose(image, [1, 0, 2]), *columns)
        image = tf.round(tf.transpose(image, [1, 0, 2]))
        return tf.cast(tf.clip_by_value(image, 0, 255), tf.uint8)

    return tf.map_fn(one, frames, fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8))


def _taps(length: tf.Tensor, new_length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Says which K old pixels of a line add to each new one, and by what weights.

    Returns:
        `[new_length, K]` int32 places and `[new_length, K]` float32 weights, which add up to 1.
    """
    new = tf.range(new_length, dtype=tf.float64)[:, None]
    ratio, last = length / new_length, tf.cast(length - 1, tf.float64)
    # Pixels are squares, not points: OpenCV aligns their borders, hence the halves.
    between = tf.clip_by_value((new + 0.5) * ratio - 0.5, 0.0, last)
    shrinks = ratio > 1
    first = tf.floor(tf.where(shrinks, new * ratio, between))
    old = first + tf.range(tf.where(shrinks, tf.math.ceil(ratio) + 1, 2.0), dtype=tf.float64)
    overlap = tf.minimum((new + 1) * ratio, old + 1) - tf.maximum(new * ratio, old)
    weights = tf.maximum(tf.where(shrinks, overlap, 1 - tf.abs(between - old)), 0.0)
    weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
    return tf.cast(tf.minimum(old, last), tf.int32), tf.cast(weights, tf.float32)


def _resample(image: tf.Tensor, places: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Resamples the rows of `[H, W, C]` float32 by what `_taps` returns."""
    # Not as a product of matrices, which a GPU may compute with 11 bits (TF32): it would then round
    # other pixels up than the CPU on which the store was made.
    rows = tf.gather(image, places)
    return tf.reduce_sum(rows * weights[:, :, None, None], axis=1)


def grey(frames: tf.Tensor) -> tf.Tensor:
    """Turns frames `[..., 3]` uint8 RGB into grey ones `[...]` uint8, exactly as OpenCV does."""
    red, green, blue = tf.unstack(tf.cast(frames, tf.int32), axis=-1)
    # OpenCV's 0.299, 0.587 and 0.114 with 15 bits; they add up to 1 << 15, so white stays white.
    return tf.cast((9798 * red + 19235 * green + 3735 * blue + (1 << 14)) // (1 << 15), tf.uint8)


def spatial_windows(frames: tf.Tensor) -> windows.Element:
    """Returns the frames that the spatial stream is tested on, those of `spacing.equally_spaced`.

    Args:
        frames: `[T, H, W, 3]` uint8, rescaled.

    Returns:
        `rgb` `[25, H, W, 3]` uint8.
    """
    chosen = tf.gather(frames, spacing.equally_spaced(tf.shape(frames)[0]))
    return {"rgb": _through_jpeg(chosen, coding.RGB_QUALITY)}


def clips_to_test(
    frames: tf.Tensor,
    recipe: recipes.ConvFusionRecipe,
    parameters: brox.Parameters,
    count: int,
    *,
    flow_quality: int | None = codec.QUALITY,
) -> windows.Element:
    """Makes the clips that a joined network is tested on, those of `clips.starts_to_test`.

    Args:
        frames: `[T, H, W, 3]` uint8, rescaled, T >= 2.
        recipe: The recipe of the network, with clips of S snippets.
        parameters: The parameters of Brox's method.
        count: Clips.
        flow_quality: See `temporal_windows`.

    Returns:
        `rgb` `[count, S, H, W, 3]` uint8, and `codes`, `ranges` and `means` as `temporal_windows`
        has them, with the axes `[count, S, ...]` in front.
    """
    temporal, num_frames = recipe.towers[1], tf.shape(frames)[0]
    num_starts = tf.maximum(num_frames - 1 - recipe.window_length, 0) + 1
    starts = tf.reshape(clips.starts_to_test(num_starts, recipe, count), [-1])
    chosen = tf.gather(frames, clips.frame_of(starts, num_frames, recipe))
    found = {
        "rgb": _through_jpeg(chosen, coding.RGB_QUALITY),
        **temporal_windows(frames, temporal, parameters, starts=starts, flow_quality=flow_quality),
    }
    return {
        name: tf.reshape(x, tf.concat([[count, recipe.snippets], tf.shape(x)[1:]], axis=0))
        for name, x in found.items()
    }


def temporal_windows(
    frames: tf.Tensor,
    recipe: recipes.TemporalRecipe,
    parameters: brox.Parameters,
    *,
    starts: tf.Tensor | None = None,
    flow_quality: int | None = codec.QUALITY,
) -> windows.Element:
    """Solves the flow of the 25 windows that the temporal stream is tested on.

    Args:
        frames: `[T, H, W, 3]` uint8, rescaled, T >= 2. Where there are too few fields, the last
            one in each direction is repeated, as in `inputs`.
        recipe: The recipe of the network: L, and whether half of the fields lead backward.
        parameters: The parameters of Brox's method.
        starts: `[G]` integers, the first frames of other windows.
        flow_quality: Of JPEG, as in the store that the network has learnt on; None for raw codes.

    Returns:
        `codes` `[25, L, 2, H, W]` uint8, `ranges` `[25, L, 2, 2]` and `means` `[25, L, 2]` float32
        in pixels per frame, in the order of `inputs`.
    """
    length, last = recipe.stack_length, tf.shape(frames)[0] - 2  # The number of the last field.
    rule = "Flow needs two frames. Pass `frames` [T, H, W, 3] with T >= 2."
    with tf.control_dependencies([tf.debugging.assert_non_negative(last, rule)]):
        if starts is None:
            starts = spacing.equally_spaced(tf.maximum(last + 1 - length, 0) + 1)
        tau = tf.identity(starts)[:, None]
    windows_of = functools.partial(
        _windows, grey(frames), parameters=parameters, quality=flow_quality
    )
    if not recipe.bidirectional:
        return windows_of(tf.minimum(tau + tf.range(length), last))
    # As in `Windows.locate`: tau is the middle frame, from which both halves lead away.
    tau += tf.minimum(last + 1, length) // 2
    steps = tf.range(length // 2)
    halves = [
        windows_of(tf.minimum(tau + steps, last)),
        windows_of(tf.maximum(tau - 1 - steps, 0), backward=True),
    ]
    return {name: tf.concat([half[name] for half in halves], axis=1) for name in halves[0]}


def _windows(
    images: tf.Tensor,
    chosen: tf.Tensor,
    *,
    parameters: brox.Parameters,
    quality: int | None,
    backward: bool = False,
) -> windows.Element:
    """Solves and codes the fields between frames t and t + 1 for t in `chosen` `[25, n]`."""
    # Windows overlap, and solving takes nearly all of the time: each field is solved once.
    needed, place = tf.unique(tf.reshape(chosen, [-1]))
    fields = _solve(images, needed, parameters, backward)
    codes, ranges = _quantise(fields)
    if quality:
        shape = tf.shape(codes)
        coded = tf.reshape(
            codes, [shape[0], 2 * shape[2], shape[3], 1]
        )  # u above v, as in a store.
        codes = tf.reshape(_through_jpeg(coded, quality), shape)
    # The means are those of the fields before coding, as in a store.
    solved = {"codes": codes, "ranges": ranges, "means": tf.reduce_mean(fields, axis=[1, 2])}
    place = tf.reshape(place, chosen.shape)
    return {name: tf.gather(values, place) for name, values in solved.items()}


def _solve(
    images: tf.Tensor, first: tf.Tensor, parameters: brox.Parameters, backward: bool
) -> tf.Tensor:
    """Solves `[N, H, W, 2]` float32 fields between frames `first` `[N]` and those after them."""
    count = tf.shape(first)[0]
    # Filled up, so that all steps have one shape, which is compiled once.
    filled = tf.concat([first, tf.fill([-count % PAIRS_PER_STEP], first[0])], axis=0)

    def step(first):
        pairs = tf.gather(images, tf.stack([first, first + 1], axis=1))
        values = tf.cast(pairs, tf.float32) / 255
        return brox.flow(values, parameters, backward=backward)[:, 0]

    fields = tf.map_fn(
        step,
        tf.reshape(filled, [-1, PAIRS_PER_STEP]),
        fn_output_signature=tf.TensorSpec([PAIRS_PER_STEP, None, None, 2]),
        parallel_iterations=1,  # Several steps side by side would take their memory together.
    )
    return tf.reshape(fields, tf.concat([[-1], tf.shape(fields)[2:]], axis=0))[:count]


def _quantise(fields: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Codes fields `[N, H, W, 2]`: codes `[N, 2, H, W]`, ranges `[N, 2, 2]`.

    This is `codec.quantise` as a graph; a test holds the two together.
    """
    low, high = tf.reduce_min(fields, axis=[1, 2]), tf.reduce_max(fields, axis=[1, 2])
    # A constant component has the code 0 everywhere; 255 divided by less would overflow.
    steps = tf.where(high - low < 1e-30, 0.0, tf.math.divide_no_nan(255.0, high - low))
    codes = (fields - low[:, None, None]) * steps[:, None, None]
    codes = tf.cast(tf.minimum(tf.round(codes), 255), tf.uint8)
    return tf.transpose(codes, [0, 3, 1, 2]), tf.stack([low, high], axis=-1)


def _through_jpeg(images: tf.Tensor, quality: int) -> tf.Tensor:
    """Codes and decodes `[N, H, W, C]` uint8, because networks have learnt on what JPEG leaves."""
    jpegs = tf.map_fn(
        lambda image: tf.io.encode_jpeg(image, quality=quality),
        images,
        fn_output_signature=tf.string,
    )
    return windows.decode_jpegs(jpegs, images.shape[-1])
