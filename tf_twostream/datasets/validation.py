"""Draws the validation part out of the training videos, so that no test video chooses anything."""

import collections
import dataclasses
import hashlib

from absl import logging

from tf_twostream.datasets import splits


class ValidationError(ValueError):
    """A validation part is there already, or cannot be drawn."""


def draw(split: splits.Split, share: float) -> splits.Split:
    """Moves a share of each class from the training videos to the validation part.

    Whole groups are drawn: clips of one recording resemble each other, and a network that has
    learnt one of them knows the others. Where no group is known, videos are drawn one by one. The
    order is that of the SHA-256 of the groups, so the draw is the same on every machine and for
    both streams; a class goes on as long as that brings it nearer to its share, and keeps a
    training video.

    Args:
        split: A split without a validation part.
        share: The share of each class to draw, between 0 and 1; at least one group if there are
            two.

    Returns:
        The split with a validation part; videos keep their order.

    Raises:
        ValidationError: If the split has one already, or no group can be spared.
    """
    if split.validation:
        rule = "A data set with a validation part of its own must not be drawn from"
        given = f"{split.name} with {len(split.validation)} validation videos"
        raise ValidationError(f"{rule}. Received: validation_share={share:g} for {given}.")
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
    for label in sorted(left):
        for group in order:
            size = sizes[group]
            if group in drawn or not size[label]:
                continue
            if found[label] and found[label] + size[label] / 2 > wanted[label]:
                break
            if any(left[other] <= count for other, count in size.items()):
                continue  # A class would have nothing left to learn from.
            drawn.add(group)
            found += size
            left -= size
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
