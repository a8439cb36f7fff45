r"""Tests a trained stream on whole videos and writes their scores (paper, Sect. 5, "Testing").

    python scripts/evaluate.py --run_dir=runs/temporal --store=stores/ucf101 \
        --part=test --scores=scores/temporal_test.npz
"""

from tf_twostream import cli
from tf_twostream.evaluation import scoring

cli.define(scoring.Options)


def main() -> None:
    """Evaluates with the parsed flags."""
    scoring.evaluate(cli.parse(scoring.Options))


if __name__ == "__main__":
    cli.run(main)
