r"""Trains one temporal network on several data sets at the same time (paper, Sect. 4).

    python scripts/train_multitask.py --datasets=ucf101,hmdb51 --splits=1,1 \
        --annotations=ucfTrainTestlist,testTrainMulti_7030_splits \
        --stores=stores/ucf101,stores/hmdb51 --run_dir=runs/multitask

Each data set has a classification layer and a loss of its own; all other layers are shared. The
paper leaves open how a mini-batch is shared and how losses are normalised: by default each task has
an equal share, and its loss is the mean over its own samples, so that no task counts for more
because its data set is larger. --batch_shares and --loss_divisor are the other reading.
`evaluate.py --run_dir=runs/multitask --task=hmdb51` tests one of them.
"""

from tf_twostream import cli, paper, training
from tf_twostream.training import multitask

cli.define(multitask.Tasks)
cli.define(multitask.Sharing)
cli.define(paper.TemporalRecipe)
cli.define(training.Effort)


def main() -> None:
    """Trains with the parsed flags."""
    multitask.train(
        cli.parse(multitask.Tasks),
        cli.parse(multitask.Sharing),
        cli.parse(paper.TemporalRecipe),
        cli.parse(training.Effort),
    )


if __name__ == "__main__":
    cli.run(main)
