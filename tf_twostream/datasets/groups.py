"""Finds groups, such as the clips of one recording or one actor, and keeps them in one part.

Clips of one recording resemble each other, and a network that has learnt one of them knows the
others.
"""

import collections
import dataclasses
import hashlib
import pathlib
import re
from collections.abc import Collection, Iterable, Mapping

from absl import logging

from tf_twostream.datasets import availability, splits
from tf_twostream.processes import printing

# The group is what precedes the first "_" of the file name: daria in bend/daria_bend.avi.
PATTERN = r"([^/_]+)_[^/]*$"
# Where a name says which clip of a recording it is: the recording is the first parentheses. A
# number alone says nothing, for people number their recordings, too.
_MARKS = "c|clip|part|pt|seg|segment|take|scene|chunk|cut"
_RECORDINGS = (
    rf"(.+?)[ _.(-]+(?:{_MARKS})[ _.-]*\d+\)?",  # v_PushUps_g01_c02, kitchen (part 3)
    r"(.+)_\d{6}_\d{6}",  # The first and last second, as in Kinetics.
    r"(.+)[ _-]{class_name}(?![^\W\d_]).*",  # The film or actor, as in HMDB-51 and KTH.
)
# What may be one recording: five signs or more, which names that cameras give do not have.
_ALIKE = re.compile(r"(.{4,}[^\W\d_])[ _.-]*\(?\d+\)?")


class GroupsError(ValueError):
    """The groups to test on, or the way to find them, do not fit the data set."""


def find(ids: Iterable[str], pattern: str) -> dict[str, str]:
    """Finds the group of each video in its path.

    Args:
        ids: The videos.
        pattern: A regular expression; what its first parentheses match is the group.

    Returns:
        The group of each video.

    Raises:
        GroupsError: If the pattern is faulty, or a path does not match it.
    """
    rule = "`group_pattern` must be a regular expression with parentheses around the group"
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise GroupsError(f"{rule}. Received: {pattern!r} ({error}).") from None
    if not compiled.groups:
        raise GroupsError(f"{rule}. Received: {pattern!r}.")
    groups = {}
    for id in ids:
        match = compiled.search(id)
        # Parentheses that may be absent, or match nothing, would put such videos into one group.
        if not match or not match[1]:
            rule = f"The path of each video must have a group that {pattern!r} finds"
            raise GroupsError(f"{rule}. Received: {id!r}.")
        groups[id] = match[1]
    return groups


def recognise(class_of: Mapping[str, str], *, depth: int) -> dict[str, str]:
    """Finds the recordings that clips are cut from, if their names say it.

    A rule of `_RECORDINGS` holds if it finds a recording with two clips and leaves each class with
    two recordings or more. A video that it does not match is a recording of its own.

    Args:
        class_of: The class folder of each video, by id.
        depth: How many folders are above the class folders.

    Returns:
        The group of each video that has one; empty if no rule holds.
    """
    class_sizes = collections.Counter(class_of.values())
    for rule in _RECORDINGS:
        found = {}
        for id, class_name in class_of.items():
            # Subfolders of the class count: clip_1 of two days are two recordings.
            name = id.split("/", depth + 1)[-1].rpartition(".")[0]
            pattern = rule.replace("{class_name}", re.escape(class_name))
            if match := re.fullmatch(pattern, name, re.IGNORECASE | re.DOTALL):
                found[id] = match[1]
        recordings = {(name, found.get(id, id)) for id, name in class_of.items()}
        numbers = collections.Counter(name for name, _ in recordings)
        several = all(numbers[name] > 1 or size == 1 for name, size in class_sizes.items())
        if several and len(set(found.values())) < len(found):
            return found
    return {}


def warn_of_alike(split: splits.Split) -> None:
    """Warns if test videos seem to be clips of the recordings that are learnt.

    Their names are equal but for a number at the end, or they are of one group. Where most names
    of a class are equal but for that, the number says nothing.

    Args:
        split: The split.
    """
    videos = split.train + split.test
    sizes = collections.Counter(video.label for video in videos)
    alike_sizes = collections.Counter((video.label, _recording(video)) for video in videos)
    learnt = {(video.label, _recording(video)): video.id for video in split.train}
    alike = {
        video.id: learnt[video.label, _recording(video)]
        for video in split.test
        if (video.label, _recording(video)) in learnt
        and (video.group or 2 * alike_sizes[video.label, _recording(video)] <= sizes[video.label])
    }
    if alike:
        test, train = next(iter(alike.items()))
        words = (
            "%d of %d test videos look by their names like clips of recordings that are learnt "
            "(%r and %r): the accuracy would be too high. `group_pattern`, or groups in a CSV "
            "file, keep each recording in one part."
        )
        logging.warning(words, len(alike), len(split.test), test, train)


