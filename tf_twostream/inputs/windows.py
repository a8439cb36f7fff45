"""Windows of a store's records: which there are, where they lie, and what they hold.

A window spans L + 1 frames, or T of slow fusion: the L fields, or the frames, that one input of a
network is made of. `inputs` says in which order, and what becomes of them.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf
from absl import logging

from tf_twostream import datasets, paper, store

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


def length(recipe: paper.Recipe) -> int:
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


class Windows:
    """Reads windows of records of a list of videos, inside a `tf.data` graph."""

    def __init__(
        self,
        reader: Reader,
        videos: Sequence[datasets.Video],
        recipe: paper.Recipe,
        *,
        several_of: int = 0,
    ):
        """Looks up where the videos lie.

        Args:
            reader: The store, or several joined.
            videos: The videos, one or more.
            recipe: The recipe of the network that looks through the windows.
            several_of: K, if a video may show several of K classes; 0 if each shows one.

        Raises:
            ValueError: If the crop exceeds the frames, there is no video, or the store lacks the
                backward flow of a bi-directional volume.
        """
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
        self.length = length(recipe)
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
            "label": tf.constant(datasets.label_array(videos, several_of)),
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
