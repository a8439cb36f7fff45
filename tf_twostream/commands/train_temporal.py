r"""Trains the temporal stream on stacks of optical flow (paper, Sect. 3 and 5).

    twostream train-temporal --dataset=ucf101 --annotations=ucfTrainTestlist \
        --split=1 --store=stores/ucf101 --run_dir=runs/temporal
"""

from tf_twostream import datasets
from tf_twostream.commands.train_spatial import StoreFlag
from tf_twostream.paper import recipes
from tf_twostream.processes import files
from tf_twostream.training import data_sets
from tf_twostream.training.addition import Addition
from tf_twostream.training.execution import Execution


def main(
    source: datasets.Source,
    stored: StoreFlag,
    recipe: recipes.TemporalRecipe,
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
