r"""Trains one temporal network on several data sets at the same time (paper, Sect. 4).

    twostream train-multitask --datasets=ucf101,hmdb51 --splits=1,1 \
        --annotations=ucfTrainTestlist,testTrainMulti_7030_splits \
        --stores=stores/ucf101,stores/hmdb51 --run_dir=runs/multitask

Each data set has a classification layer and a loss of its own; all other layers are shared. The
paper leaves open how a mini-batch is shared and how losses are normalised: by default each task has
an equal share, and its loss is the mean over its own samples, so that no task counts for more
because its data set is larger. --batch_shares and --loss_divisor choose the alternatives.
`evaluate --run_dir=runs/multitask --task=hmdb51` tests one of them.
"""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from tf_twostream import cli
from tf_twostream import datasets as data_sets_module
from tf_twostream.commands.train_spatial import StoreFlag
from tf_twostream.paper import recipes
from tf_twostream.processes import files
from tf_twostream.training import data_sets
from tf_twostream.training.execution import Execution
from tf_twostream.training.sharing import Sharing


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSetFlags(cli.Knobs):
    """The knobs that name the data sets; their values go by position, separated by commas."""

    group: ClassVar[str] = "data"

    datasets: tuple[str, ...] = cli.knob(
        cli.REQUIRED, "Data sets, two or more: kinds as for --dataset of train-temporal."
    )
    stores: tuple[str, ...] = cli.knob(cli.REQUIRED, "The store of each data set.", remote=True)
    annotations: tuple[str, ...] = cli.knob((), "The lists of each data set; may be empty.")
    videos_dirs: tuple[str, ...] = cli.knob((), "The folder of videos of each, where needed.")
    splits: tuple[int, ...] = cli.knob((), "The number of the split of each. Default: 1.")
    names: tuple[str, ...] = cli.knob((), "A name for each task. Default: its data set.")
    train_on_all: tuple[str, ...] = cli.knob(
        (),
        "Names of tasks that are trained on all their videos, test videos included: data that only "
        'help another task (Sect. 6: "all splits combined").',
    )
    validation_share: float = cli.knob_of(StoreFlag, "validation_share")
    allow_missing: bool = cli.knob_of(data_sets_module.Source, "allow_missing")

    def __post_init__(self) -> None:
        """Checks that the lists fit each other."""
        super().__post_init__()
        count = len(self.datasets)
        if count < 2:
            raise ValueError(
                f"--datasets must name two or more. Received: {','.join(self.datasets)}."
            )
        for name in ("stores", "annotations", "videos_dirs", "splits", "names"):
            values = getattr(self, name)
            if len(values) not in (0, count):
                given = f"{len(values)}, {','.join(map(str, values))}"
                raise ValueError(
                    f"--{name} must have a value per data set, {count}. Received: {given}."
                )
        tasks = self.task_names
        plain = all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in tasks)
        if len(set(tasks)) != len(tasks) or not plain:
            rule = "Tasks must have different --names, of letters, digits and _ . - only"
            raise ValueError(f"{rule}. Received: {','.join(tasks)}.")
        if unknown := set(self.train_on_all) - set(tasks):
            given = ", ".join(sorted(unknown))
            raise ValueError(
                f"--train_on_all must name tasks: {', '.join(tasks)}. Received: {given}."
            )

    @property
    def task_names(self) -> tuple[str, ...]:
        """What the tasks are called."""
        return self.names or self.datasets

    def source(self, number: int) -> data_sets_module.Source:
        """Returns one of the data sets, as for a network of its own."""

        def pick(values: Sequence[Any], default: Any) -> Any:
            return values[number] if values else default

        return data_sets_module.Source(
            dataset=self.datasets[number],  # type: ignore[arg-type]
            videos_dir=pick(self.videos_dirs, ""),
            annotations=pick(self.annotations, ""),
            split=pick(self.splits, 1),
            allow_missing=self.allow_missing,
        )


def main(
    given: DataSetFlags, sharing: Sharing, recipe: recipes.TemporalRecipe, execution: Execution
) -> None:
    """Trains with the parsed flags."""
    files.check_folder(execution.run_dir, "run_dir")
    learnt = [
        data_sets.DataSet(
            name=name,
            source=given.source(number),
            store=given.stores[number],
            train_on_all=name in given.train_on_all,
            validation_share=given.validation_share,
        )
        for number, name in enumerate(given.task_names)
    ]
    for data_set in learnt:
        data_set.check(recipe)  # Before TensorFlow, which takes seconds.
    from tf_twostream.training import train, videos

    train.train(videos.Videos(learnt, sharing), recipe, execution)
