"""Adds the classes of one data set to another (paper, section 6, table 2).

Which classes may be added is a choice by hand: a CSV file with the columns `class`, `use` (add or
exclude), `counterpart` (the nearest class of the other data set) and `reason`. The paper adds "78
classes from UCF-101, which are manually selected so that there is no intersection between these
classes and the native HMDB-51 classes" and does not list them; `UCF101_NOT_IN_HMDB51` is our
reading.
"""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Collection

from tf_twostream.datasets import lists, splits

UCF101_NOT_IN_HMDB51 = pathlib.Path(__file__).with_name("ucf101_not_in_hmdb51.csv")


def read_choice(path: str | os.PathLike[str] = UCF101_NOT_IN_HMDB51) -> tuple[str, ...]:
    """Reads which classes are to be added.

    Args:
        path: The CSV file.

    Returns:
        The classes of the rows whose `use` is "add", in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row breaks a rule, or no class is to be added.
    """
    chosen: dict[str, bool] = {}
    for place, row in lists.read_rows(path, ("class", "use", "counterpart", "reason")):
        name, use = row["class"], row["use"]
        # Twice, a class might be added by one row and excluded by another.
        if not name or name in chosen or use not in ("add", "exclude"):
            rule = f"{place} must name a class, once, and say add or exclude"
            raise ValueError(f"{rule}. Received: {name!r}, {use!r}.")
        chosen[name] = use == "add"
    if not any(chosen.values()):
        raise ValueError(f"{os.fspath(path)} must add a class. Received: none.")
    return tuple(name for name, add in chosen.items() if add)


def add_classes(
    main: splits.Split,
    extra: splits.Split,
    classes: Collection[str],
    *,
    rename: Callable[[str], str],
) -> splits.Split:
    """Adds classes of another data set to the training videos; testing stays as it is.

    All videos of the added classes are for training, whatever their part in `extra`: the paper
    uses "full (all splits combined) UCF-101 data". Restrict each split to the videos that exist
    before (`keep_available`): the two may lie in different stores, which `rename` tells apart.

    Args:
        main: The data set to learn, for example HMDB-51.
        extra: The other data set, any split of it, for example UCF-101.
        classes: Names of the classes of `extra` to add.
        rename: From the id of an added video to the one that it shall have.

    Returns:
        A split with the classes of `main` followed by the added ones, in the order of `extra`.

    Raises:
        ValueError: If a class is unknown or in both, or if a video may have several labels.
    """
    # Nobody has looked which classes of the other data set such a video shows as well.
    if main.multi_label or extra.multi_label:
        rule = "Videos must have one label each where classes are added"
        raise ValueError(f"{rule}. Received: {main.name} and {extra.name}.")
    added = splits.select_classes(extra, classes)
    if both := sorted(set(main.class_names) & set(added.class_names)):
        rule = f"The added classes must not be classes of {main.name}"
        raise ValueError(f"{rule}. Received: {', '.join(both)}.")
    # The own classes keep their labels, so that what is tested does not change.
    first = len(main.class_names)
    videos = tuple(
        dataclasses.replace(video, id=rename(video.id), label=first + video.label)
        for video in splits.all_videos(added)
    )
    return dataclasses.replace(
        main,
        name=f"{main.name} with {len(added.class_names)} classes of {extra.name}",
        class_names=main.class_names + added.class_names,
        train=main.train + videos,
    )
