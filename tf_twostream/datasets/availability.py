"""Which videos of a data set exist, and which of its classes can still be learnt from them."""

import dataclasses
import pathlib
from collections.abc import Collection, Iterable

from absl import logging

from tf_twostream.datasets import splits
from tf_twostream.processes import printing

_NEARLY_ALL = 0.9


class MissingVideosError(FileNotFoundError):
    """Videos of a data set do not exist."""


class UnlearntClassError(ValueError):
    """A class has no video to learn it from."""


class SingleClassError(ValueError):
    """A data set has one class: there is nothing to tell apart."""


def available_videos(
    split: splits.Split, available: Collection[str], *, where: str, allow_missing: bool
) -> tuple[splits.Video, ...]:
    """Returns the videos of a data set that exist, ordered as by `all_videos`.

    Args:
        split: Any split of the data set; its unused videos are looked for as well.
        available: Ids of the videos that exist.
        where: Where they were looked for, in words, for example "the store stores/ucf101".
        allow_missing: Whether to go on, with a warning, without those that do not exist.

    Raises:
        MissingVideosError: If a video is missing and may not be, or if none exists.
    """
    absent = _check(split, available, where, allow_missing)
    return tuple(video for video in splits.all_videos(split) if video.id not in absent)


def _check(
    split: splits.Split, available: Collection[str], where: str, allow_missing: bool
) -> set[str]:
    """Returns the ids of videos that do not exist; see `available_videos`."""
    available = frozenset(available)  # Of many thousand ids each is looked up.
    asked = {video.id for video in splits.each_video(split)}
    absent = asked - available
    if asked and not absent:
        return absent
    videos = splits.all_videos(split)
    missing = [video.id for video in videos if video.id in absent]
    # Where nothing is found, the path is wrong: nobody allows all videos to be missing.
    if len(missing) == len(videos) or (missing and not allow_missing):
        raise MissingVideosError(_describe_missing(split, missing, available, where))
    logging.warning("%s", _list_missing(split, missing, where))
    return absent


def keep_available(
    split: splits.Split, available: Collection[str], *, where: str, allow_missing: bool
) -> splits.Split:
    """Restricts a split to videos that exist, and to classes that can be learnt from them.

    Args:
        split: The split; its unused videos are looked for as well.
        available: Ids of the videos that exist.
        where: Where they were looked for, in words, for example "the store stores/ucf101".
        allow_missing: Whether to go on with the videos that exist. Classes of which no training
            video is left are dropped, with their test videos, and the labels are renumbered in
            the official order.

    Returns:
        The split itself if nothing is missing, else the restricted one, whose name says so.

    Raises:
        MissingVideosError: If a video is missing and may not be, or if none exists.
        UnlearntClassError: If a class has no training video and may not be dropped, or none has.
    """
    absent = _check(split, available, where, allow_missing)
    kept = split
    if absent:
        kept = splits.restrict(split, split.class_names, lambda video: video.id not in absent)
    unlearnt = _classes_without(split, kept.train)
    if not allow_missing or len(unlearnt) == len(split.class_names):
        check_training(kept)
    if not absent and not unlearnt:
        return split
    # Classes that lose existing test videos are named, for this changes what is measured.
    gone = _classes_without(split, splits.each_video(kept))
    if gone:
        logging.warning("Dropped %s without any video left.", printing.count(len(gone), "class"))
    if untrained := [name for name in unlearnt if name not in gone]:
        words = "Classes without a training video in %s are dropped with their other videos: %s."
        logging.warning(words, where, ", ".join(untrained))
    # Labels are numbered anew: a network must not have an output that nothing teaches.
    kept = splits.restrict(kept, tuple(name for name in split.class_names if name not in unlearnt))
    counts = [len(splits.each_video(part)) for part in (kept, split)]
    name = f"{split.name}, {counts[0]} of {counts[1]} videos"
    return dataclasses.replace(kept, name=name)


def check_training(split: splits.Split) -> splits.Split:
    """Returns the split if each class has a video to learn from.

    Args:
        split: The split.

    Raises:
        UnlearntClassError: If a class has none.
    """
    if unlearnt := _classes_without(split, split.train):
        more = f" ... ({len(unlearnt)} classes)" if len(unlearnt) > 10 else ""
        rule = f"Each class of {split.name} must have a training video"
        raise UnlearntClassError(f"{rule}. Received none of: {', '.join(unlearnt[:10])}{more}.")
    return split


def check_classes(split: splits.Split) -> splits.Split:
    """Returns the split if it has two classes or more.

    Args:
        split: A whole data set.

    Raises:
        SingleClassError: If it has one.
    """
    if len(split.class_names) < 2:
        rule = "A data set must have two classes or more"
        raise SingleClassError(f"{rule}. Received one: {split.class_names[0]!r}.")
    return split


def check_learnable(split: splits.Split) -> splits.Split:
    """Returns the split if it can be learnt, or has no training video: then it is to measure on.

    Args:
        split: A whole data set.

    Raises:
        UnlearntClassError: If a class has no training video.
        SingleClassError: If there is only one class.
    """
    return check_training(check_classes(split)) if split.train else split


def _classes_without(split: splits.Split, videos: Iterable[splits.Video]) -> list[str]:
    """Returns the names of the classes that none of `videos` shows."""
    videos = tuple(videos)
    shown = {video.label for video in videos}
    shown.update(label for video in videos for label in video.other_labels)
    return [name for label, name in enumerate(split.class_names) if label not in shown]


def _list_missing(split: splits.Split, missing: list[str], where: str) -> str:
    """Says how many videos are missing and which are the first ten."""
    total = printing.count(len(splits.all_videos(split)), "video")
    verb = "is" if len(missing) == 1 else "are"
    lines = [f"{len(missing)} of the {total} of {split.name} {verb} not in {where}:"]
    lines += [f"  {id}" for id in missing[:10]]
    if len(missing) > 10:
        lines.append("  ...")
    return "\n".join(lines)


def _elsewhere(missing: list[str], available: frozenset[str]) -> str:
    """Returns where a video is if the folder was too high or too low, the usual mistake.

    Classes may share names of files, so that one name found says nothing: nearly all missing videos
    whose names are found must have the same folders too many, or too few.
    """
    ends: dict[str, list[str]] = {}
    for id in sorted(available):  # A set has no order: the same mistake is to give the same hint.
        ends.setdefault(pathlib.PurePosixPath(id).name, []).append(id)
    found: dict[tuple[str, str], list[str]] = {}
    named = [id for id in missing if pathlib.PurePosixPath(id).name in ends]
    for id in named:
        for other in ends[pathlib.PurePosixPath(id).name]:
            longer, shorter = max(id, other, key=len), min(id, other, key=len)
            if longer.endswith(f"/{shorter}"):
                change = ("less" if longer is id else "more", longer.removesuffix(shorter))
                found.setdefault(change, []).append(other)
    most = max(found.values(), key=len, default=[])
    return most[0] if most and len(most) >= _NEARLY_ALL * len(named) else ""


def _describe_missing(
    split: splits.Split, missing: list[str], available: frozenset[str], where: str
) -> str:
    """Says what is missing and, as far as can be guessed, why."""
    message = _list_missing(split, missing, where)
    if not available:
        return f"{message}\nThere is no video at all."
    if found := _elsewhere(missing, available):
        return f"{message}\nOne is there as {found!r}: name another folder of videos."
    if len(missing) == len(splits.all_videos(split)):
        return (
            f"{message}\nNone of its {printing.count(len(available), 'video')} is of this data set."
        )
    return message
