"""Reads data sets that have a folder for each class."""

import os
from collections.abc import Collection, Iterable, Mapping

from absl import logging

from tf_twostream.datasets import availability, groups, splits, video_files

TEST_SHARE = 0.3  # As in HMDB-51, whose splits are 70/30.
# What people call the folders of the parts, in any case; the first names are used in messages.
PARTS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}


class NamesError(ValueError):
    """Names of folders and files do not say which class and which part each video belongs to."""


def read(videos_dir: str | os.PathLike[str], draw: int, group_pattern: str = "") -> splits.Split:
    """Makes a split of class folders.

    If the videos lie in train/<class>/ and test/<class>/ (or what else `PARTS` lists), that is the
    split; val/<class>/ is the validation part, or the test part where there is no test/. If they
    lie in <class>/, about 30 % of each class are drawn for testing, in whole groups where groups
    are known, see `groups.draw`. The order is that of the SHA-256 of id, or group, together with
    `draw`. So the draw is the same on every machine, and a video that is added later moves few
    others.

    Args:
        videos_dir: The folder of the class folders.
        draw: Number of the draw; 1 where train/ and test/ are given.
        group_pattern: How to find the group in the path of a video, see `groups.find`; if empty,
            `groups.recognise` looks for groups in the names.

    Returns:
        The split; the classes are in the order of `splits.sort_classes`.

    Raises:
        VideosDirError: If there is no such folder or no video in it.
        NamesError: If a video is in no class folder, or in no part although there are parts.
        GroupsError: If a video is in no group of the pattern.
        UnlearntClassError: If a class has no training video.
        SingleClassError: If there is only one class.
    """
    ids = video_files.list_ids(videos_dir)
    parts = _find_parts(ids)
    if parts and draw != 1:
        rule = "`split` must be 1 where there are folders of the parts"
        raise NamesError(f"{rule}. Received: {', '.join(sorted(parts))} and split={draw}.")
    videos, class_names = _label(ids, depth=1 if parts else 0, group_pattern=group_pattern)
    split = _sort(videos, class_names, parts) if parts else _draw(videos, class_names, draw)
    groups.warn_of_alike(split)
    return availability.check_training(availability.check_classes(split))


def read_groups(
    videos_dir: str | os.PathLike[str], test_groups: Collection[str], group_pattern: str
) -> splits.Split:
    """Makes a split of class folders that tests on some groups, for example on two actors.

    Args:
        videos_dir: The folder of the class folders.
        test_groups: The groups to test on; all others are trained on.
        group_pattern: How to find the group in the path of a video, see `groups.find`; if empty,
            it is what precedes the first "_" of the file name.

    Returns:
        The split; the classes are in the order of `splits.sort_classes`.

    Raises:
        VideosDirError: If there is no such folder or no video in it.
        NamesError: If a video is in no class folder, or its folder is a part already.
        GroupsError: If a video is in no group, or a group is unknown.
        UnlearntClassError: If a class is left without a training video.
        SingleClassError: If there is only one class.
    """
    ids = video_files.list_ids(videos_dir)
    if parts := _find_parts(ids):
        rule = "`test_groups` must not be given where folders are the parts"
        raise NamesError(
            f"{rule}. Received: {', '.join(sorted(parts))} and test_groups={','.join(test_groups)}."
        )
    videos, class_names = _label(ids, depth=0, group_pattern=group_pattern or groups.PATTERN)
    split = splits.Split("folders", class_names, videos, ())
    return groups.leave_out(availability.check_classes(split), test_groups)


def _find_parts(ids: Iterable[str]) -> dict[str, str]:
    """Returns the part that each folder at the top is; nothing if they are classes."""
    tops = sorted({id.partition("/")[0] for id in ids if "/" in id})
    part_of = {name: part for part, names in PARTS.items() for name in names}
    parts = {top: part_of[top.lower()] for top in tops if top.lower() in part_of}
    found = set(parts.values())
    like_a_split = "train" in found and len(found) > 1
    # A class may be called train or test, for example, where others are called car and bus.
    if not parts or (len(parts) < len(tops) and not like_a_split):
        return {}
    if like_a_split and len(found) == len(parts) == len(tops):
        return parts
    rule = (
        "Folders that are named like parts must be train/ and test/ or val/, each once, and hold "
        "all videos"
    )
    raise NamesError(f"{rule}. Received: {', '.join(tops)}.")


def _label(
    ids: list[str], *, depth: int, group_pattern: str
) -> tuple[tuple[splits.Video, ...], tuple[str, ...]]:
    """Returns videos and class names, by the folder at `depth` of each path."""
    if outside := [id for id in ids if id.count("/") <= depth]:
        rule = "Each video must lie in a folder named after its class"
        raise NamesError(f"{rule}. Received: {outside[0]!r}.")
    class_of = {id: id.split("/")[depth] for id in ids}
    class_names = splits.sort_classes(class_of.values())
    numbers = {name: label for label, name in enumerate(class_names)}
    if group_pattern:
        found = groups.find(ids, group_pattern)
    else:
        found = groups.recognise(class_of, depth=depth)
    videos = tuple(splits.Video(id, numbers[class_of[id]], found.get(id, "")) for id in ids)
    return videos, class_names


def _sort(
    videos: Collection[splits.Video], class_names: tuple[str, ...], parts: Mapping[str, str]
) -> splits.Split:
    """Makes the split that folders say."""
    members: dict[str, list[splits.Video]] = {part: [] for part in PARTS}
    for video in videos:
        members[parts[video.id.partition("/")[0]]].append(video)
    train, validation, test = map(tuple, members.values())
    if not test:
        logging.warning("There is no test/: the videos of the validation part are tested on.")
    return splits.test_on_validation(
        splits.Split("folders", class_names, train, test, validation=validation)
    )


def _draw(
    videos: tuple[splits.Video, ...], class_names: tuple[str, ...], draw: int
) -> splits.Split:
    drawn = groups.draw(videos, TEST_SHARE, salt=f"{draw}/")
    groups.warn_of_undrawn(drawn, class_names, "test")
    return splits.Split(
        name=f"folders draw {draw}",
        class_names=class_names,
        train=tuple(video for video in videos if video not in drawn),
        test=tuple(video for video in videos if video in drawn),
    )
