r"""Tests a trained stream on whole videos and writes their scores (paper, Sect. 5, "Testing").

    twostream evaluate --run_dir=runs/temporal --store=stores/ucf101 \
        --part=test --scores=scores/temporal_test.npz
    twostream evaluate --run_dir=runs/temporal --store=stores/own --part=all \
        --dataset=folders --videos_dir=own --scores=scores/own.npz

With --dataset the videos are those of another data set, whose classes are joined to the network's
by their names, whatever capitals and separators these are written with; those that the network does
not know are left out.
"""

import dataclasses
from typing import ClassVar, Literal

from tf_twostream import cli, datasets
from tf_twostream.paper import testing
from tf_twostream.processes import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationFlags(cli.Knobs):
    """What to evaluate."""

    group: ClassVar[str] = "data"

    run_dir: str = cli.knob(cli.REQUIRED, "Run folder of the network.", group="network")
    store: str = cli.knob(cli.REQUIRED, "Store with the videos.", remote=True)
    task: str = cli.knob(
        "",
        "Task of a run of train-multitask to test; empty for the first, or the only one.",
        group="network",
    )
    part: Literal["train", "validation", "test", "all"] = cli.knob(
        "test",
        "Part of the split: test, train (for the SVM of the fusion), or validation (to choose by). "
        "With --dataset also all.",
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


def main(
    given: EvaluationFlags, protocol: testing.Testing, source: datasets.Source | None = None
) -> None:
    """Scores a part of the split, or of another data set, then measures, then draws."""
    if given.part == "all" and source is None:  # It would measure what was learnt.
        raise ValueError("--part=all must have another data set. Received: no --dataset.")
    files.check_output(given.scores, "scores")  # Before TensorFlow, which takes seconds.
    from tf_twostream import runs, store
    from tf_twostream.evaluation import other_sets, scoring
    from tf_twostream.figures import tensorboard
    from tf_twostream.scores import metrics, score_files

    run = runs.load(given.run_dir, given.task, checkpoint=protocol.checkpoint)
    reader = store.Reader(given.store)
    part: scoring.Part = "test" if given.part == "all" else given.part
    other = None
    if source:
        other = other_sets.read(source, run, reader, everything=given.part == "all")
    found, iterations = scoring.score(run, reader, part, protocol=protocol, other=other)
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
    if other is None:  # Its curves are those of the run's own data.
        tensorboard.write_scores(run, part, found[run.recipe.stream], iterations)
    print(f"scores: {', '.join(paths.values())}")
