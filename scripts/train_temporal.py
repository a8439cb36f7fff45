r"""Trains the temporal stream: action recognition from stacked optical flow (paper, Sect. 3 and 5).

    python scripts/train_temporal.py --dataset=ucf101 --annotations=ucfTrainTestlist \
        --split=1 --store=stores/ucf101 --run_dir=runs/temporal
"""

from tf_twostream import cli, datasets, paper, training

cli.define(datasets.Source)
cli.define(paper.TemporalRecipe)
cli.define(training.Loop)
cli.define(training.Addition)


def main() -> None:
    """Trains with the parsed flags."""
    training.train(
        cli.parse(datasets.Source),
        cli.parse(paper.TemporalRecipe),
        cli.parse(training.Loop),
        cli.parse(training.Addition),
    )


if __name__ == "__main__":
    cli.run(main)
