"""Data sets without lists: a folder of videos for each class."""

import hashlib
import os
import pathlib
from collections.abc import Collection, Iterable

from absl import logging

from tf_twostream.datasets import groups, splits

SUFFIXES = frozenset(
    (".avi", ".mp4", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".flv")
)
TEST_SHARE = 0.3  # As in HMDB-51, whose splits are 70/30.


def is_video(path: str) -> bool:
    """Tells by its suffix, in any case, whether a path is that of a video."""
    return pathlib.PurePosixPath(path).suffix.lower() in SUFFIXES


def find_videos(videos_dir: str | os.PathLike[str]) -> set[str]:
    """Finds all videos below a folder.

    Links are followed. What begins with a dot is left out.

    Args:
        videos_dir: The folder.

    Returns:
        Ids: POSIX paths relative to the folder.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    top = pathlib.Path(videos_dir)
    if not os.fspath(videos_dir) or not top.is_dir():
        raise FileNotFoundError(
            f"--videos_dir must name the folder of the videos. Received: {os.fspath(videos_dir)!r}."
        )
    ids: set[str] = set()
    entered: set[str] = set()
    for folder, subfolders, files in os.walk(top, followlinks=True, onerror=_raise):
        real = os.path.realpath(folder)
        if real in entered:  # A link back: do not walk in circles.
            subfolders.clear()
            continue
        entered.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        relative = pathlib.Path(folder).relative_to(top)
        visible = (file for file in files if is_video(file) and not file.startswith("."))
        ids.update((relative / file).as_posix() for file in visible)
    return ids


def read(videos_dir: str | os.PathLike[str], draw: int) -> splits.Split:
    """Makes a split of class folders.

    If the videos lie in train/<class>/ and test/<class>/, that is the split. If they lie in
    <class>/, about 30 % of each class are drawn for testing: the videos whose id has the least
    SHA-256 together with `draw`. So the draw is the same on every machine, and a video that is
    added later moves few others. Clips cut from one recording may get to both sides; where
    there are such, `read_groups` or a CSV file with groups is the honest way.

    Args:
        videos_dir: The folder of the class folders.
        draw: Number of the draw; 1 where train/ and test/ are given.

    Returns:
        The split; the classes are in alphabetical order.

    Raises:
        FileNotFoundError: If there is no such folder or no video in it.
        ValueError: If a video is in no class folder, or a class has no training video.
    """
    ids = _list(videos_dir)
    tops = {id.partition("/")[0] for id in ids}
    if not {"train", "test"} <= tops:
        return _draw(ids, draw)
    if tops != {"train", "test"} or draw != 1:
        raise ValueError(
            "Beside train/ and test/ there must be no other videos, and there is only --split=1. "
            f"Received: {', '.join(sorted(tops))} and --split={draw}. If train and test are two of "
            "the classes, describe the data set by a CSV file: --dataset=csv."
        )
    return _read_given(ids)


def read_groups(
    videos_dir: str | os.PathLike[str], test_groups: Collection[str], group_pattern: str
) -> splits.Split:
    """Makes a split of class folders that tests on some groups, for example on two actors.

    Args:
        videos_dir: The folder of the class folders.
        test_groups: The groups to test on; all others are trained on.
        group_pattern: How to find the group in the path of a video, see `groups.find`.

    Returns:
        The split; the classes are in alphabetical order.

    Raises:
        FileNotFoundError: If there is no such folder or no video in it.
        ValueError: If a video is in no class folder or no group, a group is unknown, a class is
            left without a training video, or train/ and test/ are the split already.
    """
    ids = _list(videos_dir)
    if {"train", "test"} <= {id.partition("/")[0] for id in ids}:
        raise ValueError(
            "The folders train/ and test/ are a split already, beside which --test_groups is "
            f"another. Received: --test_groups={','.join(test_groups)}. Use --dataset=csv."
        )
    labels = _labels(ids, depth=0)
    found = groups.find(ids, group_pattern)
    videos = tuple(splits.Video(id, labels[_class_of(id, 0)], found[id]) for id in ids)
    return groups.leave_out(splits.Split("folders", tuple(labels), videos, ()), test_groups)


def _list(videos_dir: str | os.PathLike[str]) -> list[str]:
    ids = sorted(find_videos(videos_dir))
    if not ids:
        raise FileNotFoundError(
            f"The folder of the videos must hold some ({' '.join(sorted(SUFFIXES))}). "
            f"Received: {os.fspath(videos_dir)}."
        )
    return ids


def _raise(error: OSError) -> None:
    raise error


def _class_of(id: str, depth: int) -> str:
    """Returns the name of the folder at `depth` on the way to the video."""
    parts = id.split("/")
    if len(parts) < depth + 2:
        raise ValueError(
            f"Each video must lie in a folder named after its class. Received: {id!r}."
        )
    return parts[depth]


def _label(ids: Iterable[str], depth: int, labels: dict[str, int]) -> tuple[splits.Video, ...]:
    return tuple(splits.Video(id, labels[_class_of(id, depth)]) for id in ids)


def _labels(ids: list[str], depth: int) -> dict[str, int]:
    names = sorted({_class_of(id, depth) for id in ids})
    return {name: label for label, name in enumerate(names)}


def _read_given(ids: list[str]) -> splits.Split:
    labels = _labels(ids, depth=1)
    train = _label((id for id in ids if id.startswith("train/")), 1, labels)
    test = _label((id for id in ids if id.startswith("test/")), 1, labels)
    return splits.check_training(splits.Split("folders", tuple(labels), train, test))


def _draw(ids: list[str], draw: int) -> splits.Split:
    labels = _labels(ids, depth=0)
    test: set[str] = set()
    for name in labels:
        members = [id for id in ids if _class_of(id, 0) == name]
        members.sort(key=lambda id: hashlib.sha256(f"{draw}/{id}".encode()).digest())
        wanted = max(1, int(TEST_SHARE * len(members) + 0.5))
        test.update(members[: min(wanted, len(members) - 1)])
    logging.info("Drew %d of %d videos for testing (draw %d).", len(test), len(ids), draw)
    return splits.Split(
        name=f"folders draw {draw}",
        class_names=tuple(labels),
        train=_label((id for id in ids if id not in test), 0, labels),
        test=_label((id for id in ids if id in test), 0, labels),
    )
