"""Adds the classes of one data set to another (paper, section 6, table 2).

Which classes may be added is a choice by hand: a CSV file with the columns `class`, `use` (add or
exclude), `counterpart` (the nearest class of the other data set) and `reason`. The paper adds "78
classes from UCF-101, which are manually selected so that there is no intersection between these
classes and the native HMDB-51 classes" and does not list them; `UCF101_NOT_IN_HMDB51` is our
reading.
"""

import csv
import dataclasses
import os
import pathlib
from collections.abc import Collection

from tf_twostream.datasets import splits

UCF101_NOT_IN_HMDB51 = pathlib.Path(__file__).with_name("ucf101_not_in_hmdb51.csv")
_COLUMNS = ["class", "use", "counterpart", "reason"]


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
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        if reader.fieldnames != _COLUMNS:
            raise ValueError(
                f"The first line of {os.fspath(path)} must be {','.join(_COLUMNS)}. "
                f"Received: {','.join(reader.fieldnames or ())}."
            )
        for row in reader:
            place = f"{os.fspath(path)}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(
                    f"{place} must have {len(_COLUMNS)} cells; a text that holds a comma is "
                    f'written in "quotes". Received: {list(row.values())}.'
                )
            name, use = row["class"].strip(), row["use"].strip()
            if not name or name in chosen or use not in ("add", "exclude"):
                raise ValueError(
                    f"{place} must name a class, once, and say add or exclude. "
                    f"Received: {name!r}, {use!r}."
                )
            chosen[name] = use == "add"
    if not any(chosen.values()):
        raise ValueError(f"{os.fspath(path)} must add a class. Received: none.")
    return tuple(name for name, add in chosen.items() if add)


def add_classes(main: splits.Split, extra: splits.Split, classes: Collection[str]) -> splits.Split:
    """Adds classes of another data set to be trained along; testing stays as it is.

    All videos of the added classes are for training, whatever their part in `extra`: the paper
    uses "full (all splits combined) UCF-101 data". Restrict each split to the videos that exist
    before (`keep_available`): the two may lie in different stores.

    Args:
        main: The data set to learn, for example HMDB-51.
        extra: The other data set, any split of it, for example UCF-101.
        classes: Names of the classes of `extra` to add.

    Returns:
        A split with the classes of `main` followed by the added ones, in the order of `extra`.
        The added videos have `store=1`.

    Raises:
        ValueError: If a class is unknown or in both, if a video may have several labels, or if
            `main` has added classes already.
    """
    if main.multi_label or extra.multi_label:
        raise ValueError(
            "Classes can be added only where each video has one label: nobody has looked which "
            f"of the other classes it shows. Received: {main.name} and {extra.name}."
        )
    if any(video.store for video in main.train + extra.train):
        raise ValueError(
            "Classes can be added once, from one data set to another. "
            f"Received: {main.name} and {extra.name}."
        )
    added = splits.select_classes(extra, classes)
    if both := sorted(set(main.class_names) & set(added.class_names)):
        raise ValueError(
            f"The added classes must not be classes of {main.name}. Received: {', '.join(both)}."
        )
    first = len(main.class_names)
    videos = tuple(
        dataclasses.replace(video, label=first + video.label, store=1)
        for video in splits.all_videos(added)
    )
    return dataclasses.replace(
        main,
        name=f"{main.name} with {len(added.class_names)} classes of {extra.name}",
        class_names=main.class_names + added.class_names,
        train=main.train + videos,
    )
