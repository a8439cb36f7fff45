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
  int32, `video` `[B]` int32, the position in the list of videos (in training: sorted by label).

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
from typing import Literal

import numpy as np
import tensorflow as tf
from absl import logging

from tf_twostream import datasets, paper, store, views, volumes

Element = dict[str, tf.Tensor]
Kind = Literal["rgb", "forward", "backward"]
Reader = store.Reader | store.JoinedReader

_PLACE = {"path", "offset", "count"}  # Used up by reading.


def _kinds(recipe: paper.Recipe, reader: Reader) -> tuple[Kind, ...]:
    """The kinds of records in a window, in their order."""
    if not isinstance(recipe, paper.TemporalRecipe):
        return ("rgb",)
    if not recipe.bidirectional:
        return ("forward",)
    directions = reader.settings["directions"]
    if "backward" not in directions:
        raise ValueError(
            "A bi-directional volume needs a store with forward and backward flow. Received: "
            f"{reader.path}, with {', '.join(directions)} alone. Make a store with "
            "data_tools/precompute_flow.py --directions=forward,backward, or train without "
            "--bidirectional."
        )
    return ("forward", "backward")


def _length(recipe: paper.Recipe) -> int:
    """Records in a window: L fields or T frames."""
    if isinstance(recipe, paper.TemporalRecipe):
        return recipe.stack_length
    return recipe.num_frames if isinstance(recipe, paper.SlowFusionRecipe) else 1


def _table(reader: Reader, videos: Sequence[datasets.Video], kind: Kind) -> dict[str, np.ndarray]:
    if isinstance(reader, store.JoinedReader):
        return reader.table([(video.store, video.id) for video in videos], kind)
    if elsewhere := [video.id for video in videos if video.store]:
        raise ValueError(
            f"{len(elsewhere)} videos of added classes are in another store. Received: "
            f"{reader.path} alone for {elsewhere[0]!r}. Leave them out, or join both stores."
        )
    return reader.table([video.id for video in videos], kind)


