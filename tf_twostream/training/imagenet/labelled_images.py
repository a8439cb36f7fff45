"""Where labelled images lie: in class folders, or in TFRecord shards.

Both forms yield *places*, from which `read` gets the bytes of one image inside a `tf.data` graph:
`endless` those to train on, in the order of `Order`, `once` each image once, to measure on.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_twostream.datasets import lists
from tf_twostream.inputs import parallel
from tf_twostream.processes import printing

Place = dict[str, tf.Tensor]
SUFFIXES = frozenset((".jpeg", ".jpg", ".png"))
SHUFFLE_BUFFER = 8_192  # Records; of ILSVRC-2012's 110 kB on average that is 0.9 GB.
OPEN_SHARDS = 16  # Read in turns, so that neighbours in a shard do not meet in a batch.
# Each has a default that `read` refuses, since a parser's own errors would not name the shard.
_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string, ""),
    "image/class/label": tf.io.FixedLenFeature([], tf.int64, -1),
    "image/filename": tf.io.FixedLenFeature([], tf.string, ""),
}


class DamagedImageError(ValueError):
    """An image does not decode."""


class LabelError(ValueError):
    """The label of an image in a shard is out of range."""


class LabelListError(ValueError):
    """A list of labels does not fit the images or the classes."""


class DamagedShardError(OSError):
    """A TFRecord file is cut off or damaged."""


class ImagesError(ValueError):
    """Images or labels that are laid out in a way that only looks like the right one."""


def checked(value: tf.Tensor, condition: tf.Tensor, rule: str, *received: tf.Tensor) -> tf.Tensor:
    """Passes a value on or, in the graph, ends the stream with a sentence of ours.

    Args:
        value: What must not be used unless the condition holds.
        condition: Scalar bool.
        rule: The sentence, without what was received.
        *received: What was received.
    """
    assertion = tf.debugging.Assert(condition, [f"{rule} Received:", *received])
    # Without the dependency `tf.data` would leave the assertion out as an op that nobody uses.
    with tf.control_dependencies([assertion]):
        return tf.identity(value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """Where an endless stream of images starts, and which of them a host has.

    Attributes:
        seed: Of the orders of all epochs.
        batch_size: Images per iteration, over all hosts.
        first_iteration: Iteration to start from.
        shard: Number of this host among those that share each batch.
        num_shards: Number of hosts.
    """

    seed: int
    batch_size: int
    first_iteration: int = 0
    shard: int = 0
    num_shards: int = 1


@dataclasses.dataclass(frozen=True)
class Folders:
    """Images in files.

    Attributes:
        class_names: The classes, in the order of their labels.
        paths: The files.
        labels: `[N]` int32, the class of each.
    """

    class_names: tuple[str, ...]
    paths: tuple[str, ...]
    labels: np.ndarray

    @property
    def words(self) -> str:
        """How many there are, for people."""
        classes = printing.count(len(self.class_names), "class")
        return f"{printing.count(len(self.paths), 'file')} of {classes}"

    def endless(self, order: Order) -> tf.data.Dataset:
        """Yields places of epoch after epoch, `batch_size / num_shards` for each iteration.

        The order of an epoch is computed from the seed and the number of the epoch, so the stream
        can start at any iteration and goes on as if it had not been interrupted.
        """
        paths, labels, count = tf.constant(self.paths), tf.constant(self.labels), len(self.paths)
        share = order.batch_size // order.num_shards
        own, last = tf.constant(order.seed, tf.int64), tf.constant(count - 1, tf.int64)

        def places(iteration: tf.Tensor) -> Place:
            first = iteration * order.batch_size + order.shard * share
            position = first + tf.range(share, dtype=tf.int64)
            # A batch may begin in one epoch and end in the next.
            epoch = position // count
            seeds = tf.stack([tf.zeros_like(epoch), tf.fill([share], own), epoch], axis=1)
            # Computes where a permutation puts a position, without a list of a million numbers that
            # a resumed training would have to shuffle again.
            number = tf.raw_ops.RandomIndexShuffle(
                index=position % count, seed=seeds, max_index=tf.fill([share], last), rounds=4
            )
            return {"path": tf.gather(paths, number), "label": tf.gather(labels, number)}

        first = order.first_iteration
        return tf.data.Dataset.counter(first, dtype=tf.int64).map(places).unbatch()

    def once(self) -> tf.data.Dataset:
        """Yields the place of each image, in their order."""
        columns = {"path": list(self.paths), "label": self.labels}
        return tf.data.Dataset.from_tensor_slices(columns)

    def read(self, place: Place) -> Place:
        """Reads one image: "encoded" bytes, "label" int32, and "name" for messages."""
        encoded = tf.io.read_file(place["path"])
        return {"encoded": encoded, "label": place["label"], "name": place["path"]}


@dataclasses.dataclass(frozen=True)
class Shards:
    """Images in TFRecord files with the features image/encoded and image/class/label.

    Attributes:
        class_names: The classes, in the order of their labels.
        paths: The files.
        first_label: The label of the first class: 1 in the usual files, where 0 is background.
    """

    class_names: tuple[str, ...]
    paths: tuple[str, ...]
    first_label: int

    @property
    def words(self) -> str:
        """How many there are, for people."""
        classes = printing.count(len(self.class_names), "class")
        return f"{printing.count(len(self.paths), 'TFRecord shard')} of {classes}"

    def endless(self, order: Order) -> tf.data.Dataset:
        """Yields places of epoch after epoch, shuffled as far as shards allow.

        Shards come in random order, are read in turns, and the records go through a shuffle
        buffer; each host reads shards of its own. A stream that starts at a later iteration begins
        a new epoch in another order: what an interrupted one had not yet seen of its epoch is not
        known.

        Raises:
            ValueError: If there are fewer shards than hosts.
        """
        if len(self.paths) < order.num_shards:
            given = f"{len(self.paths)} shards for {order.num_shards} hosts"
            raise ValueError(f"Each host must have a shard of its own. Received: {given}.")
        # A record cannot be found by its number without reading those before it.
        seed = order.seed + order.first_iteration
        mine = self.paths[order.shard :: order.num_shards]
        return (
            tf.data.Dataset.from_tensor_slices(list(mine))
            .shuffle(len(mine), seed)
            .interleave(
                _records,
                cycle_length=OPEN_SHARDS,
                num_parallel_calls=min(parallel.CALLS, OPEN_SHARDS),
            )
            .shuffle(SHUFFLE_BUFFER, seed)
            .repeat()
        )

    def once(self) -> tf.data.Dataset:
        """Yields the place of each image, in their order."""
        return tf.data.Dataset.from_tensor_slices(list(self.paths)).flat_map(_records)

    def read(self, place: Place) -> Place:
        """Reads one image: "encoded" bytes, "label" int32, and "name" for messages."""
        features = tf.io.parse_single_example(place["record"], _FEATURES)
        name = tf.strings.join([place["path"], features["image/filename"]], separator=" ")
        stored, first = features["image/class/label"], self.first_label
        last = first + len(self.class_names) - 1
        stored = checked(
            stored,
            (stored >= first) & (stored <= last),
            f"image/class/label must be in [{first}, {last}] (`first_label`, `num_classes`).",
            stored,
            name,
        )
        label = tf.cast(stored - first, tf.int32)
        return {"encoded": features["image/encoded"], "label": label, "name": name}


Found = Folders | Shards


def _records(path: tf.Tensor) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(path).map(lambda record: {"record": record, "path": path})


def is_folder(place: str) -> bool:
    """Tells a folder, which must exist, from the pattern of shards.

    Raises:
        FileNotFoundError: If the place is neither a folder nor the pattern of a file.
    """
    if os.path.isdir(place):
        return True
    if tf.io.gfile.glob(place):
        return False
    rule = "Images must lie in a folder, or in TFRecord shards named by a pattern in quotes"
    raise FileNotFoundError(f"{rule}. Received: {place!r}, where there is nothing.")


def find_shards(pattern: str, class_names: Sequence[str], *, first_label: int) -> Shards:
    """Finds TFRecord shards, in the order of their names.

    Args:
        pattern: What the paths match, on any file system that TensorFlow knows.
        class_names: The classes in the order of their labels.
        first_label: The label of the first class.

    Raises:
        ValueError: If a shard is empty.
    """
    paths = sorted(tf.io.gfile.glob(pattern))
    if empty := [path for path in paths if not tf.io.gfile.stat(path).length]:
        raise ValueError(f"Each shard must hold records. Received none in: {', '.join(empty[:5])}.")
    return Shards(tuple(class_names), tuple(paths), first_label)


def find_damaged_shard(paths: Sequence[str]) -> str:
    """Reads all shards and returns the path of the first damaged one; empty if there is none."""
    for path in paths:
        try:
            for _ in tf.data.TFRecordDataset(path).batch(64):
                pass
        except tf.errors.DataLossError:
            return path
    return ""


def find_folders(path: str, class_names: Sequence[str] = ()) -> Folders:
    """Finds the images in class folders, FOLDER/n01440764/n01440764_10026.JPEG.

    Args:
        path: The folder of the class folders.
        class_names: The classes in the order of their labels; those of the folders if empty.

    Returns:
        The images, class by class and sorted by name.

    Raises:
        ImagesError: If there is no class folder.
        ValueError: If one holds no image, or is of another class.
    """
    with os.scandir(path) as entries:
        found = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    names = tuple(class_names or found)
    if not found:
        raise ImagesError(
            f"A folder of images must hold a folder per class. Received: {path}, without any."
        )
    if strangers := sorted(set(found) - set(names)):
        given = f"{', '.join(strangers[:5])} in {path}"
        raise ValueError(
            f"Classes to measure on must be among those that were learnt. Received: {given}."
        )
    files = {name: _list(os.path.join(path, name)) for name in found}
    if empty := [name for name in found if not files[name]]:
        rule = f"Each class folder must hold images ({' '.join(sorted(SUFFIXES))})"
        raise ValueError(f"{rule}. Received none in: {', '.join(empty[:5])} of {path}.")
    counts = [len(files[name]) for name in found]
    labels = np.repeat([names.index(name) for name in found], counts).astype(np.int32)
    paths = tuple(file for name in found for file in files[name])
    return Folders(names, paths, labels)


def find_labelled(path: str, labels_file: str, class_names: Sequence[str]) -> Folders:
    """Finds the images of a folder without class folders, as ILSVRC-2012 distributes validation.

    Args:
        path: The folder.
        labels_file: Text, a line per image: the class name, for images in the order of their
            names; or file name and class name.
        class_names: The classes in the order of their labels.

    Returns:
        The images, sorted by name.

    Raises:
        LabelListError: If lines and images do not match, or a line names no class.
    """
    files = _list(path)
    rows = [line.split() for _, line in lists.read_lines(labels_file)]
    if all(len(row) == 1 for row in rows) and len(rows) == len(files):
        classes = {file: row[0] for file, row in zip(files, rows)}
    else:
        classes = {os.path.join(path, row[0]): row[-1] for row in rows}
    if set(classes) != set(files) or not files:
        raise LabelListError(
            "Labels must be one class name a line, or file name and class name, for each image. "
            f"Received: {len(rows)} lines in {labels_file} for {len(files)} images in {path}."
        )
    positions = {name: label for label, name in enumerate(class_names)}
    if unknown := [name for name in classes.values() if name not in positions]:
        given = f"{unknown[0]} in {labels_file}"
        raise LabelListError(
            f"Labels must be class names, such as {class_names[0]}. Received: {given}."
        )
    labels = np.array([positions[classes[file]] for file in files], np.int32)
    return Folders(tuple(class_names), tuple(files), labels)


def _list(path: str) -> list[str]:
    """Returns the images of one folder, sorted by name."""
    with os.scandir(path) as entries:
        return sorted(
            e.path
            for e in entries
            if os.path.splitext(e.name)[1].lower() in SUFFIXES and not e.name.startswith(".")
        )
