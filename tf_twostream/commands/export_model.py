r"""Writes trained networks for other programs, or as one file for other people.

    twostream export-model --spatial_run=runs/spatial --temporal_run=runs/temporal \
        --output_dir=exported --format=savedmodel,onnx
    twostream export-model --spatial_run=runs/spatial --temporal_run=runs/temporal --bundle=pair.zip

A SavedModel runs with TensorFlow alone and scores whole videos; the files of LiteRT and ONNX are
the networks, a file for each stream. Who gets a bundle types: twostream predict --bundle=pair.zip
clip.avi.
"""

import dataclasses
from typing import ClassVar

from tf_twostream import cli
from tf_twostream.commands import predict
from tf_twostream.paper import testing
from tf_twostream.processes import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportFlags(predict.RunFlags):
    """What to export, and where to."""

    group: ClassVar[str] = "output"

    bundle: str = cli.knob(
        "", "File to write the networks into, in place of run folders or beside --output_dir."
    )
    checkpoint: testing.Checkpoint = cli.knob_of(testing.Testing, "checkpoint")
    output_dir: str = cli.knob("", "Folder of the exported networks; must not exist yet.")
    format: tuple[str, ...] = cli.knob(
        ("savedmodel",),
        "What to write into it, one or more: savedmodel, into the folder itself; litert, "
        "STREAM.tflite; onnx, STREAM.onnx.",
    )
    frames_in: bool = cli.knob(
        False,
        "Let the SavedModel take nothing but the frames of a video, uint8 RGB of any size: "
        "rescaling, brox flow and windows are part of it.",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if not self.has_runs:
            raise ValueError(
                "An export needs a --spatial_run, --temporal_run or both, or a --conv_fusion_run."
            )
        if not self.output_dir and not self.bundle:
            raise ValueError("An export goes into an --output_dir or a --bundle. Received: none.")


def main(given: ExportFlags) -> None:
    """Exports with the parsed flags."""
    if given.output_dir:  # Before TensorFlow: it takes seconds.
        files.check_new_folder(given.output_dir, "output_dir")
    from tf_twostream.evaluation import bundles, export, two_stream
    from tf_twostream.scores import fusion

    named = {f.name: getattr(given, f.name) for f in dataclasses.fields(predict.RunFlags)}
    del named["score_fusion"]
    streams = two_stream.load_runs(**named, checkpoint=given.checkpoint)
    own = fusion.load(given.score_fusion) if given.score_fusion else None
    if given.output_dir:
        export.export(
            streams,
            given.output_dir,
            formats=given.format,
            frames_in=given.frames_in,
            score_fusion=own,
        )
        print(f"{', '.join(given.format)}: {given.output_dir} (docs/deploy.md)")
    if given.bundle:
        bundles.write(given.bundle, streams, score_fusion=own)
        print(f"bundle: {given.bundle} (twostream predict --bundle={given.bundle} VIDEO)")
