"""A store filled by several machines: each fills a part, a store of its own, and all are joined.

The videos are dealt like cards: those of part i of n are numbers i, i + n, i + 2n ... of the data
set in the order of their ids. Neighbours there are of one class, often of one recording, and about
as long as each other, so that all parts take about as much work. Who has the same list deals in the
same way; `shard.json` in each part holds a sum of the list, and what differs is not joined.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

from tf_twostream import store
from tf_twostream.processes import files, locks, progress, typed
from tf_twostream.store import failures, index, layout
from tf_twostream.store import settings as store_settings

FILE = "shard.json"
_Videos = TypeVar("_Videos", bound=tuple[str, object])


class OtherShardError(ValueError):
    """A folder holds another part of a store than is asked for, or a whole one."""


class PartsError(ValueError):
    """Parts do not make a store: one is missing, unfinished or of another data set."""


@dataclasses.dataclass(frozen=True)
class Shard:
    """Which part of a store a folder is.

    Attributes:
        index: Its number, counted from 0.
        count: How many there are.
        num_videos: Videos of this part.
        all_videos: SHA-256 of the ids of all parts.
    """

    index: int
    count: int
    num_videos: int
    all_videos: str


def deal(videos: Iterable[_Videos], number: int, count: int) -> tuple[Shard, list[_Videos]]:
    """Returns a part of the videos of a data set.

    Example:
        >>> from tf_twostream.precompute import shards
        >>> shards.deal([("c", 3), ("a", 1), ("b", 2)], 0, 2)[1]
        [('a', 1), ('c', 3)]

    Args:
        videos: Pairs of id and file, in any order.
        number: Which part, counted from 0.
        count: How many parts.
    """
    in_order = sorted(videos, key=lambda video: video[0])
    own, digest = in_order[number::count], hashlib.sha256()
    for video_id, _ in in_order:
        digest.update(video_id.encode(errors="surrogateescape") + b"\0")
    return Shard(number, count, len(own), digest.hexdigest()), own


def begin(path: str, shard: Shard | None) -> None:
    """Marks a folder as a part of a store; checks that it is none of another kind.

    Args:
        path: The folder.
        shard: Which part is to be filled into it; None for a whole store.

    Raises:
        OtherShardError: If it was begun otherwise.
        ValueError: If its `shard.json` is damaged.
    """
    begun = files.exists(files.join(path, layout.SETTINGS))
    found = _read(path)
    if (begun or found) and found != shard:
        rule = "A store must be filled as the part that it was begun as, of the same videos"
        words = [_describe(found), _describe(shard)]
        raise OtherShardError(f"{rule}. Received: {path}, {words[0]}, for {words[1]}.")
    if shard and not found:
        files.write_json(files.join(path, FILE), vars(shard), sort_keys=True)


def join(parts: Sequence[str], path: str) -> int:
    """Joins the parts of a store: the bytes are those of a store that was filled by one machine.

    Files get a second name where the disk allows that, so that nothing is there twice, and the
    parts stay as they are. A join that was interrupted is continued by the same call.

    Args:
        parts: The folders of all parts, in any order.
        path: The store, which does not exist, or is what an interrupted call left.

    Returns:
        The number of videos.

    Raises:
        PartsError: If these are not all parts of one store, each finished.
        OtherSettingsError: If they were made with other settings.
        FileExistsError: If there is another store.
        BlockingIOError: If somebody is writing to the store.
    """
    found = _check_parts(parts)
    settings = store_settings.read(parts[0])
    for part in parts[1:]:
        settings.check_equals(store_settings.read(part), files.join(part, layout.SETTINGS))
    indices = [index.read(part) for part in parts]
    reasons = [store.read_failed(part) for part in parts]
    for part, shard, own, failed in zip(parts, found, indices, reasons):
        ids = own.video_ids.tolist()
        if len({*ids, *failed}) < shard.num_videos:
            rule = "A part must hold all its videos, or say why not"
            given = f"{part} with {len({*ids, *failed})} of {shard.num_videos}"
            raise PartsError(f"{rule}. Received: {given}.")
    merged = index.merge(indices)
    with locks.exclusive(path):
        _check_target(path, merged)
        writer = store.Writer(path, settings)
        with progress.bar(len(merged.video_ids), "video", delay=1) as bar:
            for part, own in zip(parts, indices):
                for video_id in own.video_ids.tolist():
                    if not writer.holds(video_id):
                        _link_video(part, path, video_id, settings.kinds)
                    bar.update()
        failures.write(path, {v: why for failed in reasons for v, why in failed.items()})
        index.write(path, merged)  # Last: the store is finished.
    return len(merged.video_ids)


def _check_parts(parts: Sequence[str]) -> list[Shard]:
    """Returns which parts these are, if each is there once."""
    found = []
    for part in parts:
        if (shard := _read(part)) is None:
            raise PartsError(f"A part must hold {FILE}. Received: {part}, without it.")
        found.append(shard)
    of_one = {(shard.count, shard.all_videos) for shard in found}
    if len(of_one) != 1:
        rule = "Parts must be of one list of videos, dealt to as many parts"
        counts = ", ".join(f"{part}: {_describe(shard)}" for part, shard in zip(parts, found))
        raise PartsError(f"{rule}. Received: {counts}.")
    numbers = [shard.index for shard in found]
    if twice := sorted({n for n in numbers if numbers.count(n) > 1}):
        raise PartsError(f"Each part must be named once. Received twice: {_listed(twice)}.")
    if missing := sorted({*range(found[0].count)} - {*numbers}):
        rule = f"All {found[0].count} parts must be there, counted from 0"
        raise PartsError(f"{rule}. Received: without {_listed(missing)}.")
    return found


def _check_target(path: str, merged: index.Index) -> None:
    """Refuses a store that was not left by a join of these parts."""
    there = {video_id for ids in layout.find_videos(path) for video_id in ids}
    if strangers := sorted(there - {*merged.video_ids.tolist()}):
        rule = "The joined store must be new, or begun from the same parts"
        raise FileExistsError(f"{rule}. Received: {path} with {strangers[0]!r}.")


def _link_video(part: str, path: str, video_id: str, kinds: Sequence[layout.Kind]) -> None:
    """Gives the files of a video a second name; `video.json`, by which it counts, last."""
    for kind in kinds:
        source, target = (layout.records_path(s, video_id, kind) for s in (part, path))
        files.link(source, target)
    files.link(layout.video_path(part, video_id), layout.video_path(path, video_id))


def _read(path: str) -> Shard | None:
    """Reads which part of a store a folder is; None if it is none."""
    name = files.join(path, FILE)
    if not files.exists(name):
        return None
    try:
        shard = Shard(**files.read_json(name))
        typed.check(shard)
        return shard
    except (TypeError, ValueError) as error:
        raise layout.DamagedStoreError(f"{name} does not describe a part ({error}).") from error


def _describe(shard: Shard | None) -> str:
    if shard is None:
        return "a whole store"
    return f"part {shard.index} of {shard.count} of the videos {shard.all_videos[:8]}"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
