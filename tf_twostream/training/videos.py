"""The videos that a network learns from: lists and stores, turned into streams of batches."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from tf_twostream import datasets, inputs, runs, store
from tf_twostream.datasets import union, validation
from tf_twostream.paper import recipes
from tf_twostream.processes import printing
from tf_twostream.training.addition import Addition
from tf_twostream.training.sharing import Sharing

Windows = inputs.Windows | inputs.Clips


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What a training learns from.

    Attributes:
        tasks: One for each classification layer.
        streams: Of each task, the function that starts its endless stream of batches; it takes
            the arguments of `inputs.training` that come after the windows.
        windows: Of each task, those of its training videos; none of still images.
        validation: Of each task, the windows of its validation part; None if it has none.
        reader: The store of which TensorBoard shows a video; None for none.
        explain: Wraps the stream of batches to word its errors.
    """

    tasks: tuple[runs.Task, ...]
    streams: tuple[Callable[..., tf.data.Dataset], ...]
    windows: tuple[Windows, ...] = ()
    validation: tuple[Windows | None, ...] = (None,)
    reader: store.Reader | None = None
    explain: Callable[[Iterator[Any]], Iterator[Any]] = iter


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set to learn.

    Attributes:
        source: Its lists.
        store: Its store.
        name: Of its task, where a network has several; else empty.
        addition: Classes of another data set to learn as well.
        validation_share: The share of its training videos to hold out, see `validation.draw`.
        train_on_all: Whether all its videos, test videos included, are for training: data that
            only help another task (Sect. 6: "all splits combined").
    """

    source: datasets.Source
    store: str
    name: str = ""
    addition: Addition | None = None
    train_on_all: bool = False
    validation_share: float = 0.0


@dataclasses.dataclass(frozen=True)
class Videos:
    """The data sets that a network learns, a task of its own for each (paper, Sect. 4).

    Attributes:
        data_sets: One, or several with a name each.
        sharing: How several share a mini-batch.
    """

    data_sets: Sequence[DataSet]
    sharing: Sharing = dataclasses.field(default_factory=Sharing)

    def read(self, recipe: recipes.Recipe) -> Learnt:
        """Reads lists and stores, and looks up where the training videos lie.

        Args:
            recipe: The network; its `batch_size` is that of all tasks together.

        Returns:
            A task and a stream of batches for each data set.

        Raises:
            OSError: If lists, a store or videos of it are missing.
            OtherStoreError: If two stores hold frames or flow of different kinds.
            ValueError: If lists are faulty, or the recipe does not fit the store or the tasks.
        """
        # All are opened before any is used: a task's share depends on the videos of all.
        opened = [_open(data_set, recipe) for data_set in self.data_sets]
        sizes = self.sharing.batch_sizes(
            recipe.batch_size, [len(split.train) for _, _, split in opened]
        )
        tasks: list[runs.Task] = []
        streams: list[Callable[..., tf.data.Dataset]] = []
        windows: list[Windows] = []
        held_out: list[Windows | None] = []
        for data_set, (main, reader, split), size in zip(self.data_sets, opened, sizes):
            task = runs.Task(
                name=data_set.name,
                split=split,
                settings=main.settings,
                batch_size=size,
                divisor=self.sharing.divisor(size, recipe.batch_size),
                sources=main.sources(video.id for video in datasets.all_videos(split)),
            )
            # Two tasks that drew the same numbers would look at the same places of their frames.
            seed = inputs.task_seed(recipe.seed, len(tasks))
            own = dataclasses.replace(recipe, batch_size=size, seed=seed)
            tasks.append(task)
            windows.append(_find(split.train, split, reader, own))
            streams.append(functools.partial(inputs.training, windows[-1]))
            part = split.validation
            held_out.append(_find(part, split, reader, own) if part else None)
        # One first layer sees the flow of all tasks, so it must be of one kind.
        for data_set, task in zip(self.data_sets[1:], tasks[1:]):
            names = (self.data_sets[0].store, data_set.store)
            runs.check_alike(recipe, tasks[0].settings, task.settings, names=names)
        return Learnt(tuple(tasks), tuple(streams), tuple(windows), tuple(held_out), opened[0][0])


def _open(
    data_set: DataSet, recipe: recipes.Recipe
) -> tuple[store.Reader, store.Reader | store.JoinedReader, datasets.Split]:
    """Returns the store of a data set, the reader of it and of what is added, and the split."""
    main = store.Reader(data_set.store)
    split = read_split(data_set.source, main, where=f"the store {data_set.store}")
    if data_set.train_on_all:
        split = _all_for_training(split)
    elif data_set.validation_share:
        # From what the store holds: a part of it must not be missing.
        split = validation.draw(split, data_set.validation_share)
    addition = data_set.addition
    if addition is None:
        return main, main, split
    extra = store.Reader(addition.add_store)
    runs.check_alike(
        recipe, main.settings, extra.settings, names=(data_set.store, addition.add_store)
    )
    source = addition.source(allow_missing=data_set.source.allow_missing)
    added = read_split(source, extra, where=f"the store {addition.add_store}")
    # Two data sets may have videos of one name: an added video carries the number of its store.
    split = union.add_classes(split, added, added.class_names, rename=store.added_id)
    return main, store.JoinedReader([main, extra]), split


def _find(
    videos: Sequence[datasets.Video],
    split: datasets.Split,
    reader: store.Reader | store.JoinedReader,
    recipe: recipes.Recipe,
) -> Windows:
    """Looks up where the windows of a part lie."""
    return inputs.find(reader, videos, recipe, labels=datasets.label_array(videos, split))


def read_split(source: datasets.Source, reader: store.Reader, *, where: str) -> datasets.Split:
    """Reads the lists of a data set and keeps what a store holds.

    Args:
        source: The data set.
        reader: The store.
        where: What to call the store in an error.

    Returns:
        The split, without the videos that the store lacks if the source allows that.

    Raises:
        MissingVideosError: If videos are missing from the store and may not be.
        ValueError: If the lists are faulty.
    """
    split = datasets.load(source)
    # A list does not know which videos of it are damaged; whoever filled the store does.
    failed = store.read_failed(reader.path)
    hopeless = [video.id for video in datasets.all_videos(split) if video.id in failed]
    if hopeless:  # Said here, because the check that follows only says that they are missing.
        words = "%s of %s could not be read when the store was filled (failed.csv): %s: %s"
        count = printing.count(len(hopeless), "video")
        logging.warning(words, count, split.name, hopeless[0], failed[hopeless[0]])
    return datasets.keep_available(
        split, reader.video_ids, where=where, allow_missing=source.allow_missing
    )


def _all_for_training(split: datasets.Split) -> datasets.Split:
    return dataclasses.replace(
        split,
        name=f"{split.name}, all videos",
        train=split.train + split.validation + split.test + split.unused,
        test=(),
        unused=(),
        validation=(),
    )
