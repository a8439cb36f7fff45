"""From the frames of a video to windows for both streams, in one graph, as a store makes them.

The in-graph twins of `frames` (rescaling), `extraction` (flow, 8-bit codes, JPEG) and `inputs`
(25 windows at equal spacing), for models that are exported with raw frames as their input.
"""

import tensorflow as tf

from tf_twostream import paper
from tf_twostream.flow import brox, codec
from tf_twostream.precompute import extraction

PAIRS_PER_STEP = 8  # That are solved at a time: 0.2 GB at 341x256.


def rescale(frames: tf.Tensor, shorter_side: int) -> tf.Tensor:
    """Rescales frames as `frames.read_frames` does: by areas to shrink, bilinearly to enlarge.

    Args:
        frames: `[T, H, W, 3]` uint8.
        shorter_side: In pixels, after rescaling.

    Returns:
        `[T, H', W', 3]` uint8; differs from OpenCV's by at most 1.
    """
    size = tf.cast(tf.shape(frames)[1:3], tf.float64)
    scale = shorter_side / tf.reduce_min(size)
    rows, columns = (_weights(side, tf.round(side * scale), scale) for side in tf.unstack(size))

    def one(frame):  # Frame by frame: as floats, a whole video would take gigabytes.
        image = tf.einsum("yh,hwc->ywc", rows, tf.cast(frame, tf.float32))
        image = tf.einsum("xw,ywc->yxc", columns, image)
        return tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)

    return tf.map_fn(one, frames, fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8))


def _weights(length: tf.Tensor, new_length: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """`[new_length, length]` float32: what each old pixel of a line adds to each new one."""
    new, old = tf.range(new_length)[:, None], tf.range(length)
    ratio = length / new_length
    overlap = tf.minimum((new + 1) * ratio, old + 1) - tf.maximum(new * ratio, old)
    place = tf.clip_by_value((new + 0.5) * ratio - 0.5, 0.0, length - 1)
    weights = tf.where(scale < 1, overlap, 1 - tf.abs(place - old))
    weights = tf.maximum(weights, 0.0)
    return tf.cast(weights / tf.reduce_sum(weights, axis=1, keepdims=True), tf.float32)


def grey(frames: tf.Tensor) -> tf.Tensor:
    """Returns frames `[..., 3]` uint8 RGB in grey, `[...]` uint8, exactly as OpenCV does."""
    red, green, blue = tf.unstack(tf.cast(frames, tf.int32), axis=-1)
    return tf.cast((9798 * red + 19235 * green + 3735 * blue + (1 << 14)) // (1 << 15), tf.uint8)


def spatial_windows(frames: tf.Tensor) -> dict[str, tf.Tensor]:
    """Chooses the 25 frames that the spatial stream is tested on (paper, Sect. 5, "Testing").

    Args:
        frames: `[T, H, W, 3]` uint8, rescaled.

    Returns:
        `rgb` `[25, H, W, 3]` uint8.
    """
    chosen = tf.gather(frames, _equally_spaced(tf.shape(frames)[0]))
    return {"rgb": _through_jpeg(chosen, extraction.RGB_QUALITY)}


def temporal_windows(
    frames: tf.Tensor, recipe: paper.TemporalRecipe, parameters: brox.Parameters
) -> dict[str, tf.Tensor]:
    """Solves the flow of the 25 windows that the temporal stream is tested on.

    Args:
        frames: `[T, H, W, 3]` uint8, rescaled, T >= 2. Where there are too few fields, the last
            one in each direction is repeated, as in `inputs`.
        recipe: The recipe of the network: L, and whether half of the fields lead backward.
        parameters: Of Brox's method.

    Returns:
        `codes` `[25, L, 2, H, W]` uint8, `ranges` `[25, L, 2, 2]` and `means` `[25, L, 2]` float32
        in pixels per frame, in the order of `inputs`.
    """
    length, last = recipe.stack_length, tf.shape(frames)[0] - 2  # Of the fields.
    check = tf.debugging.assert_non_negative(
        last, "Flow needs two frames. Pass `frames` [T, H, W, 3] with T >= 2."
    )
    with tf.control_dependencies([check] if check is not None else []):
        tau = _equally_spaced(tf.maximum(last + 1 - length, 0) + 1)[:, None]
    images = grey(frames)
    if not recipe.bidirectional:
        return _windows(images, tf.minimum(tau + tf.range(length), last), parameters)
    tau += tf.minimum(last + 1, length) // 2
    steps = tf.range(length // 2)
    halves = [
        _windows(images, tf.minimum(tau + steps, last), parameters),
        _windows(images, tf.maximum(tau - 1 - steps, 0), parameters, backward=True),
    ]
    return {name: tf.concat([half[name] for half in halves], axis=1) for name in halves[0]}


def _windows(
    images: tf.Tensor, chosen: tf.Tensor, parameters: brox.Parameters, *, backward: bool = False
) -> dict[str, tf.Tensor]:
    """Solves and codes the fields between frames t and t + 1 for t in `chosen` `[25, n]`."""
    needed, place = tf.unique(tf.reshape(chosen, [-1]))
    fields = _solve(images, needed, parameters, backward)
    codes, ranges = _quantise(fields)
    shape = tf.shape(codes)
    coded = tf.reshape(codes, [shape[0], 2 * shape[2], shape[3], 1])
    codes = tf.reshape(_through_jpeg(coded, codec.QUALITY), shape)
    windows = {"codes": codes, "ranges": ranges, "means": tf.reduce_mean(fields, axis=[1, 2])}
    place = tf.reshape(place, chosen.shape)
    return {name: tf.gather(values, place) for name, values in windows.items()}


def _equally_spaced(num_starts: tf.Tensor) -> tf.Tensor:
    """`[25]` int32 starts from 0 to `num_starts - 1`: `inputs.equally_spaced` in the graph."""
    steps = paper.TEST_FRAMES - 1
    return (2 * (num_starts - 1) * tf.range(steps + 1) + steps) // (2 * steps)


def _solve(
    images: tf.Tensor, first: tf.Tensor, parameters: brox.Parameters, backward: bool
) -> tf.Tensor:
    """`[N, H, W, 2]` float32 fields between frames `first` `[N]` of `[T, H, W]` and the next."""
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
        parallel_iterations=1,
    )
    return tf.reshape(fields, tf.concat([[-1], tf.shape(fields)[2:]], axis=0))[:count]


def _quantise(fields: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`codec.quantise` of fields `[N, H, W, 2]`: codes `[N, 2, H, W]`, ranges `[N, 2, 2]`."""
    low, high = tf.reduce_min(fields, axis=[1, 2]), tf.reduce_max(fields, axis=[1, 2])
    steps = tf.where(high - low < 1e-30, 0.0, tf.math.divide_no_nan(255.0, high - low))
    codes = (fields - low[:, None, None]) * steps[:, None, None]
    codes = tf.cast(tf.minimum(tf.round(codes), 255), tf.uint8)
    return tf.transpose(codes, [0, 3, 1, 2]), tf.stack([low, high], axis=-1)


def _through_jpeg(images: tf.Tensor, quality: int) -> tf.Tensor:
    """Codes and decodes `[N, H, W, C]` uint8: the networks have learnt on what JPEG leaves."""
    channels = images.shape[-1]

    def through(image):
        return tf.io.decode_jpeg(
            tf.io.encode_jpeg(image, quality=quality),
            channels=channels,
            dct_method="INTEGER_ACCURATE",
        )

    signature = tf.TensorSpec([None, None, channels], tf.uint8)
    return tf.map_fn(through, images, fn_output_signature=signature)
