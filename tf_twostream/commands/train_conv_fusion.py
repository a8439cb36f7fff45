r"""Joins two trained towers within their layers, trains what follows (Feichtenhofer, 2016).

    twostream train-conv-fusion --dataset=ucf101 --annotations=ucfTrainTestlist \
        --split=1 --store=stores/ucf101 --spatial_run=runs/spatial \
        --temporal_run=runs/temporal --run_dir=runs/fused

The towers are runs of train-spatial and train-temporal on the same split. The result is a run like
any other: evaluate, predict, export. The tables in this help are those of the 2016 paper.
"""

from tf_twostream import datasets
from tf_twostream.commands.train_spatial import StoreFlag
from tf_twostream.paper import recipes
from tf_twostream.processes import files
from tf_twostream.training.execution import Execution


def main(
    source: datasets.Source,
    stored: StoreFlag,
    recipe: recipes.ConvFusionRecipe,
    execution: Execution,
) -> None:
    """Trains with the parsed flags."""
    files.check_folder(execution.run_dir, "run_dir")  # Before TensorFlow, which takes seconds.
    from tf_twostream.training import bilinear, towers, train, videos

    recipe = towers.complete(recipe, execution.run_dir)
    data_set = videos.DataSet(
        source=source, store=stored.store, validation_share=stored.validation_share
    )
    learn = bilinear.learn if recipe.fusion == "bilinear" else train.train
    learn(videos.Videos([data_set]), recipe, execution)
