"""Data sets described by a CSV file with the columns path, label, split and, if known, group."""

import csv
import pathlib
from collections.abc import Sequence

from tf_twostream.datasets import folders, splits

_REQUIRED = ("path", "label", "split")
_COLUMNS = (*_REQUIRED, "group")
_PARTS = {"train": "train", "test": "test", "": "unused"}
_EXAMPLE = "path,label,split,group\nPushUps/a.avi,PushUps,train,person 1"


def read(path: pathlib.Path) -> splits.Split:
    """Reads a split from a CSV file.

    Args:
        path: The file, UTF-8, with a header. `path` is relative to the folder of the videos;
            `split` is train, test or empty (unused); videos of one `group` (an actor, a
            recording) must be on one side.

    Returns:
        The split; the classes are in alphabetical order, the videos in that of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row breaks a rule, a video is listed twice, a group is on both sides,
            or a class has no training video.
    """
    rows = _read_rows(path)
    class_names = tuple(sorted({row["label"] for row in rows.values()}))
    parts: dict[str, list[splits.Video]] = {"train": [], "test": [], "unused": []}
    for place, row in rows.items():
        try:
            video = splits.Video(row["path"], class_names.index(row["label"]), row["group"])
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
        parts[_PARTS[row["split"]]].append(video)
    train, test, unused = (tuple(parts[part]) for part in ("train", "test", "unused"))
    split = splits.Split(path.name, class_names, train, test, unused)
    _check_groups(split)
    return splits.check_training(split)


def _read_rows(path: pathlib.Path) -> dict[str, dict[str, str]]:
    """Returns the cells of each row by its place ("file, line 3")."""
    if not path.is_file():
        raise FileNotFoundError(
            f"--annotations must name a CSV file such as\n{_EXAMPLE}\nReceived: {path}."
        )
    rows = {}
    with path.open(encoding="utf-8-sig", newline="") as file:  # -sig: Excel writes a mark.
        reader = csv.DictReader(file, skipinitialspace=True)
        _check_header(path, reader.fieldnames or ())
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(
                    f"{place} must have as many cells as the header; a path that holds a comma "
                    f'is written in "quotes". Received: {list(row.values())}.'
                )
            cells = {"group": ""} | {name: cell.strip() for name, cell in row.items()}
            _check_row(place, cells)
            rows[place] = cells
    if not rows:
        raise ValueError(f"A CSV file of videos must list some. Received: {path}, which is empty.")
    return rows


def _check_header(path: pathlib.Path, header: Sequence[str]) -> None:
    complete = set(_REQUIRED) <= set(header) <= set(_COLUMNS)
    if not complete or len(set(header)) != len(header):
        raise ValueError(
            f"The first line of {path} must name the columns path,label,split or "
            f"path,label,split,group. Received: {','.join(header)}."
        )


def _check_row(place: str, row: dict[str, str]) -> None:
    if not row["label"]:
        raise ValueError(f"{place} must have a label. Received: none for {row['path']!r}.")
    if row["split"] not in _PARTS:
        raise ValueError(
            f"{place} must have train, test or nothing as its split. Received: {row['split']!r}."
        )
    if not folders.is_video(row["path"]):
        raise ValueError(
            f"{place} must name a video ({' '.join(sorted(folders.SUFFIXES))}). "
            f"Received: {row['path']!r}."
        )


def _check_groups(split: splits.Split) -> None:
    trained = {video.group: video.id for video in split.train if video.group}
    for video in split.test:
        if video.group in trained:
            raise ValueError(
                f"The videos of a group must be all in train or all in test. Received: group "
                f"{video.group!r} with {trained[video.group]!r} in train and {video.id!r} in test."
            )
