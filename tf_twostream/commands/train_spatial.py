r"""Trains the spatial stream on single RGB frames (paper, Sect. 2 and 5).

    twostream train-spatial --dataset=ucf101 --annotations=ucfTrainTestlist \
        --split=1 --store=stores/ucf101 --run_dir=runs/spatial
"""

import dataclasses
from typing import ClassVar

from tf_twostream import cli, datasets
from tf_twostream.paper import recipes
from tf_twostream.processes import files
from tf_twostream.training import data_sets
from tf_twostream.training.addition import Addition
from tf_twostream.training.execution import Execution


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoreFlag(cli.Knobs):
    """The store to train from, and how much of it to hold out."""

    group: ClassVar[str] = "data"

    store: str = cli.knob(cli.REQUIRED, "Store written by twostream precompute-flow.", remote=True)
    validation_share: float = cli.knob(
        0.0,
        "Share of the training videos to draw for validation, class by class and group by group; "
        "they are not trained on. A data set's own validation part counts in its place. 0: no "
        "other, as in the paper.",
        at_least=0,
        below=1,
    )


def main(
    source: datasets.Source,
    stored: StoreFlag,
    recipe: recipes.SpatialRecipe,
    execution: Execution,
    addition: Addition | None,
) -> None:
    """Trains with the parsed flags."""
    files.check_folder(execution.run_dir, "run_dir")
    data_set = data_sets.DataSet(
        source=source,
        store=stored.store,
        addition=addition,
        validation_share=stored.validation_share,
    )
    data_set.check(recipe)  # Before TensorFlow, which takes seconds.
    from tf_twostream.training import train, videos

    train.train(videos.Videos([data_set]), recipe, execution)
