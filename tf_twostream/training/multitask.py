"""Several data sets learnt by one network at the same time (paper, Sect. 4).

"Each of the layers is equipped with its own loss function, which operates only on the videos,
coming from the respective dataset. The overall training loss is computed as the sum of the
individual tasks' losses." How a mini-batch is shared and what each loss is divided by, the paper
leaves open; `Sharing` has both readings that can be defended.
"""

import dataclasses
import math
import pathlib
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from tf_twostream import cli, datasets, paper, runs, store, training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tasks:
    """The knobs that name the data sets; their values go by position, separated by commas."""

    datasets: tuple[str, ...] = cli.knob(
        cli.REQUIRED, "Data sets, two or more: kinds as for --dataset of train_temporal.py."
    )
    stores: tuple[str, ...] = cli.knob(cli.REQUIRED, "The store of each data set.")
    annotations: tuple[str, ...] = cli.knob((), "The lists of each data set; may be empty.")
    videos_dirs: tuple[str, ...] = cli.knob((), "The folder of videos of each, where needed.")
    splits: tuple[int, ...] = cli.knob((), "The number of the split of each. Default: 1.")
    names: tuple[str, ...] = cli.knob((), "A name for each task. Default: its data set.")
    train_on_all: tuple[str, ...] = cli.knob(
        (),
        "Names of tasks that are trained on all their videos, test videos included: data that only "
        'help another task (Sect. 6: "all splits combined").',
    )
    allow_missing: bool = cli.knob(False, "Go on without the listed videos that do not exist.")

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        if len(self.datasets) < 2:
            raise ValueError(
                "Multi-task learning needs two data sets or more. Received: "
                f"--datasets={','.join(self.datasets)}. For one: train_temporal.py."
            )
        for name in ("stores", "annotations", "videos_dirs", "splits", "names"):
            values = getattr(self, name)
            if len(values) not in (0, len(self.datasets)):
                raise ValueError(
                    f"--{name} has one value per data set, {len(self.datasets)} here. Received: "
                    f"{len(values)}, {','.join(map(str, values))}."
                )
        plain = all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in self.task_names)
        if len(set(self.task_names)) != len(self.task_names) or not plain:
            raise ValueError(
                "Tasks need different names, of letters, digits and _ . - only. Received: "
                f"{','.join(self.task_names)}. Name them: --names=A,B."
            )
        if unknown := set(self.train_on_all) - set(self.task_names):
            raise ValueError(
                f"--train_on_all names tasks: {', '.join(self.task_names)}. "
                f"Received: {', '.join(sorted(unknown))}."
            )

    @property
    def task_names(self) -> tuple[str, ...]:
        """What the tasks are called."""
        return self.names or self.datasets


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharing:
    """The knobs that say how tasks share a mini-batch and how each loss is normalised (ours).

    By default each task has the same share, and its loss is the mean over its own samples: the
    gradient of each task is as exact as that of the others, and no data set counts for more in
    the sum because it is larger.
    """

    batch_shares: Literal["equal", "by_videos"] = cli.knob(
        "equal",
        "Samples of each task in a mini-batch: equal, or by_videos, in proportion to the training "
        "videos, as if the data sets were one.",
    )
    loss_divisor: Literal["task", "batch"] = cli.knob(
        "task",
        "What the sum of a task's losses is divided by: task, its samples in the mini-batch, or "
        "batch, all samples, so that a task weighs as much as it has samples.",
    )


def batch_sizes(batch_size: int, num_videos: Sequence[int], sharing: Sharing) -> list[int]:
    """Shares a mini-batch among tasks.

    Args:
        batch_size: Samples per iteration.
        num_videos: Training videos of each task.
        sharing: How to share.

    Returns:
        Samples of each task; they add up to `batch_size` and are multiples of 8 where that is one,
        so that up to 8 devices can split each share.

    Raises:
        ValueError: If the tasks cannot have equal shares, or one would have none.
    """
    count = len(num_videos)
    if sharing.batch_shares == "equal":
        if batch_size % count:
            raise ValueError(
                f"`batch_size` must be a multiple of the number of tasks, {count}, for equal "
                f"shares. Received: batch_size={batch_size}. Choose another --batch_size, or "
                "--batch_shares=by_videos."
            )
        return [batch_size // count] * count
    unit = math.gcd(batch_size, 8)
    ends = np.cumsum(num_videos) / sum(num_videos) * (batch_size // unit)
    sizes = np.diff(np.rint(ends), prepend=0).astype(int) * unit
    if sizes.min() < 1:
        raise ValueError(
            f"Each task needs samples in a mini-batch. Received: batch_size={batch_size} for "
            f"{', '.join(map(str, num_videos))} videos, which gives {sizes.tolist()}. Choose a "
            "larger --batch_size, or --batch_shares=equal."
        )
    return sizes.tolist()


def train(tasks: Tasks, sharing: Sharing, recipe: paper.Recipe, loop: training.Effort) -> runs.Run:
    """Trains one network on several data sets, or continues such a training.

    Args:
        tasks: The data sets.
        sharing: How they share a mini-batch.
        recipe: The network and its schedule; `batch_size` is that of all tasks together.
        loop: The run folder, and how to go about it.

    Returns:
        The run, trained to its last iteration; it stands for the first task.

    Raises:
        ValueError: If flags contradict each other, a store or the run folder.
        OSError: If videos are missing from a store.
        monitoring.NotFiniteError: If the loss is no longer a number.
        KeyboardInterrupt: After a checkpoint has been written, if the user asked to stop.
    """
    readers = [store.Reader(path) for path in tasks.stores]
    splits = [
        training.read_split(source, reader, where=f"the store {path}")
        for source, reader, path in zip(_sources(tasks), readers, tasks.stores)
    ]
    splits = [
        _all_for_training(split) if name in tasks.train_on_all else split
        for name, split in zip(tasks.task_names, splits)
    ]
    sizes = batch_sizes(recipe.batch_size, [len(split.train) for split in splits], sharing)
    parts = [
        runs.Task(
            name,
            split,
            reader.settings,
            size,
            size if sharing.loss_divisor == "task" else recipe.batch_size,
        )
        for name, split, reader, size in zip(tasks.task_names, splits, readers, sizes)
    ]
    run = runs.of_tasks(pathlib.Path(loop.run_dir), recipe, parts)
    for part, path in zip(parts[1:], tasks.stores[1:]):
        runs.check_store(run, part.store_settings, where=path)
    return training.train_run(
        run, lambda trainer: training.batches(trainer, readers), loop, shown=readers[0]
    )


def _sources(tasks: Tasks) -> list[datasets.Source]:
    """The data sets, each as for a network of its own."""

    def pick(values: Sequence, number: int, default):
        return values[number] if values else default

    return [
        datasets.Source(
            dataset=name,  # type: ignore[arg-type]
            videos_dir=pick(tasks.videos_dirs, number, ""),
            annotations=pick(tasks.annotations, number, ""),
            split=pick(tasks.splits, number, 1),
            allow_missing=tasks.allow_missing,
        )
        for number, name in enumerate(tasks.datasets)
    ]


def _all_for_training(split: datasets.Split) -> datasets.Split:
    return dataclasses.replace(
        split,
        name=f"{split.name}, all videos",
        train=split.train + split.test + split.unused,
        test=(),
        unused=(),
    )
