"""Draws the validation part out of the training videos, so that no test video chooses anything."""

import dataclasses

from tf_twostream.datasets import groups, splits
from tf_twostream.processes import printing


class ValidationError(ValueError):
    """No validation part can be drawn."""


def draw(split: splits.Split, share: float) -> splits.Split:
    """Moves a share of each class from the training videos to the validation part.

    Whole groups are drawn, as by `groups.draw`, so that the draw is the same for both streams.

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
    drawn = groups.draw(split.train, share)
    validation = tuple(video for video in split.train if video in drawn)
    if not validation:
        rule = "A validation part must leave each class a training video of another group"
        learnt = printing.count(len(split.train), "video")
        given = f"validation_share={share:g} for {learnt} of {split.name}"
        raise ValidationError(f"{rule}. Received: {given}.")
    groups.warn_of_undrawn(drawn, split.class_names, "validation")
    train = tuple(video for video in split.train if video not in drawn)
    return dataclasses.replace(split, train=train, validation=validation)
