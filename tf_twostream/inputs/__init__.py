"""The input graphs: from the records of a store to what the networks are fed.

`training` and `evaluation` are `tf.data` graphs, on the CPU: they choose a video, a frame tau and
a view, read just the records of the window around tau, and decode them to uint8 batches.
`prepare` runs on the device: stacking, cropping, mirroring, back to pixels per frame, mean
subtraction, colour jitter.

Elements:

* temporal: `codes` `[B, L, 2, H, W]` uint8, `ranges` `[B, L, 2, 2]`, `means` `[B, L, 2]` float32
  in pixels per frame;
* spatial: `rgb` `[B, H, W, 3]` uint8 and, in training, `jitter` `[B, 3]` float32;
* slow fusion: the same with T successive frames from tau as `rgb` `[B, H, W, 3T]`;
* all: `views` `[B, V, 3]` int32, `size` `[B, 2]` int32, the true (height, width), `label` `[B]`
  int32, in training `[B, K]` bool where a video may show several of K classes, `video` `[B]` int32,
  the position in the list of videos (in training: sorted by label).

The L fields lead forward from tau: tau -> tau + 1 first, then tau + 1 -> tau + 2 ... With
`bidirectional` the first L/2 do, and the last L/2 lead backward from tau: tau -> tau - 1 first,
then tau - 1 -> tau - 2 ... Either window spans L + 1 frames, of which tau is the first or the
middle one. Channels u1 v1 ... uL vL of a volume are the L fields in this order.

Frames of a batch that differ in size are padded at the bottom and right; views stay inside the
true frame. A video with fewer than L fields has one window, whose tau is its first or middle frame,
and repeats the last field in each direction (ours: every clip counts). With two frames there is no
field backward from tau, and the one backward field that there is stands in. A video with fewer than
T frames repeats its last frame.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_twostream import datasets, paper
from tf_twostream.inputs import views, volumes, windows

Element = windows.Element
Reader = windows.Reader


def _pick(draw: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Turns a draw from [0, 1) into an int64 from 0 ... count - 1."""
    return tf.cast(tf.floor(draw * tf.cast(count, tf.float64)), tf.int64)


