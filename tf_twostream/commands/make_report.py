r"""Writes a report to show: a page that needs nothing else, and the same as Markdown.

    twostream make-report --store=stores/own --spatial_run=runs/spatial \
        --temporal_run=runs/temporal --scores=scores/spatial.npz,scores/temporal.npz \
        --output_dir=results/own

What was learnt from what; accuracies with 95 % intervals beside chance; curves; the confusion
matrix and each class; the clips it is surest and wrong about, with activation maps; sizes, times,
versions; what to do next. It writes all of it into report.html and report.md, and prints the
accuracies and what to do next.
"""

import dataclasses
from typing import Any, ClassVar

from tf_twostream import cli
from tf_twostream.commands.predict import NetworkFlags
from tf_twostream.paper import testing
from tf_twostream.processes import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportFlags(cli.Knobs):
    """What the report is about."""

    group: ClassVar[str] = "data"

    store: str = cli.knob(cli.REQUIRED, "Store of the videos.", remote=True)
    spatial_run: str = cli.knob_of(NetworkFlags, "spatial_run")
    temporal_run: str = cli.knob_of(NetworkFlags, "temporal_run")
    checkpoint: testing.Checkpoint = cli.knob_of(testing.Testing, "checkpoint")
    scores: tuple[str, ...] = cli.knob(
        cli.REQUIRED, "Scores files (npz) of the test videos: of the spatial run, the temporal run."
    )
    validation_scores: tuple[str, ...] = cli.knob(
        (), "Likewise of the validation videos, if there are any."
    )
    score_fusion: str = cli.knob_of(NetworkFlags, "score_fusion")
    steps: str = cli.knob(
        "", "Folder of the records of the steps that led here (steps/ of reproduce-table)."
    )
    exported: str = cli.knob("", "Folder of the exported model.")
    output_dir: str = cli.knob(cli.REQUIRED, "Folder of report.html and report.md.", group="output")

    def __post_init__(self) -> None:
        """Checks that there is a network, and a file of scores for each."""
        super().__post_init__()
        count = bool(self.spatial_run) + bool(self.temporal_run)
        if not count:
            raise ValueError("A report needs a --spatial_run, --temporal_run or both.")
        for flag in ("scores", "validation_scores"):
            given = len(getattr(self, flag))
            if given != count and (given or flag == "scores"):
                rule = f"--{flag} must name a file for each run"
                raise ValueError(f"{rule}. Received: {given} for {count} of them.")


def load(given: ReportFlags) -> Any:
    """Loads what the report is about."""
    from tf_twostream import runs
    from tf_twostream.reports import material

    paths = filter(None, (given.spatial_run, given.temporal_run))
    return material.load(
        [runs.load(path, checkpoint=given.checkpoint) for path in paths],
        store_path=given.store,
        scores=given.scores,
        validation_scores=given.validation_scores,
        score_fusion=given.score_fusion,
        steps=given.steps,
        exported=given.exported,
    )


def main(given: ReportFlags) -> None:
    """Writes the report, and prints the shortest of it."""
    files.check_folder(given.output_dir, "output_dir")  # Before TensorFlow: it takes seconds.
    from tf_twostream.reports import contents, page, text

    report = contents.make(load(given))
    paths = [files.join(given.output_dir, name) for name in ("report.html", "report.md")]
    for path, write in zip(paths, (page.write, text.write)):
        files.write_text(path, write(report))
    print(text.write(contents.brief(report)))
    print(f"report: {paths[0]}\n        {paths[1]} (the same as text)")
