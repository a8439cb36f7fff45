"""Builds the `tf.data` graphs: which windows and views of which videos follow one another."""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_twostream import paper
from tf_twostream.inputs import parallel, parts, views
from tf_twostream.inputs.clips import Clips
from tf_twostream.inputs.spacing import pick
from tf_twostream.inputs.windows import Element, Windows
from tf_twostream.paper import testing

# The purposes that random numbers serve. Each has numbers of its own, so that the views of a batch
# are the same with jitter and without it.
VIEWS, JITTER = range(2)
_NUM_PURPOSES = 2


def random_stream(seed: int, iteration: tf.Tensor, purpose: int) -> tf.Tensor:
    """Returns the seed of the random numbers that one iteration needs for one purpose.

    It follows from the arguments alone, so that a stream of batches can begin at any iteration.

    Args:
        seed: The seed of the training, or of a task (`task_seed`).
        iteration: Scalar int64.
        purpose: `VIEWS` or `JITTER`.

    Returns:
        `[2]` int64, a seed for TensorFlow's stateless random ops.
    """
    # Seeds of users are small numbers, so the purpose goes into the upper 32 bits: else seed 1
    # would draw for one purpose what seed 0 draws for another.
    return tf.stack([tf.constant(seed + (purpose << 32), tf.int64), iteration])


def task_seed(seed: int, number: int) -> int:
    """Returns the seed of one task of several, which draws other numbers than every other task.

    Args:
        seed: The seed of the training.
        number: The position of the task, counted from 0.
    """
    return seed + (_NUM_PURPOSES * number << 32)


def check_split_of_batch(batch_size: int, num_replicas: int) -> None:
    """Checks that devices can have equal shares of a batch.

    Args:
        batch_size: Samples per iteration.
        num_replicas: Number of devices over all hosts.

    Raises:
        ValueError: If they cannot.
    """
    if batch_size % num_replicas:
        rule = f"`batch_size` must be a multiple of the number of devices, {num_replicas}"
        raise ValueError(f"{rule}. Received: batch_size={batch_size}.")


def training(windows: Windows | Clips, **where: int) -> tf.data.Dataset:
    """Builds the stream of `training_in_parts` with the parts of each batch joined on the CPU."""
    return training_in_parts(windows, **where).map(lambda *found: parts.join(found))


