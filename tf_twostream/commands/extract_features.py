r"""Writes what a layer of a trained network gives for videos: features.

    twostream extract-features --run_dir=runs/spatial --output_dir=features clip.avi ...
    twostream extract-features --run_dir=runs/temporal --output_dir=features --layer=full6 \
        --store=stores/ucf101 [ID ...]

Each video has an .npz file, and features.npz has the mean of each video with its label and part as
far as they are known. The same command continues where it was interrupted; videos that failed are
in failed.csv.
"""

import dataclasses
import pathlib
import sys
from typing import Any, ClassVar, Literal

from tf_twostream import cli, datasets
from tf_twostream.paper import testing
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import files, printing

AT_ONCE = 64  # Video files whose frames and flow are on the disk at once.


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureFlags(cli.Knobs):
    """Which features, of which videos."""

    group: ClassVar[str] = "data"

    run_dir: str = cli.knob(cli.REQUIRED, "Run folder of the network.", group="network")
    task: str = cli.knob(
        "", "Task of a run of train-multitask, for its logits; empty for the first.",
        group="network",
    )  # fmt: skip
    layer: str = cli.knob(
        "",
        "The layer: conv1 ... conv5, full6, full7 or logits, or any other of the network; "
        "temporal/full7 in the temporal tower of joined ones. Of maps the mean over all places. "
        "Default: the last before the classes, full7 or, of EfficientNet, features.",
        group="network",
    )
    per: Literal["video", "window", "second"] = cli.knob(
        "video",
        "What a row is of: the whole video; each of the --num_frames windows; or each second, the "
        "mean of its windows, with more of them where a video is long.",
        group="output",
    )
    store: str = cli.knob(
        "", "Take the videos of a store: the ids that are named, a --part, or all.", remote=True
    )
    part: Literal["", "train", "validation", "test"] = cli.knob(
        "", "Part of the run's split, or of a --dataset, to take from the store; all if empty."
    )
    output_dir: str = cli.knob(cli.REQUIRED, "Folder of the features.", group="output")


def _choose(
    videos: list[str] | None, given: FeatureFlags, reader: Any, split: datasets.Split
) -> list[str]:
    """Returns the ids or files that the flags mean."""
    if given.part and (videos or not reader):
        raise ValueError(f"--part must be of a --store, without IDs. Received: {given.part}.")
    if given.part:
        from tf_twostream import store

        # Videos of added classes are in another store.
        return [v.id for v in getattr(split, given.part) if not store.is_added(v.id)]
    if not videos and not reader:
        raise ValueError("There must be a VIDEO, or a --store. Received: neither.")
    return videos or list(reader.video_ids)


def main(
    videos: list[str] | None,
    given: FeatureFlags,
    resources: Resources,
    protocol: testing.Testing,
    source: datasets.Source | None,
) -> int:
    """Writes the features; 1 if a video could not be done."""
    files.check_folder(given.output_dir, "output_dir")  # Before TensorFlow, which takes seconds.
    from tf_twostream import runs, store
    from tf_twostream.evaluation import feature_files, features, temporary_store

    run = runs.load(given.run_dir, given.task, checkpoint=protocol.checkpoint)
    split = datasets.load(source) if source else run.split
    reader = store.Reader(given.store) if given.store else None
    if reader:
        runs.check_store(run, reader.settings, where=reader.path)
        runs.check_videos(run, reader, datasets.all_videos(split))
    elif source:
        raise ValueError("A --dataset must be of the videos of a --store. Received: no --store.")
    chosen = _choose(videos, given, reader, split)
    extractor = features.Extractor(run, layer=given.layer, per=given.per, protocol=protocol)
    names = {video: video if reader else pathlib.PurePath(video).name for video in chosen}
    folder = feature_files.Folder(given.output_dir, extractor, names)
    failed: dict[str, str] = {}

    def extract(reader: store.Reader, wanted: dict[str, str]) -> None:
        """Writes the features of videos of a store; ids with the names they have outside of it."""
        good, held = [], set(reader.video_ids)
        for video_id, video in wanted.items():
            if video_id not in held:
                failed.setdefault(video, f"It is not in the store {reader.path}.")
            elif given.per == "second" and not reader.fps(video_id):
                failed[video] = "Its header gives no frames per second."
            else:
                good.append(datasets.Video(video_id, 0))
        for found in extractor.extract(reader, good) if good else ():
            folder.write(wanted[found.video_id], found)

    missing = folder.missing
    if reader:
        extract(reader, dict(zip(missing, missing)))
    else:
        # Seconds differ in the number of their windows, which nobody knows before the header.
        seen = None if given.per == "second" else protocol
        for n in range(0, len(missing), AT_ONCE):
            ids = temporary_store.number(missing[n : n + AT_ONCE])
            with temporary_store.fill(ids, [run], resources, protocol=seen) as (own, unread):
                failed |= unread
                extract(own, ids)
    count = folder.finish(split, failed)
    there = len(names) - len(missing)
    for video, reason in failed.items():
        print(printing.escape(f"error: {video}: {reason}"), file=sys.stderr)
    words = (
        f"{extractor.layer} of {printing.count(count - there, 'video')} done, {there} there before"
    )
    print(f"{given.output_dir}: {words}, {len(failed)} failed.")
    return 1 if failed else 0
