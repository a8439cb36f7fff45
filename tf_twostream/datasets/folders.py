"""Finds the videos below a folder, and reads data sets that have a folder for each class."""

import hashlib
import os
import pathlib
from collections.abc import Collection, Iterable

from absl import logging

from tf_twostream.datasets import availability, groups, splits

SUFFIXES = frozenset(
    (".avi", ".mp4", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".flv")
)
TEST_SHARE = 0.3  # As in HMDB-51, whose splits are 70/30.


class VideosDirError(availability.MissingVideosError):
    """The folder of the videos does not exist, or does not hold what it should."""


class NamesError(ValueError):
    """Names of folders and files do not say which class and which part each video belongs to."""


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
        VideosDirError: If there is no such folder.
        OSError: If a folder in it cannot be read.
    """
    top = pathlib.Path(videos_dir)
    # An empty string would be the current folder for pathlib; here it means that none was named.
    if not os.fspath(videos_dir) or not top.is_dir():
        rule = "`videos_dir` must be the folder of the videos"
        raise VideosDirError(f"{rule}. Received: {os.fspath(videos_dir)!r}.")
    ids: set[str] = set()
    entered: set[str] = set()
    for folder, subfolders, files in os.walk(top, followlinks=True, onerror=_raise):
        real = os.path.realpath(folder)
        if real in entered:  # A link back: do not walk in circles.
            subfolders.clear()
            continue
        entered.add(real)
        # Of two ways to a folder the first one counts, and each file system has an order of its
        # own. Names with a dot are of macOS ("._x.avi" beside x.avi), or a trash folder.
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        relative = pathlib.Path(folder).relative_to(top)
        visible = (file for file in files if is_video(file) and not file.startswith("."))
        ids.update((relative / file).as_posix() for file in visible)
    return ids


def _raise(error: OSError) -> None:
    raise error  # `os.walk` would pass over a folder that may not be read, and over its class.


def list_ids(videos_dir: str | os.PathLike[str]) -> list[str]:
    """Lists all videos below a folder that has some.

    Args:
        videos_dir: The folder.

    Returns:
        Ids as of `find_videos`, in alphabetical order.

    Raises:
        VideosDirError: If there is no such folder or no video in it.
    """
    ids = sorted(find_videos(videos_dir))
    if not ids:
        rule = f"`videos_dir` must hold videos ({' '.join(sorted(SUFFIXES))})"
        raise VideosDirError(f"{rule}. Received: {os.fspath(videos_dir)}, with no videos.")
    return ids


def read(videos_dir: str | os.PathLike[str], draw: int) -> splits.Split:
    """Makes a split of class folders.

    If the videos lie in train/<class>/ and test/<class>/, that is the split; val/<class>/, if it is
    there too, is the validation part. If they lie in
    <class>/, about 30 % of each class are drawn for testing: the videos whose id has the least
    SHA-256 together with `draw`. So the draw is the same on every machine, and a video that is
    added later moves few others. Clips cut from one recording may get to both sides; where
    there are such, `read_groups` or a CSV file with groups gives numbers that can be trusted.

    Args:
        videos_dir: The folder of the class folders.
        draw: Number of the draw; 1 where train/ and test/ are given.

    Returns:
        The split; the classes are in alphabetical order.

    Raises:
        VideosDirError: If there is no such folder or no video in it.
        NamesError: If a video is in no class folder, or in neither part although there are parts.
        UnlearntClassError: If a class has no training video.
    """
    ids = list_ids(videos_dir)
    tops = _top_folders(ids)
    if not {"train", "test"} <= tops:
        return _draw(ids, draw)
    # Two of the classes may be called train and test, for example, where a third is called bus.
    if tops - {"val"} != {"train", "test"} or draw != 1:
        rule = (
            "Where there are train/ and test/, all videos must be in them or in val/, and `split` "
            "must be 1"
        )
        raise NamesError(f"{rule}. Received: {', '.join(sorted(tops))} and split={draw}.")
    class_names, labels = _label(ids, depth=1)
    train, validation, test = (
        _videos((id for id in ids if id.startswith(part)), labels)
        for part in ("train/", "val/", "test/")
    )
    split = splits.Split("folders", class_names, train, test, validation=validation)
    return availability.check_training(split)


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
        VideosDirError: If there is no such folder or no video in it.
        NamesError: If a video is in no class folder, or train/ and test/ are the split already.
        GroupsError: If a video is in no group, or a group is unknown.
        UnlearntClassError: If a class is left without a training video.
    """
    ids = list_ids(videos_dir)
    if {"train", "test"} <= _top_folders(ids):
        rule = "`test_groups` must not be given where train/ and test/ are the split"
        raise NamesError(f"{rule}. Received: test_groups={','.join(test_groups)}.")
    class_names, labels = _label(ids, depth=0)
    found = groups.find(ids, group_pattern)
    videos = tuple(splits.Video(id, labels[id], found[id]) for id in ids)
    return groups.leave_out(splits.Split("folders", class_names, videos, ()), test_groups)


def _top_folders(ids: Iterable[str]) -> set[str]:
    return {id.partition("/")[0] for id in ids}


def _label(ids: list[str], *, depth: int) -> tuple[tuple[str, ...], dict[str, int]]:
    """Returns class names and the label of each video, by the folder at `depth` of its path."""
    if outside := [id for id in ids if id.count("/") <= depth]:
        rule = "Each video must lie in a folder named after its class"
        raise NamesError(f"{rule}. Received: {outside[0]!r}.")
    class_names = tuple(sorted({id.split("/")[depth] for id in ids}))
    numbers = {name: label for label, name in enumerate(class_names)}
    return class_names, {id: numbers[id.split("/")[depth]] for id in ids}


def _videos(ids: Iterable[str], labels: dict[str, int]) -> tuple[splits.Video, ...]:
    return tuple(splits.Video(id, labels[id]) for id in ids)


def _draw(ids: list[str], draw: int) -> splits.Split:
    class_names, labels = _label(ids, depth=0)
    # The order of the whole list is that of each class, too. A hash of the path, not a random
    # number by position: with one more video, each position after it would be another video's.
    ids_of: dict[int, list[str]] = {label: [] for label in range(len(class_names))}
    for id in sorted(ids, key=lambda id: hashlib.sha256(f"{draw}/{id}".encode()).digest()):
        ids_of[labels[id]].append(id)
    test: set[str] = set()
    for members in ids_of.values():
        # Halves are rounded up (`round` goes to the even number); one video is always learnt.
        wanted = max(1, int(TEST_SHARE * len(members) + 0.5))
        test.update(members[: min(wanted, len(members) - 1)])
    logging.info("Drew %d of %d videos for testing (draw %d).", len(test), len(ids), draw)
    return splits.Split(
        name=f"folders draw {draw}",
        class_names=class_names,
        train=_videos((id for id in ids if id not in test), labels),
        test=_videos((id for id in ids if id in test), labels),
    )