def training_in_parts(
    windows: Windows | Clips,
    *,
    first_iteration: int = 0,
    shard: int = 0,
    num_shards: int = 1,
    num_replicas: int = 1,
) -> tf.data.Dataset:
    """Builds the endless stream of training batches (paper, Sect. 5, "Training").

    With many cores each part of a batch has a stream of its own (`parts.MOST`). What is drawn
    does not depend on the number of parts.

    Args:
        windows: The windows of the training videos.
        first_iteration: The iteration to begin with.
        shard: The number of this host among those that share each batch, counted from 0.
        num_shards: The number of hosts.
        num_replicas: The number of devices over all hosts.

    Returns:
        Batches of `batch_size / num_replicas` elements with V = 1, as in `inputs`, each as a tuple
        of equal parts for `parts.join`. The batches of one iteration follow one another.

    Raises:
        ValueError: If the batch cannot be split evenly.
    """
    batch_size = windows.recipe.batch_size
    check_split_of_batch(batch_size, num_replicas)
    size = batch_size // num_replicas
    count = math.gcd(size, parts.MOST)
    rows = _rows(batch_size, shard, num_shards).reshape(-1, count, size // count)
    calls = max(1, parallel.CALLS // count)  # Of each stream, for they share the cores.
    streams = []
    for part in range(count):
        # Each traces both anew: shared as a `tf.function`, reading took a tenth longer.
        places = _places(_drawer(windows), first_iteration, rows[:, part].ravel())
        samples = places.map(windows.read, num_parallel_calls=calls)
        streams.append(windows.batch(samples, size // count))
    return tf.data.Dataset.zip(tuple(streams))


def draw(windows: Windows | Clips) -> tf.data.Dataset:
    """Builds the endless stream of the places where training samples are.

    For each sample it draws a class, each as likely as another, and a training video that shows
    this class (or any video, see `Recipe.draws_classes`), a frame tau of the video, and a view. The
    draws follow from the iteration and the seed
    alone: the stream can begin at any iteration, and it does not depend on how a batch is split.

    Args:
        windows: The windows of the training videos.

    Returns:
        Rows of `Windows.locate` with a view and, for RGB, the draws of the colour jitter.
    """
    return _places(_drawer(windows), 0, np.arange(windows.recipe.batch_size))


def _places(
    draw_batch: Callable[[tf.Tensor], Element], first_iteration: int, rows: np.ndarray
) -> tf.data.Dataset:
    """Draws one batch after the other, and goes through some of its rows."""
    kept = tf.constant(rows)

    def keep(iteration: tf.Tensor) -> Element:
        return tf.nest.map_structure(lambda column: tf.gather(column, kept), draw_batch(iteration))

    return tf.data.Dataset.counter(first_iteration, dtype=tf.int64).map(keep).unbatch()


def _drawer(windows: Windows | Clips) -> Callable[[tf.Tensor], Element]:
    """Returns the function from an iteration to the places of all samples of its batch.

    All are drawn, so that any number of hosts trains on the samples that one host would draw; and
    at once: one by one, samples cost 0.45 ms more, of 6 ms in all.
    """
    recipe = windows.recipe
    choose = _chooser(windows)

    def draw_batch(iteration: tf.Tensor) -> Element:
        draws = _draw(recipe.seed, iteration, recipe.batch_size, 2 + windows.num_draws)
        video = choose(draws[:, 0], draws[:, 1])
        places = windows.place(video, draws[:, 2:])
        if not recipe.sees_flow:  # The 2016 paper jitters no colours.
            places["jitter"] = _jitter(recipe.seed, iteration, recipe.batch_size)
        return places

    return draw_batch


def _rows(batch_size: int, shard: int, num_shards: int) -> np.ndarray:
    """Returns the positions in a batch of the samples that a host keeps."""
    return np.arange(batch_size).reshape(num_shards, -1)[shard]


def _draw(seed: int, iteration: tf.Tensor | int, count: int, columns: int) -> tf.Tensor:
    """Draws `[count, columns]` float64, uniform in [0, 1): a column for each choice."""
    stream = random_stream(seed, tf.cast(iteration, tf.int64), VIEWS)
    return tf.random.stateless_uniform([count, columns], stream, dtype=tf.float64, alg="philox")


def _jitter(seed: int, iteration: tf.Tensor | int, count: int) -> tf.Tensor:
    """Draws the colour jitter `[count, 3]` of RGB frames."""
    stream = random_stream(seed, tf.cast(iteration, tf.int64), JITTER)
    normal = tf.random.stateless_normal([count, 3], stream, alg="philox")
    return paper.JITTER_STDDEV * normal


def _chooser(windows: Windows | Clips) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Returns the function from two draws, `[B]` each, to videos: a class, and one of its own."""
    if not windows.recipe.draws_classes:
        return lambda _, video_draw: pick(video_draw, len(windows.videos))
    # One row for each label of a video: a video with several is drawn for each of them. Those of a
    # label are in the order of their first labels, then of the list.
    own = np.array([video.label for video in windows.videos])
    others = [(n, label) for n, v in enumerate(windows.videos) for label in v.other_labels]
    more = np.array(others, np.int64).reshape(-1, 2)
    shown_by = np.concatenate([np.arange(len(own)), more[:, 0]])
    labels = np.concatenate([own, more[:, 1]])
    order = np.lexsort([shown_by, own[shown_by], labels])
    first, count = np.unique(labels[order], return_index=True, return_counts=True)[1:]
    with tf.device("CPU"):  # Not in the graph, through which a long list passes many times.
        shown_by = tf.constant(shown_by[order])

    def choose(class_draw: tf.Tensor, video_draw: tf.Tensor) -> tf.Tensor:
        label = pick(class_draw, len(count))
        pair = tf.gather(first, label) + pick(video_draw, tf.gather(count, label))
        return tf.gather(shown_by, pair)

    return choose


def several_of_each(windows: Windows | Clips, count: int) -> tf.data.Dataset:
    """Builds the stream of `count` samples of each training video, drawn as in training.

    Args:
        windows: The windows of the training videos.
        count: Samples of each video.

    Returns:
        Batches with V = 1, as in `inputs`: the samples of a video follow one another.
    """
    recipe, total = windows.recipe, len(windows.videos) * count
    # Of an iteration that no training has.
    places = windows.place(
        np.repeat(np.arange(len(windows.videos)), count),
        _draw(recipe.seed, -1, total, 4),
    )
    if not recipe.sees_flow:
        places["jitter"] = _jitter(recipe.seed, -1, total)
    elements = tf.data.Dataset.from_tensor_slices(places).map(
        windows.read, num_parallel_calls=parallel.CALLS
    )
    return windows.batch(elements, recipe.windows_at_once, drop_remainder=False)


def from_features(
    windows: Windows | Clips,
    features: np.ndarray,
    *,
    first_iteration: int = 0,
    shard: int = 0,
    num_shards: int = 1,
    num_replicas: int = 1,
) -> tf.data.Dataset:
    """Builds the endless stream of training batches of features that are known (`cache_features`).

    Args:
        windows: The windows of the N training videos.
        features: `[N, S, F]`, of S samples of each.
        first_iteration: As for `training_in_parts`.
        shard: As for `training_in_parts`.
        num_shards: As for `training_in_parts`.
        num_replicas: As for `training_in_parts`.

    Returns:
        Batches of "features" `[B, F]` and "label". The videos are those of `training_in_parts`.

    Raises:
        ValueError: If the batch cannot be split evenly.
    """
    recipe = windows.recipe
    check_split_of_batch(recipe.batch_size, num_replicas)
    choose = _chooser(windows)
    with tf.device("CPU"):  # `tf.data` draws there; a GPU's memory has other uses.
        known = tf.constant(features)
    rows = _rows(recipe.batch_size, shard, num_shards)

    def draw_batch(iteration: tf.Tensor) -> Element:
        draws = tf.gather(_draw(recipe.seed, iteration, recipe.batch_size, 6), rows)
        video = choose(draws[:, 0], draws[:, 1])
        sample = pick(draws[:, 2], features.shape[1])
        return {
            "features": tf.gather_nd(known, tf.stack([video, sample], axis=1)),
            "label": windows.locate(video, tf.zeros_like(video))["label"],
        }

    batches = tf.data.Dataset.counter(first_iteration, dtype=tf.int64).map(draw_batch)
    size = recipe.batch_size // num_replicas
    return parallel.ahead(batches.unbatch().batch(size, drop_remainder=True))


def evaluation(
    windows: Windows | Clips,
    *,
    batch_size: int = paper.TEST_FRAMES,
    num_windows: int = paper.TEST_FRAMES,
    kind: testing.Views = "ten_views",
) -> tf.data.Dataset:
    """Builds the stream of test batches (paper, Sect. 5, "Testing"): 25 windows, ten views each.

    The windows of a video are those of `equally_spaced`.

    Args:
        windows: The windows of the test videos.
        batch_size: Windows per batch; the network sees V times as many inputs.
        num_windows: Windows, or clips, per video, in place of 25 (ours).
        kind: What is seen of each. Of "dense", all frames must have one size.

    Returns:
        Batches with V = 10, or 5 without mirroring, 1 of the centre, or 2 of whole frames, as in
        `inputs`. The windows of a video follow one another; the last batch may be smaller.
    """
    recipe = windows.recipe
    places = tf.data.Dataset.from_tensor_slices(windows.places_to_test(num_windows))

    def read(place: Element) -> Element:
        height, width = tf.unstack(place["size"])
        all_views = views.test_views(
            height,
            width,
            recipe.crop_size,
            mirroring=recipe.mirroring,
            kind=kind,
        )
        return windows.read({**place, "views": all_views})

    elements = places.map(read, num_parallel_calls=parallel.CALLS)
    return windows.batch(elements, batch_size, drop_remainder=False)
