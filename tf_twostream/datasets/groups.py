"""Divides videos by groups, such as those of one actor: tests on some, trains on the others."""

import dataclasses
import re
from collections.abc import Collection, Iterable

from tf_twostream.datasets import availability, splits

# The group is what precedes the first "_" of the file name: daria in bend/daria_bend.avi.
PATTERN = r"([^/_]+)_[^/]*$"


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
        given = f"{', '.join(unknown)}. Its {len(known)} groups: {_first(known)}"
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
