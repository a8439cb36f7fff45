r"""Writes a trained two-stream model as a SavedModel that runs with TensorFlow alone.

    twostream export-model --spatial_run=runs/spatial --temporal_run=runs/temporal \
        --output_dir=exported
"""

import dataclasses
from typing import ClassVar

from tf_twostream import cli
from tf_twostream.commands.predict import PredictionFlags
from tf_twostream.paper import testing
from tf_twostream.processes import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportFlags(cli.Knobs):
    """What to export, and where to."""

    group: ClassVar[str] = "network"

    spatial_run: str = cli.knob("", "Run folder of the spatial stream; goes with --temporal_run.")
    temporal_run: str = cli.knob("", "Run folder of the temporal stream.")
    conv_fusion_run: str = cli.knob_of(PredictionFlags, "conv_fusion_run")
    task: str = cli.knob("", "Task, if --temporal_run is of train-multitask; empty for its first.")
    checkpoint: testing.Checkpoint = cli.knob_of(testing.Testing, "checkpoint")
    output_dir: str = cli.knob(
        cli.REQUIRED, "Folder of the SavedModel; must not exist yet.", group="output"
    )
    score_fusion: str = cli.knob_of(PredictionFlags, "score_fusion")
    frames_in: bool = cli.knob(
        False,
        "Take nothing but the frames of a video, uint8 RGB of any size: rescaling, brox flow and "
        "windows are part of the model.",
        group="output",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        pair = bool(self.spatial_run), bool(self.temporal_run)
        if pair[0] != pair[1] or pair[0] == bool(self.conv_fusion_run):
            raise ValueError(
                "An export needs a --spatial_run and a --temporal_run, or a --conv_fusion_run."
            )
        if self.conv_fusion_run and (self.score_fusion or self.task):
            raise ValueError(
                "--score_fusion and --task are for the two streams. Received: one of them with "
                "--conv_fusion_run."
            )


def main(given: ExportFlags) -> None:
    """Exports with the parsed flags."""
    files.check_new_folder(given.output_dir, "output_dir")  # Before TensorFlow: it takes seconds.
    from tf_twostream import runs
    from tf_twostream.evaluation import export, pairs
    from tf_twostream.scores import fusion

    if given.conv_fusion_run:
        run = runs.load(given.conv_fusion_run, checkpoint=given.checkpoint)
        pairs.check_conv_fusion(run)
        export.export_conv_fusion(run, given.output_dir, frames_in=given.frames_in)
        print(f"SavedModel: {given.output_dir} (docs/formats.md describes its signature)")
        return
    export.export(
        runs.load(given.spatial_run, checkpoint=given.checkpoint),
        runs.load(given.temporal_run, given.task, checkpoint=given.checkpoint),
        given.output_dir,
        frames_in=given.frames_in,
        score_fusion=fusion.load(given.score_fusion) if given.score_fusion else None,
    )
    print(f"SavedModel: {given.output_dir} (docs/formats.md describes its signature)")
