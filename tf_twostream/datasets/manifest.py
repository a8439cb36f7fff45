"""Reads data sets that a CSV file describes: columns path, label, split and, if known, group."""

import operator
import pathlib

from tf_twostream.datasets import availability, folders, lists, splits

_FILE = 'a CSV file path,label,split[,group] with rows such as "PushUps/a.avi,PushUps,train,ann"'


def read(path: pathlib.Path) -> splits.Split:
    """Reads a split from a CSV file.

    Args:
        path: The file, UTF-8, with a header. `path` is relative to the folder of the videos;
            `split` is train, val (validation), test or empty (unused); videos of one `group`
            (an actor, a recording) must be in one part.

    Returns:
        The split; the classes are in alphabetical order, the videos in that of the file.

    Raises:
        MissingListError: If there is no such file.
        UnlearntClassError: If a class has no training video.
        ValueError: If a row breaks a rule, a video is listed twice, or a group is in two parts.
    """
    rows = {}
    for place, row in lists.read_rows(
        lists.existing(path, _FILE), ("path", "label", "split"), ("group",)
    ):
        _check_row(place, row)
        rows[place] = row
    if not rows:
        raise ValueError(f"A CSV file of videos must list some. Received: {path}, without any.")
    # Labels are known only after the last row: they are places in the alphabetical order.
    class_names = tuple(sorted({row["label"] for row in rows.values()}))
    parts: dict[str, list[splits.Video]] = {"train": [], "test": [], "": [], "val": []}
    for place, row in rows.items():
        labels = [class_names.index(row["label"])]
        video = lists.make_video(place, row["path"], labels, row.get("group", ""))
        parts[row["split"]].append(video)
    train, test, unused, validation = map(tuple, parts.values())
    split = splits.Split(path.name, class_names, train, test, unused, validation=validation)
    _check_groups(split)
    return availability.check_training(split)


def _check_row(place: str, row: dict[str, str]) -> None:
    if not row["label"] or row["split"] not in ("train", "val", "test", ""):
        rule = f"{place} must have a label, and train, val, test or nothing as its split"
        raise ValueError(f"{rule}. Received: {row['label']!r}, {row['split']!r}.")
    # What `find_videos` does not find would count as missing later, without a reason.
    if not folders.is_video(row["path"]):
        rule = f"{place} must name a video ({' '.join(sorted(folders.SUFFIXES))})"
        raise ValueError(f"{rule}. Received: {row['path']!r}.")


def _check_groups(split: splits.Split) -> None:
    """Checks that no actor or recording is measured on, or chosen by, that was learnt."""
    parts = {"train": split.train, "val": split.validation, "test": split.test}
    first: dict[str, tuple[str, str]] = {}  # Of each group: a part, and a video in it.
    for part, videos in parts.items():
        for video in filter(operator.attrgetter("group"), videos):
            other, id = first.setdefault(video.group, (part, video.id))
            if other != part:
                rule = "All videos of a group must be in train, all in val, or all in test"
                both = f"{id!r} in {other} and {video.id!r} in {part}"
                raise ValueError(f"{rule}. Received: group {video.group!r} with {both}.")
