"""Compares a store with the data set that it was computed from."""

import concurrent.futures
import dataclasses
import os
from collections.abc import Mapping, Sequence

from tf_twostream import store
from tf_twostream.precompute import frames
from tf_twostream.precompute.resources import Resources
from tf_twostream.store import checking, layout


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a store holds, what it lacks and what is wrong with it.

    Attributes:
        settings: What `store.json` says.
        num_videos: Videos of which every record is good.
        num_frames: Frames of these videos.
        lacking: Which kinds of records videos have not got yet, and nothing says why, by id.
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
    lacking: dict[str, tuple[str, ...]]
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
        return not (self.lacking or self.damaged or self.missing or self.index)


def verify(
    path: str,
    videos: Sequence[tuple[str, str | os.PathLike[str]]],
    resources: Resources,
) -> Verdict:
    """Reads every record of a store and looks for the videos of a data set in it.

    A video whose file is another one than when it was done counts as damaged.

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
    there = findings.videos.keys() | findings.damaged.keys()
    known = there | findings.lacking.keys()
    asked = {video_id for video_id, _ in videos}
    compared = [(name, os.fspath(file)) for name, file in videos if name in findings.videos]
    replaced, notes = _compare(findings.videos, compared, resources)
    sound = {name: info for name, info in findings.videos.items() if name not in replaced}
    # Without a data set all failures count; a video that was done since is none any more.
    failed = {
        video_id: reason
        for video_id, reason in store.read_failed(path).items()
        if video_id not in there and (video_id in asked or not asked)
    }
    return Verdict(
        settings=findings.settings,
        num_videos=len(sound),
        num_frames=sum(info.num_frames for info in sound.values()),
        lacking={name: k for name, k in findings.lacking.items() if name not in failed},
        damaged=findings.damaged | replaced,
        missing=tuple(sorted(asked - known - failed.keys())),
        failed=failed,
        strangers=tuple(sorted(known - asked)) if asked else (),
        notes=_note_cut_off(sound) | notes,
        index=findings.index,
    )


def _compare(
    infos: Mapping[str, layout.VideoInfo], videos: Sequence[tuple[str, str]], resources: Resources
) -> tuple[dict[str, str], dict[str, str]]:
    """Returns what is wrong with replaced videos and what else there is to know about videos."""
    replaced, notes = {}, {}
    # Threads suffice: hashing lets go of Python's lock. To decode again would take far longer.
    with concurrent.futures.ThreadPoolExecutor(resources.num_processes) as pool:
        for (video_id, _), source in zip(videos, pool.map(_source, [file for _, file in videos])):
            if not source:
                notes[video_id] = "its file cannot be read any more"
            elif not infos[video_id].source:
                notes[video_id] = "done by a version that kept no hash: was its file replaced?"
            elif source != infos[video_id].source:
                replaced[video_id] = "its file was replaced since"
    return replaced, notes


def _source(file: str) -> str:
    try:
        return frames.fingerprint(file) if os.path.getsize(file) else ""
    except OSError:
        return ""


def _note_cut_off(infos: Mapping[str, layout.VideoInfo]) -> dict[str, str]:
    return {
        video_id: f"{info.num_frames} frames decode of {info.promised_frames} that the header "
        "promises"
        for video_id, info in infos.items()
        if frames.is_cut_off(info.num_frames, info.promised_frames)
    }
