r"""Writes a trained two-stream model as a SavedModel that runs with TensorFlow alone.

    python scripts/export_model.py --spatial_run=runs/spatial --temporal_run=runs/temporal \
        --output_dir=exported
"""

import dataclasses

from tf_twostream import cli, runs
from tf_twostream.evaluation import export


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to export, and where to."""

    spatial_run: str = cli.knob(cli.REQUIRED, "Run folder of the spatial stream.")
    temporal_run: str = cli.knob(cli.REQUIRED, "Run folder of the temporal stream.")
    task: str = cli.knob(
        "", "Task, if --temporal_run is of train_multitask.py; empty for its first."
    )
    output_dir: str = cli.knob(cli.REQUIRED, "Folder of the SavedModel; must not exist yet.")
    frames_in: bool = cli.knob(
        False,
        "Take nothing but the frames of a video, uint8 RGB of any size: rescaling, brox flow and "
        "windows are part of the model.",
    )


cli.define(Options)


def main() -> None:
    """Exports with the parsed flags."""
    options = cli.parse(Options)
    export.export(
        runs.load(options.spatial_run),
        runs.load(options.temporal_run, options.task),
        options.output_dir,
        frames_in=options.frames_in,
    )
    print(f"SavedModel: {options.output_dir} (docs/formats.md describes its signature)")


if __name__ == "__main__":
    cli.run(main)
