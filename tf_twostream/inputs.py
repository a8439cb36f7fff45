"""The input graphs: from the records of a store to what the networks are fed.

`training` and `evaluation` are `tf.data` graphs, on the CPU: they choose a video, a frame tau and
a view, read just the records of the window that starts at tau, and decode them to uint8 batches.
`prepare` runs on the device: stacking, cropping, mirroring, back to pixels per frame, mean
subtraction, colour jitter.

Elements, with T = L for the temporal and no time axis for the spatial stream:

* temporal: `codes` `[B, L, 2, H, W]` uint8, `ranges` `[B, L, 2, 2]`, `means` `[B, L, 2]` float32
  in pixels per frame;
* spatial: `rgb` `[B, H, W, 3]` uint8 and, in training, `jitter` `[B, 3]` float32;
* both: `views` `[B, V, 3]` int32, `label` `[B]` int32, `video` `[B]` int32, the position in the
  list of videos (in training: sorted by label).

Frames of a batch that differ in size are padded at the bottom and right; views stay inside the
true frame. A video with fewer than L fields repeats its last one until there are L.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from tf_twostream import datasets, paper, store, views, volumes

Element = dict[str, tf.Tensor]


_FLAT = {"offsets"}  # The column of the table that does not go by videos.
_SIDES = ("height", "width")
_PLACE = {"path", "offset", "count", "height", "width"}  # Used up by reading.


class _Windows:
    """Reads windows of records of a list of videos, inside a `tf.data` graph."""

    def __init__(
        self, reader: store.Reader, videos: Sequence[datasets.Video], recipe: paper.Recipe
    ):
        side = int(reader.settings["shorter_side"])
        if recipe.crop_size > side:
            raise ValueError(
                f"`crop_size` must not exceed the shorter side of the frames in the store, {side} "
                f"pixels. Received: crop_size={recipe.crop_size}. Use a smaller --crop_size, or "
                "fill another store with a larger --shorter_side."
            )
        if not videos:
            raise ValueError("There is no video to read. Check --dataset, --split and --classes.")
        self.recipe = recipe
        self.temporal = isinstance(recipe, paper.TemporalRecipe)
        self.length = recipe.stack_length if isinstance(recipe, paper.TemporalRecipe) else 1
        table = reader.table([video.id for video in videos], "forward" if self.temporal else "rgb")
        self.num_records = np.asarray(table["num_records"])
        short = int(np.sum(self.num_records < self.length))
        if short:
            logging.warning(
                "%d of %d videos have fewer than L = %d fields; they repeat their last one.",
                short, len(videos), self.length,
            )  # fmt: skip
        self.table = {name: tf.constant(column) for name, column in table.items()}
        self.labels = tf.constant([video.label for video in videos], tf.int32)

    def num_starts(self) -> np.ndarray:
        """`[N]` number of windows of L records in each video; 1 for a shorter video."""
        return np.maximum(self.num_records - self.length, 0) + 1

    def locate(self, video: tf.Tensor, start: tf.Tensor) -> Element:
        """Looks up what reading needs: `[B]` videos and first records to `[B]` columns."""
        column = {name: tf.gather(self.table[name], video) for name in self.table.keys() - _FLAT}
        return {
            "path": column["path"],
            "offset": tf.gather(self.table["offsets"], column["first"] + start),
            "count": tf.minimum(column["num_records"], self.length),
            "height": tf.cast(column["height"], tf.int32),
            "width": tf.cast(column["width"], tf.int32),
            "label": tf.gather(self.labels, video),
            "video": tf.cast(video, tf.int32),
        }

    def read(self, place: Element) -> Element:
        """Reads and decodes the window at one place; what else the place holds is kept."""
        records = store.read_records(place["path"], place["offset"], place["count"])
        size = (place["height"], place["width"])
        decoded = (self._decode_flow if self.temporal else self._decode_rgb)(records, size)
        kept = {name: place[name] for name in place.keys() - _PLACE}
        return {**kept, **decoded}

    def batch(
        self, elements: tf.data.Dataset, size: int, *, drop_remainder: bool = True
    ) -> tf.data.Dataset:
        """Batches elements; pads only where videos differ in size, which takes twice as long."""
        sizes = {(h, w) for h, w in zip(*(self.table[side].numpy() for side in _SIDES))}
        batch = elements.batch if len(sizes) == 1 else elements.padded_batch
        batches = batch(size, drop_remainder=drop_remainder)
        return batches.prefetch(2)  # At full size a batch of 256 stacks is 450 MB.

    def _decode_flow(self, records: tf.Tensor, size: tuple[tf.Tensor, tf.Tensor]) -> Element:
        repeated = tf.minimum(tf.range(self.length), tf.shape(records)[0] - 1)
        fields = store.parse_flow(tf.gather(records, repeated))
        images = tf.map_fn(
            lambda jpeg: tf.io.decode_jpeg(jpeg, channels=1, dct_method="INTEGER_ACCURATE"),
            fields["jpeg"],
            fn_output_signature=tf.TensorSpec([None, None, 1], tf.uint8),
        )
        codes = tf.reshape(images, [self.length, 2, *size])
        ranges = tf.ensure_shape(fields["range"], [self.length, 2, 2])
        means = tf.ensure_shape(fields["mean"], [self.length, 2])
        return {"codes": codes, "ranges": ranges, "means": means}

    def _decode_rgb(self, records: tf.Tensor, size: tuple[tf.Tensor, tf.Tensor]) -> Element:
        jpeg = store.parse_rgb(records)["jpeg"][0]
        image = tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")
        return {"rgb": tf.reshape(image, [*size, 3])}


def _pick(draw: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Turns a draw from [0, 1) into an int64 from 0 ... count - 1."""
    return tf.cast(tf.floor(draw * tf.cast(count, tf.float64)), tf.int64)


