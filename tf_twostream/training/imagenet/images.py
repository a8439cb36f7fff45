"""Where labelled images lie: in class folders, or in TFRecord shards.

Both forms yield *places*, from which `read` gets the bytes of one image inside a `tf.data` graph:
`endless` those to train on, `once` each image once, to measure on.
"""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

Place = dict[str, tf.Tensor]
SUFFIXES = frozenset((".jpeg", ".jpg", ".png"))
SHUFFLE_BUFFER = 8_192  # Records; of ILSVRC-2012's 110 kB on average that is 0.9 GB.
OPEN_SHARDS = 16  # Read in turns, so that neighbours in a shard do not meet in a batch.
_FEATURES = {  # Defaults, since a parser's own errors would not name the shard.
    "image/encoded": tf.io.FixedLenFeature([], tf.string, ""),
    "image/class/label": tf.io.FixedLenFeature([], tf.int64, -1),
    "image/filename": tf.io.FixedLenFeature([], tf.string, ""),
}


def checked(value: tf.Tensor, condition: tf.Tensor, rule: str, *received: tf.Tensor) -> tf.Tensor:
    """Passes a value on or, in the graph, ends the stream with a sentence of ours.

    Args:
        value: What must not be used unless the condition holds.
        condition: Scalar bool.
        rule: The sentence, without what was received.
        *received: What was received.
    """
    with tf.control_dependencies(
        [tf.debugging.Assert(condition, [f"{rule} Received:", *received])]
    ):
        return tf.identity(value)


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
        return f"{len(self.paths):,} files of {len(self.class_names)} classes"

    def endless(
        self,
        seed: int,
        batch_size: int,
        *,
        first_iteration: int = 0,
        shard: int = 0,
        num_shards: int = 1,
    ) -> tf.data.Dataset:
        """Yields the images of epoch after epoch, each in an order of its own.

        The order is computed from the seed and the number of the epoch, so the stream can start
        at any iteration and goes on as if it had not been interrupted.

        Args:
            seed: Of the orders.
            batch_size: Images per iteration, over all hosts.
            first_iteration: Iteration to start from.
            shard: Number of this host among those that share each batch.
            num_shards: Number of hosts.

        Returns:
            Places, `batch_size / num_shards` for each iteration.
        """
        paths, labels, count = tf.constant(self.paths), tf.constant(self.labels), len(self.paths)
        share = batch_size // num_shards
        own, last = tf.constant(seed, tf.int64), tf.constant(count - 1, tf.int64)

        def places(iteration: tf.Tensor) -> Place:
            first = iteration * batch_size + shard * share
            position = first + tf.range(share, dtype=tf.int64)
            epoch = position // count
            seeds = tf.stack([tf.zeros_like(epoch), tf.fill([share], own), epoch], axis=1)
            number = tf.raw_ops.RandomIndexShuffle(  # Where a permutation puts a position.
                index=position % count, seed=seeds, max_index=tf.fill([share], last), rounds=4
            )
            return {"path": tf.gather(paths, number), "label": tf.gather(labels, number)}

        return tf.data.Dataset.counter(first_iteration, dtype=tf.int64).map(places).unbatch()

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
        return f"{len(self.paths):,} TFRecord shards of {len(self.class_names)} classes"

    def endless(
        self,
        seed: int,
        batch_size: int,
        *,
        first_iteration: int = 0,
        shard: int = 0,
        num_shards: int = 1,
    ) -> tf.data.Dataset:
        """Yields the images of epoch after epoch, shuffled as far as shards allow.

        Shards come in random order, are read in turns, and the records go through a shuffle
        buffer. A stream that starts at a later iteration begins a new epoch in another order: what
        an interrupted one had not yet seen of its epoch is not known.

        Args:
            seed: Of the orders.
            batch_size: Does not matter here.
            first_iteration: Iteration to start from.
            shard: Number of this host among those that share each batch.
            num_shards: Number of hosts; each reads shards of its own.

        Returns:
            Places.

        Raises:
            ValueError: If there are fewer shards than hosts.
        """
        if len(self.paths) < num_shards:
            raise ValueError(
                "Each host needs a shard of its own. "
                f"Received: {len(self.paths)} shards for {num_shards} hosts."
            )
        seed += first_iteration
        mine = self.paths[shard::num_shards]
        return (
            tf.data.Dataset.from_tensor_slices(list(mine))
            .shuffle(len(mine), seed)
            .interleave(_records, cycle_length=OPEN_SHARDS, num_parallel_calls=tf.data.AUTOTUNE)
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
            f"image/class/label must be in [{first}, {last}]; see --first_label, --num_classes.",
            stored,
            name,
        )
        label = tf.cast(stored - first, tf.int32)
        return {"encoded": features["image/encoded"], "label": label, "name": name}


Images = Folders | Shards


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
    raise FileNotFoundError(
        "Images lie in a folder, or in TFRecord shards named by a pattern such as "
        f"'shards/train-*-of-*' (in quotes). Received: {place!r}, where there is nothing."
    )


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
        raise ValueError(
            f"Each shard must hold records. Received none in: {', '.join(empty[:5])}. Fetch it "
            "again, or remove it."
        )
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
        ValueError: If there is no class folder, one holds no image, or one is of another class.
    """
    with os.scandir(path) as entries:
        found = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    names = tuple(class_names or found)
    if not found:
        raise ValueError(
            "A folder of images must hold one folder per class, named after it. Received: "
            f"{path}, without any. Unpack the .tar of each class into a folder of its own; for "
            "validation images without class folders give --val_labels."
        )
    if strangers := sorted(set(found) - set(names)):
        raise ValueError(
            "The classes to measure on must be those that were learnt. Received: "
            f"{', '.join(strangers[:5])} in {path}. Name the right --val_images."
        )
    files = {name: _list(os.path.join(path, name)) for name in found}
    if empty := [name for name in found if not files[name]]:
        raise ValueError(
            f"Each class folder must hold images ({' '.join(sorted(SUFFIXES))}). Received none "
            f"in: {', '.join(empty[:5])} of {path}. Unpack them or remove the folder."
        )
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
        ValueError: If lines and images do not match, or a line names no class.
    """
    files = _list(path)
    text = pathlib.Path(labels_file).read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if all(len(row) == 1 for row in rows) and len(rows) == len(files):
        classes = {file: row[0] for file, row in zip(files, rows)}
    else:
        classes = {os.path.join(path, row[0]): row[-1] for row in rows}
    if set(classes) != set(files) or not files:
        raise ValueError(
            "The labels must be those of the images: one class name a line, or file name and class "
            f"name. Received: {len(rows)} lines in {labels_file} for {len(files)} images in {path}."
        )
    positions = {name: label for label, name in enumerate(class_names)}
    if unknown := [name for name in classes.values() if name not in positions]:
        raise ValueError(
            f"Labels are names of classes, such as {class_names[0]}. Received: {unknown[0]} in "
            f"{labels_file}. (Numbers of the development kit stand for names in its meta.mat.)"
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
