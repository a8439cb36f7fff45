r"""Tests a trained stream on whole videos and writes their scores (paper, Sect. 5, "Testing").

    twostream evaluate --run_dir=runs/temporal --store=stores/ucf101 \
        --part=test --scores=scores/temporal_test.npz
"""

import dataclasses
from typing import ClassVar, Literal

from tf_twostream import cli, paper


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationFlags(cli.Knobs):
    """What to evaluate."""

    group: ClassVar[str] = "data"

    run_dir: str = cli.knob(cli.REQUIRED, "Run folder of the network.", group="network")
    store: str = cli.knob(cli.REQUIRED, "Store with the videos of the run's split.")
    task: str = cli.knob(
        "",
        "Task of a run of train-multitask to test; empty for the first, or the only one.",
        group="network",
    )
    part: Literal["train", "test"] = cli.knob(
        "test", "Part of the split: test, or train (for the SVM of the fusion)."
    )
    scores: str = cli.knob(
        cli.REQUIRED, "The .npz file to write: ids, labels, classes, scores.", group="output"
    )
    frames_per_batch: int = cli.knob(
        0,
        "Frames, or volumes, that the device holds at once, with all views each. Default: the "
        f"{paper.TEST_FRAMES} of a video; {paper.SLOW_FUSION_TEST_FRAMES} stacks of slow fusion.",
        group="machine",
        at_least=0,
    )


def main(given: EvaluationFlags) -> None:
    """Scores a part of the split, then measures, then draws."""
    from tf_twostream import runs, store
    from tf_twostream.evaluation import scoring
    from tf_twostream.figures import tensorboard
    from tf_twostream.scores import metrics, score_files

    run = runs.load(given.run_dir, given.task)
    scores, iterations = scoring.score(
        run, store.Reader(given.store), given.part, frames_per_batch=given.frames_per_batch
    )
    # The file first: it took longest, and the rest can be had from it.
    score_files.save_scores(given.scores, scores)
    for name, value in metrics.measure(scores.scores, scores.labels).items():
        print(f"{name.replace('_', ' '):22}  {100 * value:6.2f} %")
    tensorboard.write_scores(run, given.part, scores, iterations)
    print(f"scores: {given.scores}")