def training(
    reader: Reader,
    videos: Sequence[datasets.Video],
    recipe: paper.Recipe,
    *,
    first_iteration: int = 0,
    shard: int = 0,
    num_shards: int = 1,
    num_replicas: int = 1,
    several_of: int = 0,
) -> tf.data.Dataset:
    """Builds the endless stream of training batches (paper, Sect. 5, "Training").

    Each sample is a class drawn uniformly, a training video that shows it, a frame tau of that,
    and a view, all drawn from the iteration and the seed alone: the stream can start at any
    iteration, and does not depend on how a batch is split.

    Args:
        reader: The store, or several joined.
        videos: Training videos.
        recipe: The network's recipe.
        first_iteration: Iteration to start from.
        shard: Number of this host among the hosts that share each batch.
        num_shards: Number of hosts.
        num_replicas: Number of devices over all hosts.
        several_of: K, if a video may show several of K classes; 0 if each shows one.

    Returns:
        Batches of `batch_size / num_replicas` elements, V = 1; the batches of an iteration follow
        one another.

    Raises:
        ValueError: If the batch cannot be split evenly, the crop exceeds the frames, there is no
            video, or the store lacks the backward flow of a bi-directional volume.
    """
    if recipe.batch_size % num_replicas:
        raise ValueError(
            f"`batch_size` must be a multiple of the number of devices, {num_replicas}. "
            f"Received: batch_size={recipe.batch_size}."
        )
    videos = sorted(videos, key=lambda video: video.label)
    source = windows.Windows(reader, videos, recipe, several_of=several_of)
    # A video with several labels stands with each of them.
    pairs = sorted((label, video) for video, v in enumerate(videos) for label in v.labels)
    labels, shown_by = np.transpose(pairs)
    first, count = np.unique(labels, return_index=True, return_counts=True)[1:]
    num_starts = tf.constant(source.num_starts())
    share = recipe.batch_size // num_shards

    def draw(iteration: tf.Tensor) -> Element:
        """Draws a batch at once: a hundred small ops per sample would take as long as decoding."""
        seed = tf.stack([tf.constant(recipe.seed, tf.int64), iteration])
        rows = slice(shard * share, (shard + 1) * share)
        shape = [recipe.batch_size, 6]
        draws = tf.random.stateless_uniform(shape, seed, dtype=tf.float64, alg="philox")[rows]
        label = _pick(draws[:, 0], len(count))
        pair = tf.gather(first, label) + _pick(draws[:, 1], tf.gather(count, label))
        video = tf.gather(shown_by, pair)
        places = source.locate(video, _pick(draws[:, 2], tf.gather(num_starts, video)))
        height, width = tf.unstack(places["size"], axis=1)
        places["views"] = views.random_view(
            draws[:, 3:], height, width, recipe.crop_size, mirroring=recipe.mirroring
        )
        if not source.temporal:
            shape = [recipe.batch_size, 3]
            normal = tf.random.stateless_normal(shape, seed + [1 << 32, 0], alg="philox")[rows]
            places["jitter"] = paper.JITTER_STDDEV * normal
        return places

    places = tf.data.Dataset.counter(first_iteration, dtype=tf.int64).map(draw).unbatch()
    samples = places.map(source.read, num_parallel_calls=tf.data.AUTOTUNE)
    return source.batch(samples, recipe.batch_size // num_replicas)


def equally_spaced(num_starts: np.ndarray) -> np.ndarray:
    """Spreads 25 windows over each video, both ends included (paper, Sect. 5, "Testing").

    Args:
        num_starts: `[N]` number of places where a window can start in each video.

    Returns:
        `[N, 25]` int64 starts, from 0 to `num_starts - 1`, rounded; some repeat in short videos.
    """
    # In integers: where a start lies half-way, a float would decide it by its last bit.
    last, steps = np.asarray(num_starts, np.int64)[:, None] - 1, paper.TEST_FRAMES - 1
    return (2 * last * np.arange(steps + 1) + steps) // (2 * steps)


def evaluation(
    reader: Reader,
    videos: Sequence[datasets.Video],
    recipe: paper.Recipe,
    *,
    batch_size: int = paper.TEST_FRAMES,
) -> tf.data.Dataset:
    """Builds the stream of test batches (paper, Sect. 5, "Testing"): 25 frames, ten views each.

    The 25 windows of a video lie at equal temporal spacing, rounded, from its first one to its
    last one; a video with fewer windows repeats some.

    Args:
        reader: The store, or several joined.
        videos: Test videos.
        recipe: The network's recipe.
        batch_size: Windows per batch; the network sees V times as many inputs.

    Returns:
        Batches with V = 10 (5 without mirroring), the windows of a video in a row; the last batch
        may be smaller.

    Raises:
        ValueError: If the crop exceeds the frames, there is no video, or the store lacks the
            backward flow of a bi-directional volume.
    """
    source = windows.Windows(reader, videos, recipe)
    starts = equally_spaced(source.num_starts())
    numbers = np.repeat(np.arange(len(videos)), paper.TEST_FRAMES)
    places = tf.data.Dataset.from_tensor_slices(source.locate(numbers, starts.ravel()))

    def read(place: Element) -> Element:
        height, width = tf.unstack(place["size"])
        all_views = views.test_views(height, width, recipe.crop_size, mirroring=recipe.mirroring)
        return source.read({**place, "views": all_views})

    elements = places.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    return source.batch(elements, batch_size, drop_remainder=False)


def prepare(batch: Element, recipe: paper.Recipe) -> tf.Tensor:
    """Turns a batch of bytes into network inputs, on the device the batch lies on.

    Args:
        batch: What `training` or `evaluation` yields.
        recipe: The network's recipe.

    Returns:
        `[B * V, crop, crop, C]` float32: volumes of flow in pixels per frame, C = 2L, or RGB in
        [0, 255], C = 3 or 3T; the V views of an element one after the other.
    """
    if not isinstance(recipe, paper.TemporalRecipe):
        rgb = tf.cast(views.apply_views(batch["rgb"], batch["views"], recipe.crop_size), tf.float32)
        if "jitter" not in batch:
            return rgb
        crop, length = recipe.crop_size, windows.length(recipe)
        pixels = tf.reshape(rgb, [-1, crop, crop * length, 3])
        jittered = views.jitter_rgb(pixels, batch["jitter"])  # All frames of a sample alike.
        return tf.reshape(jittered, [-1, crop, crop, 3 * length])
    # Cut first, restore then: the same numbers, from a quarter of the bytes. The means in the
    # store are those of the whole fields.
    if recipe.stacking == "trajectory":
        cut = volumes.cut_trajectories(
            batch["codes"],
            batch["ranges"],
            batch["views"],
            crop=recipe.crop_size,
            size=batch.get("size"),
            directions=2 if recipe.bidirectional else 1,
        )
    else:
        stacked = volumes.stack_flow(batch["codes"])
        cut = views.apply_views(stacked, batch["views"], recipe.crop_size)
    num_views = tf.shape(batch["views"])[1]
    ranges = tf.repeat(batch["ranges"], num_views, axis=0)
    means = tf.repeat(batch["means"], num_views, axis=0) if recipe.mean_subtraction else None
    return volumes.restore(cut, ranges, means=means, signs=views.flow_signs(batch["views"]))
