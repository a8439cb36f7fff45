"""Compares a store with the data set that it was computed from."""

import dataclasses
import os
from collections.abc import Sequence

from tf_twostream import store
from tf_twostream.precompute import extraction, frames
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import workers
from tf_twostream.store import checking


@dataclasses.dataclass(frozen=True)
class Verdict:
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
        index: What is wrong with the index; empty if nothing is.
    """

    settings: store.Settings
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
        # What failed was tried, and videos of another data set do no harm.
        return not (self.damaged or self.missing or self.index)


def verify(
    path: str,
    videos: Sequence[tuple[str, str | os.PathLike[str]]],
    resources: Resources,
) -> Verdict:
    """Reads every record of a store and looks for the videos of a data set in it.

    A video whose header promises another number of frames than when it was done has been
    replaced since, and counts as damaged.

    Args:
        path: The store.
        videos: Pairs of id and file that should be in the store; empty if there is no data set.
        resources: Videos to look at in parallel, and when the opening of a file is given up.

    Returns:
        What was found.

    Raises:
        store.NoStoreError: If there is no store.
        store.DamagedStoreError: If its `store.json` or `failed.csv` is damaged.
    """
    findings = checking.check(path, num_threads=resources.num_processes)
    there = findings.frames.keys() | findings.damaged.keys()
    asked = {video_id for video_id, _ in videos}
    headers = [(name, os.fspath(file)) for name, file in videos if name in findings.frames]
    replaced, notes = _compare(findings.frames, headers, resources)
    sound = {name: counts for name, counts in findings.frames.items() if name not in replaced}
    # Without a data set all failures count; a video that was done since is none any more.
    failed = {
        video_id: reason
        for video_id, reason in store.read_failed(path).items()
        if video_id not in there and (video_id in asked or not asked)
    }
    return Verdict(
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
    counts: dict[str, tuple[int, int]], headers: Sequence[tuple[str, str]], resources: Resources
) -> tuple[dict[str, str], dict[str, str]]:
    """Returns what is wrong with replaced videos and why others cannot be compared."""
    replaced, notes = {}, {}
    # The headers alone: to decode every video again would take far longer.
    events = workers.run(
        extraction.header, headers, num_workers=resources.num_processes, timeout=resources.timeout
    )
    for (video_id, _), event in events:
        _, promised = counts[video_id]
        match event:
            case workers.Done(header) if header.num_frames != promised:
                then = f"{promised} when it was done"
                now = f"its header promises {header.num_frames} frames"
                replaced[video_id] = f"the video was replaced: {now}, {then}"
            case workers.Failed(reason):
                notes[video_id] = f"the video cannot be opened any more: {reason}"
    return replaced, notes


def _note_cut_off(counts: dict[str, tuple[int, int]]) -> dict[str, str]:
    return {
        video_id: f"{num_frames} frames decode of {promised} that the header promises"
        for video_id, (num_frames, promised) in counts.items()
        if frames.is_cut_off(num_frames, promised)
    }
