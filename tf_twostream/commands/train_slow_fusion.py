r"""Trains the control of the paper on stacks of RGB frames, "slow fusion" of [14] (Sect. 6).

    twostream train-slow-fusion --dataset=ucf101 --annotations=ucfTrainTestlist \
        --split=1 --store=stores/ucf101 --run_dir=runs/slow_fusion

The paper trains it from scratch; `evaluate` tests it as the other streams.
"""

from tf_twostream import datasets
from tf_twostream.commands.train_spatial import StoreFlag
from tf_twostream.paper import recipes
from tf_twostream.processes import files
from tf_twostream.training import data_sets
from tf_twostream.training.execution import Execution


def main(
    source: datasets.Source,
    stored: StoreFlag,
    recipe: recipes.SlowFusionRecipe,
    execution: Execution,
) -> None:
    """Trains with the parsed flags."""
    files.check_folder(execution.run_dir, "run_dir")
    data_set = data_sets.DataSet(
        source=source, store=stored.store, validation_share=stored.validation_share
    )
    data_set.check(recipe)  # Before TensorFlow, which takes seconds.
    from tf_twostream.training import train, videos

    train.train(videos.Videos([data_set]), recipe, execution)