def training(
    reader: store.Reader,
    videos: Sequence[datasets.Video],
    recipe: paper.Recipe,
    *,
    first_iteration: int = 0,
    shard: int = 0,
    num_shards: int = 1,
    num_replicas: int = 1,
) -> tf.data.Dataset:
    """Builds the endless stream of training batches (paper, Sect. 5, "Training").

    Each sample is a class drawn uniformly, a training video of it, a frame tau of that, and a
    view, all drawn from the iteration and the seed alone: the stream can start at any iteration,
    and does not depend on how a batch is split.

    Args:
        reader: The store.
        videos: Training videos.
        recipe: The network's recipe.
        first_iteration: Iteration to start from.
        shard: Number of this host among the hosts that share each batch.
        num_shards: Number of hosts.
        num_replicas: Number of devices over all hosts.

    Returns:
        Batches of `batch_size / num_replicas` elements, V = 1; the batches of an iteration follow
        one another.

    Raises:
        ValueError: If the batch cannot be split evenly, the crop exceeds the frames, or there is
            no video.
    """
    if recipe.batch_size % num_replicas:
        raise ValueError(
            f"`batch_size` must be a multiple of the number of devices, {num_replicas}. "
            f"Received: batch_size={recipe.batch_size}."
        )
    videos = sorted(videos, key=lambda video: video.label)
    windows = _Windows(reader, videos, recipe)
    first, count = np.unique([v.label for v in videos], return_index=True, return_counts=True)[1:]
    num_starts = tf.constant(windows.num_starts())
    share = recipe.batch_size // num_shards

    def draw(iteration: tf.Tensor) -> Element:
        """Draws a batch at once: a hundred small ops per sample would take as long as decoding."""
        seed = tf.stack([tf.constant(recipe.seed, tf.int64), iteration])
        rows = slice(shard * share, (shard + 1) * share)
        shape = [recipe.batch_size, 6]
        draws = tf.random.stateless_uniform(shape, seed, dtype=tf.float64, alg="philox")[rows]
        label = _pick(draws[:, 0], len(count))
        video = tf.gather(first, label) + _pick(draws[:, 1], tf.gather(count, label))
        places = windows.locate(video, _pick(draws[:, 2], tf.gather(num_starts, video)))
        size = (places["height"], places["width"])
        places["views"] = views.random_view(draws[:, 3:], *size, recipe.crop_size)
        if not windows.temporal:
            shape = [recipe.batch_size, 3]
            normal = tf.random.stateless_normal(shape, seed + [1 << 32, 0], alg="philox")[rows]
            places["jitter"] = paper.JITTER_STDDEV * normal
        return places

    places = tf.data.Dataset.counter(first_iteration, dtype=tf.int64).map(draw).unbatch()
    samples = places.map(windows.read, num_parallel_calls=tf.data.AUTOTUNE)
    return windows.batch(samples, recipe.batch_size // num_replicas)


def equally_spaced(num_starts: np.ndarray) -> np.ndarray:
    """Spreads 25 windows over each video, both ends included (paper, Sect. 5, "Testing").

    Args:
        num_starts: `[N]` number of places where a window can start in each video.

    Returns:
        `[N, 25]` int64 starts, from 0 to `num_starts - 1`, rounded; some repeat in short videos.
    """
    starts = np.linspace(0, np.asarray(num_starts) - 1, paper.TEST_FRAMES, axis=-1)
    return np.rint(starts).astype(np.int64)


def evaluation(
    reader: store.Reader,
    videos: Sequence[datasets.Video],
    recipe: paper.Recipe,
    *,
    batch_size: int = paper.TEST_FRAMES,
) -> tf.data.Dataset:
    """Builds the stream of test batches (paper, Sect. 5, "Testing"): 25 frames, ten views each.

    The 25 windows of a video start at equal temporal spacing, rounded, from its first record to
    the last one that has L behind it; a video with fewer windows repeats some.

    Args:
        reader: The store.
        videos: Test videos.
        recipe: The network's recipe.
        batch_size: Windows per batch; the network sees ten times as many inputs.

    Returns:
        Batches with V = 10, the windows of a video in a row; the last batch may be smaller.

    Raises:
        ValueError: If the crop exceeds the frames or there is no video.
    """
    windows = _Windows(reader, videos, recipe)
    starts = equally_spaced(windows.num_starts())
    numbers = np.repeat(np.arange(len(videos)), paper.TEST_FRAMES)
    places = tf.data.Dataset.from_tensor_slices(windows.locate(numbers, starts.ravel()))

    def read(place: Element) -> Element:
        ten = views.ten_views(place["height"], place["width"], recipe.crop_size)
        return windows.read({**place, "views": ten})

    elements = places.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    return windows.batch(elements, batch_size, drop_remainder=False)


def prepare(batch: Element, recipe: paper.Recipe) -> tf.Tensor:
    """Turns a batch of bytes into network inputs, on the device the batch lies on.

    Args:
        batch: What `training` or `evaluation` yields.
        recipe: The network's recipe.

    Returns:
        `[B * V, crop, crop, C]` float32: volumes of flow in pixels per frame, C = 2L, or RGB in
        [0, 255], C = 3; the V views of an element one after the other.
    """
    if not isinstance(recipe, paper.TemporalRecipe):
        rgb = tf.cast(views.apply_views(batch["rgb"], batch["views"], recipe.crop_size), tf.float32)
        return views.jitter_rgb(rgb, batch["jitter"]) if "jitter" in batch else rgb
    # Cut first, restore then: the same numbers, from a quarter of the bytes. The means in the
    # store are those of the whole fields.
    stacked = volumes.stack_flow(batch["codes"])
    cut = views.apply_views(stacked, batch["views"], recipe.crop_size)
    num_views = tf.shape(batch["views"])[1]
    ranges = tf.repeat(batch["ranges"], num_views, axis=0)
    means = tf.repeat(batch["means"], num_views, axis=0) if recipe.mean_subtraction else None
    return volumes.restore(cut, ranges, means=means, signs=views.flow_signs(batch["views"]))