def _recording(video: splits.Video) -> str:
    match = _ALIKE.fullmatch(pathlib.PurePosixPath(video.id).stem)
    return video.group or (match[1] if match else video.id)


def draw(videos: Collection[splits.Video], share: float, *, salt: str = "") -> set[splits.Video]:
    """Draws a share of each class in whole groups; videos without a group are drawn one by one.

    The order is that of the SHA-256 of the groups, so the draw is the same on every machine. A
    group is taken if that brings its class nearer to its share (half a video is rounded up); if
    none does, the smallest one. A class keeps a video.

    Args:
        videos: What to draw from.
        share: The share of each class to draw, between 0 and 1.
        salt: Another one makes another draw.

    Returns:
        The videos drawn; none of a class that has a single group.
    """
    # A video without a group is one of its own.
    members: dict[str, list[splits.Video]] = collections.defaultdict(list)
    for video in videos:
        members[video.group or video.id].append(video)
    order = sorted(members, key=lambda group: hashlib.sha256(f"{salt}{group}".encode()).digest())
    sizes = {group: count(own) for group, own in members.items()}
    left = count(videos)
    wanted = {label: share * number for label, number in left.items()}
    found: collections.Counter[int] = collections.Counter()
    drawn: set[str] = set()

    def take(group: str) -> None:
        nonlocal found, left
        # Else a class would have nothing left to learn from.
        if all(left[label] > number for label, number in sizes[group].items()):
            drawn.add(group)
            found += sizes[group]
            left -= sizes[group]

    for label in sorted(left):
        own = [group for group in order if sizes[group][label] and group not in drawn]
        for group in own:
            size = sizes[group][label]
            missing = wanted[label] - found[label] - size / 2
            if missing > 0 or (missing == 0 and size == 1):
                take(group)
        for group in sorted(own, key=lambda group: sizes[group][label]):
            if not found[label]:
                take(group)
    return {video for group in drawn for video in members[group]}


def warn_of_undrawn(
    drawn: Collection[splits.Video], class_names: Collection[str], part: str
) -> None:
    """Warns if a class has none of the videos drawn.

    Args:
        drawn: What `draw` returned.
        class_names: The classes in the order of their labels.
        part: What the videos are drawn for, in a word.
    """
    shown = count(drawn)
    if without := [name for label, name in enumerate(class_names) if not shown[label]]:
        words = "There is no %s video of %s with a single group to learn from: %s."
        classes = printing.count(len(without), "class")
        logging.warning(words, part, classes, ", ".join(without[:10]))


def count(videos: Iterable[splits.Video]) -> collections.Counter[int]:
    """Counts the videos of each class."""
    return collections.Counter(label for video in videos for label in video.labels)


def leave_out(split: splits.Split, groups: Collection[str]) -> splits.Split:
    """Divides a data set anew: some groups for testing, all others for training.

    Args:
        split: The split; its unused videos stay unused, and its validation videos, as far as they
            are not tested on, the validation part.
        groups: The groups to test on.

    Returns:
        The new split, in the order of the old one.

    Raises:
        GroupsError: If a video has no group, or a group is unknown.
        UnlearntClassError: If a class is left without a training video.
    """
    videos = split.train + split.validation + split.test
    # A video without a group might show anybody, those to test on as well.
    if ungrouped := [video.id for video in videos if not video.group]:
        rule = "Each video must have a group where groups are left out for testing"
        raise GroupsError(f"{rule}. Received: none for {ungrouped[0]!r}.")
    known = {video.group for video in videos}
    if unknown := sorted(set(groups) - known):
        given = f"{', '.join(unknown)}. Its {printing.count(len(known), 'group')}: {_first(known)}"
        raise GroupsError(f"`test_groups` must be groups of {split.name}. Received: {given}.")
    left_out = dataclasses.replace(
        split,
        name=f"{split.name}, tested on {_first(groups)}",
        train=tuple(v for v in split.train + split.test if v.group not in groups),
        test=tuple(video for video in videos if video.group in groups),
        validation=tuple(video for video in split.validation if video.group not in groups),
    )
    return availability.check_training(left_out)


def _first(groups: Collection[str]) -> str:
    more = ", ..." if len(groups) > 20 else ""
    return ", ".join(sorted(groups)[:20]) + more
