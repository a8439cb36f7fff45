"""Draws the validation part out of the training videos, so that no test video chooses anything."""

import collections
import dataclasses
import hashlib

from absl import logging

from tf_twostream.datasets import splits


class ValidationError(ValueError):
    """No validation part can be drawn."""


def draw(split: splits.Split, share: float) -> splits.Split:
    """Moves a share of each class from the training videos to the validation part.

    Whole groups are drawn: clips of one recording resemble each other, and a network that has
    learnt one of them knows the others. Where no group is known, videos are drawn one by one. The
    order is that of the SHA-256 of the groups, so the draw is the same on every machine and for
    both streams. A group is taken if that brings its class nearer to its share; if none does, the
    smallest one. A class keeps a training video.

    Args:
        split: A split; one with a validation part of its own is returned as it is.
        share: The share of each class to draw, between 0 and 1.

    Returns:
        The split with a validation part; videos keep their order.

    Raises:
        ValidationError: If no group can be spared.
    """
    if split.validation:
        return split
    # A video without a group is one of its own.
    groups: dict[str, list[splits.Video]] = collections.defaultdict(list)
    for video in split.train:
        groups[video.group or video.id].append(video)
    order = sorted(groups, key=lambda group: hashlib.sha256(group.encode()).digest())
    sizes = {group: _count(videos) for group, videos in groups.items()}
    left = _count(split.train)
    wanted = {label: share * count for label, count in left.items()}
    found: collections.Counter[int] = collections.Counter()
    drawn: set[str] = set()

    def take(group: str) -> None:
        nonlocal found, left
        # Else a class would have nothing left to learn from.
        if all(left[label] > count for label, count in sizes[group].items()):
            drawn.add(group)
            found += sizes[group]
            left -= sizes[group]

    for label in sorted(left):
        own = [group for group in order if sizes[group][label] and group not in drawn]
        for group in own:
            if found[label] + sizes[group][label] / 2 < wanted[label]:
                take(group)
        for group in sorted(own, key=lambda group: sizes[group][label]):
            if not found[label]:
                take(group)
    return _move(split, drawn, share)


def _count(videos: list[splits.Video] | tuple[splits.Video, ...]) -> collections.Counter[int]:
    """Counts the videos of each class."""
    return collections.Counter(label for video in videos for label in video.labels)


def _move(split: splits.Split, drawn: set[str], share: float) -> splits.Split:
    """Moves the videos of some groups, and says which classes have none."""
    validation = tuple(video for video in split.train if (video.group or video.id) in drawn)
    if not validation:
        rule = "A validation part must leave each class a training video of another group"
        given = f"validation_share={share:g} for {len(split.train)} videos of {split.name}"
        raise ValidationError(f"{rule}. Received: {given}.")
    shown = _count(validation)
    if without := [name for label, name in enumerate(split.class_names) if not shown[label]]:
        words = "%d classes have a single group to learn from, and no validation video: %s."
        logging.warning(words, len(without), ", ".join(without[:10]))
    kept = set(validation)
    train = tuple(video for video in split.train if video not in kept)
    return dataclasses.replace(split, train=train, validation=validation)
