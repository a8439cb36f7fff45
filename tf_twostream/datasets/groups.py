"""Groups of videos, such as those of one actor: tests on some of them, training on the others."""

import re
from collections.abc import Collection, Iterable

from tf_twostream.datasets import splits

# What stands before the first "_" of the file name: daria in bend/daria_bend.avi.
PATTERN = r"([^/_]+)_[^/]*$"


def find(ids: Iterable[str], pattern: str) -> dict[str, str]:
    """Finds out from the path of each video which group it belongs to.

    Args:
        ids: The videos.
        pattern: A regular expression; what its first parentheses match is the group.

    Returns:
        The group of each video.

    Raises:
        ValueError: If the pattern is faulty, or a path does not match it.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"--group_pattern must be a regular expression. Received: {pattern!r} ({error})."
        ) from None
    if not compiled.groups:
        raise ValueError(
            "--group_pattern must hold parentheses around the group, for example "
            f"{PATTERN!r}. Received: {pattern!r}."
        )
    groups = {}
    for id in ids:
        match = compiled.search(id)
        if not match or not match[1]:
            raise ValueError(
                f"The path of each video must say its group, found by --group_pattern={pattern!r}. "
                f"Received: {id!r}. Give another pattern, or the groups in a CSV file."
            )
        groups[id] = match[1]
    return groups


def leave_out(split: splits.Split, groups: Collection[str]) -> splits.Split:
    """Divides a data set anew: some groups for testing, all others for training.

    Args:
        split: The split; its unused videos stay unused.
        groups: The groups to test on.

    Returns:
        The new split, in the order of the old one.

    Raises:
        ValueError: If a video has no group, a group is unknown, or a class is left without a
            training video.
    """
    videos = split.train + split.test
    for video in videos:
        if not video.group:
            raise ValueError(
                "Each video must have a group where groups are left out for testing. "
                f"Received: none for {video.id!r}."
            )
    known = {video.group for video in videos}
    if unknown := sorted(set(groups) - known):
        raise ValueError(
            f"--test_groups must be groups of {split.name}. Received: {', '.join(unknown)}. "
            f"Its {len(known)} groups: {_first(known)}."
        )
    return splits.check_training(
        splits.Split(
            name=f"{split.name}, tested on {_first(groups)}",
            class_names=split.class_names,
            train=tuple(video for video in videos if video.group not in groups),
            test=tuple(video for video in videos if video.group in groups),
            unused=split.unused,
            multi_label=split.multi_label,
        )
    )


def _first(groups: Collection[str]) -> str:
    more = ", ..." if len(groups) > 20 else ""
    return ", ".join(sorted(groups)[:20]) + more
