"""The videos that a network learns from: lists and stores, turned into streams of batches."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tf_twostream import datasets, inputs, runs, store
from tf_twostream.paper import recipes
from tf_twostream.training.data_sets import DataSet
from tf_twostream.training.sharing import Sharing

Windows = inputs.Windows | inputs.Clips


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What a training learns from.

    Attributes:
        tasks: One for each classification layer.
        streams: Of each task, the function that starts its endless stream of batches; it takes
            the arguments of `inputs.training_in_parts` that come after the windows.
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
        for data_set in self.data_sets:
            _check_addition(data_set, recipe)
            data_set.check(recipe)
        opened = [data_set.opened for data_set in self.data_sets]
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
            streams.append(functools.partial(inputs.training_in_parts, windows[-1]))
            part = split.validation
            held_out.append(_find(part, split, reader, own) if part else None)
        # One first layer sees the flow of all tasks, so it must be of one kind.
        for data_set, task in zip(self.data_sets[1:], tasks[1:]):
            names = (self.data_sets[0].store, data_set.store)
            runs.check_alike(recipe, tasks[0].settings, task.settings, names=names)
        return Learnt(tuple(tasks), tuple(streams), tuple(windows), tuple(held_out), opened[0][0])


def _check_addition(data_set: DataSet, recipe: recipes.Recipe) -> None:
    """Checks that what is added has frames and flow of the same kind."""
    if (addition := data_set.addition) is not None:
        main, extra = (reader.settings for reader in data_set.readers)
        names = (data_set.store, addition.add_store)
        runs.check_alike(recipe, main, extra, names=names)


def _find(
    videos: Sequence[datasets.Video],
    split: datasets.Split,
    reader: store.Reader | store.JoinedReader,
    recipe: recipes.Recipe,
) -> Windows:
    """Looks up where the windows of a part lie."""
    return inputs.find(reader, videos, recipe, labels=datasets.label_array(videos, split))
