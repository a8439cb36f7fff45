r"""Labels videos with a trained two-stream model.

twostream predict --spatial_run=runs/spatial --temporal_run=runs/temporal clip.avi
"""

import dataclasses
import json
import sys
from typing import Any, ClassVar

from tf_twostream import cli
from tf_twostream.paper import testing
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import printing


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictionFlags(cli.Knobs):
    """What to label the videos with, and how to say it."""

    group: ClassVar[str] = "output"

    spatial_run: str = cli.knob(
        "", "Run folder of the spatial stream; may be left out.", group="network"
    )
    temporal_run: str = cli.knob(
        "", "Run folder of the temporal stream; may be left out.", group="network"
    )
    conv_fusion_run: str = cli.knob(
        "",
        "Run folder of train-conv-fusion, in the place of both streams.",
        group="network",
    )
    task: str = cli.knob(
        "",
        "Task, if --temporal_run is of train-multitask; empty for its first.",
        group="network",
    )
    score_fusion: str = cli.knob(
        "",
        "fusion.npz of fuse-scores, which says how to fuse the streams; by default their average.",
        group="network",
    )
    top: int = cli.knob(5, "Classes to print per video.", at_least=1)
    json: bool = cli.knob(False, "Print JSON instead of text.")
    output_dir: str = cli.knob(
        "", "Folder to draw each video into, as .mp4 (H.264), with its flow and label."
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.task and not self.temporal_run:
            raise ValueError(f"--task is of a --temporal_run. Received: {self.task} without one.")
        if bool(self.spatial_run or self.temporal_run) == bool(self.conv_fusion_run):
            raise ValueError(
                "A prediction needs a --spatial_run, --temporal_run or both, or a "
                "--conv_fusion_run."
            )


def _as_json(item: Any, top: int) -> dict[str, Any]:
    # The classes of both streams are those of the fused scores, so that rows can be compared.
    best = [name for name, _ in item.best(top)]

    def pick(scores: Any) -> dict[str, float]:
        known = dict(zip(item.class_names, scores.tolist()))
        return {name: round(known[name], 6) for name in best}

    streams = {stream: pick(scores) for stream, scores in item.streams.items()}
    return {"video": item.video, "scores": pick(item.scores), **streams}


def main(
    videos: list[str], given: PredictionFlags, resources: Resources, protocol: testing.Testing
) -> int:
    """Predicts with the parsed flags; 1 if a video could not be read."""
    from tf_twostream import runs
    from tf_twostream.evaluation import pairs, prediction
    from tf_twostream.scores import fusion

    chosen = ((given.spatial_run, ""), (given.temporal_run, given.task))
    streams = [
        runs.load(path, task, checkpoint=protocol.checkpoint) for path, task in chosen if path
    ]
    if given.conv_fusion_run:
        streams = [runs.load(given.conv_fusion_run, checkpoint=protocol.checkpoint)]
        pairs.check_conv_fusion(streams[0])
    predictions, failed = prediction.predict(
        videos,
        streams,
        resources,
        protocol=protocol,
        score_fusion=fusion.load(given.score_fusion) if given.score_fusion else None,
        output_dir=given.output_dir,
    )
    if given.json:
        print(json.dumps([_as_json(item, given.top) for item in predictions], indent=2))
    else:
        for item in predictions:
            print(printing.escape(item.video))
            for name, score in item.best(given.top):
                print(f"  {item.describe(score)}  {name}")
    # One bad video of many does not keep the others from being labelled, but it is no success.
    for video, reason in failed.items():
        print(printing.escape(f"error: {video}: {reason}"), file=sys.stderr)
    for item in predictions:
        if item.drawn and item.video not in failed:
            # To stderr, as all that is no result: stdout may go into another program.
            print(f"video: {item.drawn}", file=sys.stderr)
    return 1 if failed else 0
