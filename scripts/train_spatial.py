r"""Trains the spatial stream: action recognition from single RGB frames (paper, Sect. 2 and 5).

    python scripts/train_spatial.py --dataset=ucf101 --annotations=ucfTrainTestlist \
        --split=1 --store=stores/ucf101 --run_dir=runs/spatial
"""

from tf_twostream import cli, datasets, paper, training

cli.define(datasets.Source)
cli.define(paper.SpatialRecipe)
cli.define(training.Loop)
cli.define(training.Addition)


def main() -> None:
    """Trains with the parsed flags."""
    training.train(
        cli.parse(datasets.Source),
        cli.parse(paper.SpatialRecipe),
        cli.parse(training.Loop),
        cli.parse(training.Addition),
    )


if __name__ == "__main__":
    cli.run(main)
