r"""Trains the control of the paper on stacks of RGB frames, "slow fusion" of [14] (Sect. 6).

    python scripts/train_slow_fusion.py --dataset=ucf101 --annotations=ucfTrainTestlist \
        --split=1 --store=stores/ucf101 --run_dir=runs/slow_fusion

The paper trains it from scratch; `evaluate.py` tests it as the other streams.
"""

from tf_twostream import cli, datasets, paper, training

cli.define(datasets.Source)
cli.define(paper.SlowFusionRecipe)
cli.define(training.Loop)


def main() -> None:
    """Trains with the parsed flags."""
    training.train(
        cli.parse(datasets.Source), cli.parse(paper.SlowFusionRecipe), cli.parse(training.Loop)
    )


if __name__ == "__main__":
    cli.run(main)
