r"""Tests a trained stream on whole videos and writes their scores (paper, Sect. 5, "Testing").

    twostream evaluate --run_dir=runs/temporal --store=stores/ucf101 \
        --part=test --scores=scores/temporal_test.npz
"""

import dataclasses
from typing import ClassVar, Literal

from tf_twostream import cli
from tf_twostream.paper import testing
from tf_twostream.processes import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationFlags(cli.Knobs):
    """What to evaluate."""

    group: ClassVar[str] = "data"

    run_dir: str = cli.knob(cli.REQUIRED, "Run folder of the network.", group="network")
    store: str = cli.knob(cli.REQUIRED, "Store with the videos of the run's split.", remote=True)
    task: str = cli.knob(
        "",
        "Task of a run of train-multitask to test; empty for the first, or the only one.",
        group="network",
    )
    part: Literal["train", "validation", "test"] = cli.knob(
        "test",
        "Part of the split: test, train (for the SVM of the fusion), or validation (to choose by).",
    )
    scores: str = cli.knob(
        cli.REQUIRED,
        "The .npz file to write: ids, labels, classes, scores. Of a network that keeps two towers, "
        "those of each go to X.spatial.npz and X.temporal.npz beside X.npz.",
        group="output",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if not self.scores.endswith(".npz"):
            raise ValueError(f"`scores` must end in .npz. Received: {self.scores}.")


def main(given: EvaluationFlags, protocol: testing.Testing) -> None:
    """Scores a part of the split, then measures, then draws."""
    files.check_output(given.scores, "scores")  # Before TensorFlow, which takes seconds.
    from tf_twostream import runs, store
    from tf_twostream.evaluation import scoring
    from tf_twostream.figures import tensorboard
    from tf_twostream.scores import metrics, score_files

    run = runs.load(given.run_dir, given.task, checkpoint=protocol.checkpoint)
    reader = store.Reader(given.store)
    found, iterations = scoring.score(run, reader, given.part, protocol=protocol)
    # The files first: they took longest, and the rest can be had from them.
    paths = dict.fromkeys(found, given.scores)
    stem = given.scores.removesuffix(".npz")
    paths |= {name: f"{stem}.{name}.npz" for name in found if name != run.recipe.stream}
    for name, scores in found.items():
        score_files.save_scores(paths[name], scores)
    for name, scores in found.items():
        if len(found) > 1:
            print(f"{name.replace('_', ' ')}:")
        for measure, value in metrics.measure(scores.scores, scores.labels).items():
            print(f"{measure.replace('_', ' '):22}  {100 * value:6.2f} %")
    tensorboard.write_scores(run, given.part, found[run.recipe.stream], iterations)
    print(f"scores: {', '.join(paths.values())}")
