"""Holds a store against the data set it was computed from."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from tf_twostream import store
from tf_twostream.precompute import extraction
from tf_twostream.processes import workers


@dataclasses.dataclass(frozen=True)
class Report:
    """What a store holds, what it lacks and what is wrong with it.

    Attributes:
        settings: What `store.json` says.
        num_videos: Videos of which every record is good.
        num_frames: Frames of these videos.
        damaged: What is wrong with each other video of the store, by id.
        missing: Videos of the data set that are not there, and nothing says why.
        failed: Why, according to `failed.csv`, videos (of the data set, if one is given) could
            not be done.
        strangers: Videos of the store that are not in the data set.
        notes: What else there is to know about videos, by id.
        index: What is wrong with the index.
    """

    settings: dict[str, Any]
    num_videos: int
    num_frames: int
    damaged: dict[str, str]
    missing: tuple[str, ...]
    failed: dict[str, str]
    strangers: tuple[str, ...]
    notes: dict[str, str]
    index: str

    @property
    def is_good(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.damaged or self.missing or self.index)


def verify(
    path: str,
    videos: Sequence[tuple[str, str | os.PathLike[str]]],
    *,
    num_workers: int,
    timeout: float,
) -> Report:
    """Reads every record of a store and looks for the videos of a data set in it.

    A video whose header promises another number of frames than when it was done has been
    replaced since, and counts as damaged.

    Args:
        path: The store.
        videos: Pairs of id and file that should be in the store; empty if there is no data set.
        num_workers: Videos to look at in parallel.
        timeout: Seconds after which the opening of a file is given up.

    Returns:
        What was found.

    Raises:
        FileNotFoundError: If there is no store.
        ValueError: If its `store.json` or `failed.csv` is damaged.
    """
    findings = store.check(path, num_threads=num_workers)
    there = findings.frames.keys() | findings.damaged.keys()
    asked = {video_id for video_id, _ in videos}
    headers = [(id, os.fspath(file)) for id, file in videos if id in findings.frames]
    replaced, notes = _compare(findings.frames, headers, num_workers, timeout)
    sound = {id: counts for id, counts in findings.frames.items() if id not in replaced}
    failed = {
        id: reason
        for id, reason in store.read_failed(path).items()
        if id not in there and (id in asked or not asked)
    }
    return Report(
        settings=findings.settings,
        num_videos=len(sound),
        num_frames=sum(num_frames for num_frames, _ in sound.values()),
        damaged=findings.damaged | replaced,
        missing=tuple(sorted(asked - there - failed.keys())),
        failed=failed,
        strangers=tuple(sorted(there - asked)) if asked else (),
        notes=_note_cut_off(sound) | notes,
        index=findings.index,
    )


def _compare(
    frames: dict[str, tuple[int, int]],
    headers: Sequence[tuple[str, str]],
    num_workers: int,
    timeout: float,
) -> tuple[dict[str, str], dict[str, str]]:
    """Returns what is wrong with replaced videos and why others cannot be compared."""
    replaced, notes = {}, {}
    events = workers.run(extraction.header, headers, num_workers=num_workers, timeout=timeout)
    for (video_id, _), event in events:
        _, promised = frames[video_id]
        match event:
            case workers.Done(header) if header.num_frames != promised:
                replaced[video_id] = (
                    f"the video was replaced: its header promises {header.num_frames} frames, "
                    f"{promised} when it was done"
                )
            case workers.Failed(reason):
                notes[video_id] = f"the video cannot be opened any more: {reason}"
    return replaced, notes


def _note_cut_off(frames: dict[str, tuple[int, int]]) -> dict[str, str]:
    return {
        video_id: f"{num_frames} frames decode of {promised} that the header promises"
        for video_id, (num_frames, promised) in frames.items()
        if promised - num_frames > 1  # One less is normal (HMDB-51).
    }


def describe(settings: dict[str, Any]) -> str:
    """Says in a line how the flow of a store was computed."""
    parameters = dict(settings["parameters"])
    library = [f"OpenCV {parameters.pop('opencv')}"] if "opencv" in parameters else []
    words = [
        settings["method"],
        *library,
        f"shorter side {settings['shorter_side']}",
        *settings["directions"],
        *(f"{name} {value}" for name, value in sorted(parameters.items())),
    ]
    return ", ".join(words)