class _Windows:
    """Reads windows of records of a list of videos, inside a `tf.data` graph."""

    def __init__(self, reader: Reader, videos: Sequence[datasets.Video], recipe: paper.Recipe):
        side = int(reader.settings["shorter_side"])
        if recipe.crop_size > side:
            raise ValueError(
                f"`crop_size` must not exceed the shorter side of the frames in the store, {side} "
                f"pixels. Received: crop_size={recipe.crop_size}. Use a smaller --crop_size, or "
                "fill another store with a larger --shorter_side."
            )
        if not videos:
            raise ValueError("There is no video to read. Check --dataset, --split and --classes.")
        self.temporal = isinstance(recipe, paper.TemporalRecipe)
        self.length = _length(recipe)
        self.kinds = _kinds(recipe, reader)
        self.share = self.length // len(self.kinds)  # Records of each kind in a window.
        tables = [_table(reader, videos, kind) for kind in self.kinds]
        self.num_records = np.asarray(tables[0]["num_records"])  # Of each kind as many.
        short = int(np.sum(self.num_records < self.length))
        if short:
            logging.warning(
                "%d of %d videos have fewer than %d %s; they repeat their last one.",
                short, len(videos), self.length, "fields" if self.temporal else "frames",
            )  # fmt: skip
        sizes = [tables[0][side] for side in ("height", "width")]
        self.table = {
            "path": tf.constant(np.stack([table["path"] for table in tables], axis=1)),
            "first": tf.constant(tables[0]["first"]),
            "num_records": tf.constant(self.num_records),
            "size": tf.constant(np.stack(sizes, axis=1), tf.int32),
            "label": tf.constant([video.label for video in videos], tf.int32),
        }
        self.offsets = [tf.constant(table["offsets"]) for table in tables]  # Not by videos.

    def num_starts(self) -> np.ndarray:
        """`[N]` number of windows of L + 1 (or T) frames in each video; 1 for a shorter one."""
        return np.maximum(self.num_records - self.length, 0) + 1

    def locate(self, video: tf.Tensor, start: tf.Tensor) -> Element:
        """Looks up what reading needs: `[B]` videos and first frames to `[B, ...]` columns."""
        column = {name: tf.gather(values, video) for name, values in self.table.items()}
        available = column.pop("num_records")
        if "backward" in self.kinds:  # Record t - 1 of it leads from frame t to frame t - 1.
            tau = start + tf.minimum(available, self.length) // 2
            firsts = [tau, tf.maximum(tau - self.share, 0)]
            counts = [tf.minimum(available - tau, self.share), tf.clip_by_value(tau, 1, self.share)]
        else:
            firsts, counts = [start], [tf.minimum(available, self.length)]
        records = [column["first"] + first for first in firsts]
        del column["first"]
        return {
            **column,
            "offset": tf.stack([tf.gather(o, r) for o, r in zip(self.offsets, records)], axis=1),
            "count": tf.stack(counts, axis=1),
            "video": tf.cast(video, tf.int32),
        }

    def read(self, place: Element) -> Element:
        """Reads and decodes the window at one place; what else the place holds is kept."""
        records = tf.concat([self._read_kind(place, n) for n in range(len(self.kinds))], axis=0)
        decoded = (self._decode_flow if self.temporal else self._decode_rgb)(records, place["size"])
        kept = {name: place[name] for name in place.keys() - _PLACE}
        return {**kept, **decoded}

    def batch(
        self, elements: tf.data.Dataset, size: int, *, drop_remainder: bool = True
    ) -> tf.data.Dataset:
        """Batches elements; pads only where videos differ in size, which takes twice as long."""
        alike = len(np.unique(self.table["size"], axis=0)) == 1
        batch = elements.batch if alike else elements.padded_batch
        batches = batch(size, drop_remainder=drop_remainder)
        return batches.prefetch(2)  # At full size a batch of 256 stacks is 450 MB.

    def _read_kind(self, place: Element, number: int) -> tf.Tensor:
        """Reads the records of one kind, going away from tau; repeats the last if there are few."""
        path, offset, count = (place[name][number] for name in ("path", "offset", "count"))
        records = store.read_records(path, offset, count)
        if self.kinds[number] == "backward":
            records = records[::-1]
        return tf.gather(records, tf.minimum(tf.range(self.share), tf.shape(records)[0] - 1))

    def _decode_flow(self, records: tf.Tensor, size: tf.Tensor) -> Element:
        fields = store.parse_flow(records)
        images = tf.map_fn(
            lambda jpeg: tf.io.decode_jpeg(jpeg, channels=1, dct_method="INTEGER_ACCURATE"),
            fields["jpeg"],
            fn_output_signature=tf.TensorSpec([None, None, 1], tf.uint8),
        )
        codes = tf.reshape(images, [self.length, 2, size[0], size[1]])
        ranges = tf.ensure_shape(fields["range"], [self.length, 2, 2])
        means = tf.ensure_shape(fields["mean"], [self.length, 2])
        return {"codes": codes, "ranges": ranges, "means": means}

    def _decode_rgb(self, records: tf.Tensor, size: tf.Tensor) -> Element:
        images = tf.map_fn(
            lambda jpeg: tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE"),
            store.parse_rgb(records)["jpeg"],
            fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8),
        )
        frames = tf.reshape(images, [self.length, size[0], size[1], 3])
        stack = tf.transpose(frames, [1, 2, 0, 3])  # Time as channels.
        return {"rgb": tf.reshape(stack, [size[0], size[1], 3 * self.length])}


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
) -> tf.data.Dataset:
    """Builds the endless stream of training batches (paper, Sect. 5, "Training").

    Each sample is a class drawn uniformly, a training video of it, a frame tau of that, and a
    view, all drawn from the iteration and the seed alone: the stream can start at any iteration,
    and does not depend on how a batch is split.

    Args:
        reader: The store, or several joined.
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
        ValueError: If the batch cannot be split evenly, the crop exceeds the frames, there is no
            video, or the store lacks the backward flow of a bi-directional volume.
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
        height, width = tf.unstack(places["size"], axis=1)
        places["views"] = views.random_view(draws[:, 3:], height, width, recipe.crop_size)
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
        batch_size: Windows per batch; the network sees ten times as many inputs.

    Returns:
        Batches with V = 10, the windows of a video in a row; the last batch may be smaller.

    Raises:
        ValueError: If the crop exceeds the frames, there is no video, or the store lacks the
            backward flow of a bi-directional volume.
    """
    windows = _Windows(reader, videos, recipe)
    starts = equally_spaced(windows.num_starts())
    numbers = np.repeat(np.arange(len(videos)), paper.TEST_FRAMES)
    places = tf.data.Dataset.from_tensor_slices(windows.locate(numbers, starts.ravel()))

    def read(place: Element) -> Element:
        height, width = tf.unstack(place["size"])
        ten = views.ten_views(height, width, recipe.crop_size)
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
        [0, 255], C = 3 or 3T; the V views of an element one after the other.
    """
    if not isinstance(recipe, paper.TemporalRecipe):
        rgb = tf.cast(views.apply_views(batch["rgb"], batch["views"], recipe.crop_size), tf.float32)
        if "jitter" not in batch:
            return rgb
        crop, length = recipe.crop_size, _length(recipe)
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
