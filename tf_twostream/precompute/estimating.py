"""How long a store will take and how large it will be, before it is made."""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Sequence

from tf_twostream import store
from tf_twostream.precompute import extraction, filling, flow_files
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import workers

MOST_HEADERS = 300  # To open a file takes some 20 ms, and there may be a hundred thousand.
FEWEST_FRAMES = 20  # Of a video that is measured, if there are such.
ENOUGH_FRAMES = 300  # Videos are measured until they have so many,
MOST_VIDEOS = 12  # or there are so many of them.

Videos = Sequence[tuple[str, str | os.PathLike[str]]]  # Pairs of id and file.


@dataclasses.dataclass(frozen=True)
class Survey:
    """What the headers of videos say.

    Attributes:
        num_videos: N.
        num_frames: Of all videos; a guess where some alone were opened.
        seconds: Of all videos, likewise; 0 if no header has a rate.
        sizes: How many of those opened have which size, such as "320x240", most frequent first.
        opened: Frames to take, by id, of the videos that were opened, as headers promise.
        unreadable: Ids of those that could not be.
    """

    num_videos: int
    num_frames: int
    seconds: float
    sizes: dict[str, int]
    opened: dict[str, int]
    unreadable: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Rate:
    """How fast a store was filled, and by how much.

    Attributes:
        frames_per_second: By all workers.
        bytes_per_frame: Of the store, with flow.
    """

    frames_per_second: float
    bytes_per_frame: float


def survey(videos: Videos, settings: store.Settings, resources: Resources) -> Survey:
    """Reads the headers of videos; of very many those of some, evenly spread.

    Args:
        videos: Pairs of id and file.
        settings: Of the store that is to be made: which frames it takes.
        resources: How many workers open them.
    """
    step = max(1, len(videos) // MOST_HEADERS)
    chosen = [(video_id, os.fspath(path)) for video_id, path in videos[::step]]
    opened: dict[str, int] = {}
    sizes: collections.Counter[str] = collections.Counter()
    unreadable, seconds = [], 0.0
    for (video_id, path), event in workers.run(
        extraction.header, chosen, num_workers=resources.num_processes, timeout=resources.timeout
    ):
        if isinstance(event, workers.Done):
            header = event.value
            part = extraction.Job(video_id, path, settings, kinds=()).part
            opened[video_id] = part.count(header.num_frames, header.fps)
            sizes[f"{header.width}x{header.height}"] += 1
            seconds += opened[video_id] / part.rate(header.fps) if header.fps else 0
        else:
            unreadable.append(video_id)
    all_of_them = len(videos) / max(1, len(chosen))
    return Survey(
        num_videos=len(videos),
        num_frames=round(all_of_them * sum(opened.values())),
        seconds=all_of_them * seconds,
        sizes=dict(sizes.most_common()),
        opened=opened,
        unreadable=tuple(sorted(unreadable)),
    )


def measure(
    videos: Videos, found: Survey, *, path: str, settings: store.Settings, resources: Resources
) -> Rate:
    """Fills a store with a few of the videos, rather short ones, and takes the time.

    Args:
        videos: As for `survey`.
        found: What `survey` returned for them.
        path: Where to make the store; the caller removes it.
        settings: Those of the store that is to be made.
        resources: What the machine may spend on it.

    Returns:
        The rate.

    Raises:
        UnreadableError: If none of the videos that were tried can be read.
    """
    files = dict(videos)
    chosen = _choose(found)
    # The first one alone, since it pays for what is imported and compiled once.
    filled = [
        filling.fill(
            [(v, files[v]) for v in own], path=path, settings=settings, resources=resources
        )
        for own in (chosen[:1], chosen[1:])
    ]
    timed = next((outcome for outcome in reversed(filled) if outcome.num_frames), None)
    if timed is None:
        rule = "Of the videos some must be readable"
        raise flow_files.UnreadableError(f"{rule}. Received: {', '.join(chosen) or 'none'}.")
    size = sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file())
    num_frames = sum(outcome.num_frames for outcome in filled)
    return Rate(timed.num_frames / max(timed.seconds, 1e-3), size / num_frames)


def _choose(found: Survey) -> list[str]:
    """Chooses videos to measure, of the shorter half, spread over the data set."""
    # A window of the networks needs some frames; a header may promise nothing.
    long_enough = [v for v in found.opened if found.opened[v] > FEWEST_FRAMES] or [*found.opened]
    by_length = sorted(long_enough, key=lambda v: (found.opened[v], v))
    shorter = sorted(by_length[: max(2, len(by_length) // 2)])
    spread = shorter[:: max(1, len(shorter) // MOST_VIDEOS)][:MOST_VIDEOS]
    chosen = spread[:1]
    for video_id in spread[1:]:
        if sum(found.opened[v] for v in chosen[1:]) >= ENOUGH_FRAMES:
            break
        chosen.append(video_id)
    return chosen
