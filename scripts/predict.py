"""Labels videos with a trained two-stream model.

python scripts/predict.py --spatial_run=runs/spatial --temporal_run=runs/temporal clip.avi
"""

import dataclasses
import json
import sys

import numpy as np

from tf_twostream import cli, runs
from tf_twostream.evaluation import prediction
from tf_twostream.precompute import filling


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to label the videos with, and how to say it."""

    spatial_run: str = cli.knob("", "Run folder of the spatial stream; may be left out.")
    temporal_run: str = cli.knob("", "Run folder of the temporal stream; may be left out.")
    task: str = cli.knob(
        "", "Task, if --temporal_run is of train_multitask.py; empty for its first."
    )
    top: int = cli.knob(5, "Classes to print per video.")
    json: bool = cli.knob(False, "Print JSON instead of text.")
    frames_per_batch: int = cli.knob(
        0,
        "Frames, or volumes, that the device holds at once, with all views each. Default: as of "
        "evaluate.py.",
    )
    output_video: str = cli.knob(
        "", "File, .mp4 or .avi, to draw the video into with its flow and label."
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        if not (self.spatial_run or self.temporal_run):
            raise ValueError("A prediction needs a network: --spatial_run, --temporal_run or both.")
        if self.top < 1:
            raise ValueError(f"`top` must be at least 1. Received: top={self.top}.")
        if self.frames_per_batch < 0:
            raise ValueError(
                "`frames_per_batch` must be at least 1, or 0 for the default. "
                f"Received: {self.frames_per_batch}."
            )


cli.define(Options)
cli.define(filling.Effort)


def _as_json(item: prediction.Prediction, top: int) -> dict:
    best = [name for name, _ in item.best(top)]

    def pick(scores: np.ndarray) -> dict:
        known = dict(zip(item.class_names, scores.tolist()))
        return {name: round(known[name], 6) for name in best}

    streams = {stream: pick(scores) for stream, scores in item.streams.items()}
    return {"video": item.video, "scores": pick(item.scores), **streams}


def main(videos: list[str]) -> int:
    """Predicts with the parsed flags; 1 if a video could not be read."""
    options = cli.parse(Options)
    chosen = ((options.spatial_run, ""), (options.temporal_run, options.task))
    streams = [runs.load(path, task) for path, task in chosen if path]
    predictions, failed = prediction.predict(
        videos,
        streams,
        cli.parse(filling.Effort),
        frames_per_batch=options.frames_per_batch,
        output_video=options.output_video,
    )
    if options.json:
        content = [_as_json(item, options.top) for item in predictions]
        print(json.dumps(content, indent=2))
    else:
        for item in predictions:
            print(item.video)
            for name, score in item.best(options.top):
                print(f"  {100 * score:6.2f} %  {name}")
    for video, reason in failed.items():
        print(f"error: {video}: {reason}", file=sys.stderr)
    if options.output_video and predictions:
        print(f"video: {options.output_video}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    cli.run(main, positional="VIDEO ...")
