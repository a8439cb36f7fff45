"""Reads data sets that a CSV file describes: columns path, label, split and, if known, group.

Rows with the columns start and end are clips of longer videos.
"""

import dataclasses
import operator
import pathlib
from collections.abc import Collection, Iterator

from tf_twostream.datasets import availability, clips, groups, lists, splits, video_files

_FILE = (
    "a CSV file path,label,split[,group][,start,end] with rows such as "
    '"PushUps/a.avi,PushUps,train,ann"'
)


class SeveralLabelsError(ValueError):
    """A video has several labels where it must have one."""


def read(path: pathlib.Path, *, multi_label: bool = False) -> splits.Split:
    """Reads a split from a CSV file.

    Args:
        path: The file, with a header. `path` is relative to the folder of the videos; `split` is
            train, val (validation), test or empty (unused); videos of one `group` (an actor, a
            recording) must be in one part. `start` and `end` are seconds; the clips of one file
            are a group unless the file names another one.
        multi_label: Whether a video may show several classes: "run;jump" as its label, or a row
            for each.

    Returns:
        The split; the classes are in the order of `splits.sort_classes`, the videos in that of the
        file.

    Raises:
        MissingListError: If there is no such file.
        SeveralLabelsError: If a video has several labels and may not.
        UnlearntClassError: If there are training videos, but of a class none.
        SingleClassError: If there are training videos, and only one class.
        ValueError: If a row breaks a rule, a video is listed twice, or a group is in two parts.
    """
    rows: dict[str, _Row] = {}
    for place, cells in lists.read_rows(
        lists.existing(path, _FILE), ("path", "label", "split"), ("group", "start", "end")
    ):
        row = _parse(place, cells)
        if not multi_label and len(row.labels | rows.get(row.id, row).labels) > 1:
            labels = ";".join(sorted(row.labels | rows.get(row.id, row).labels))
            rule = f"{place} must give its video one class"
            raise SeveralLabelsError(f"{rule}. Received: {row.id!r} with {labels!r}.")
        rows[row.id] = row.joined(rows[row.id]) if row.id in rows else row
    if not rows:
        raise ValueError(f"A CSV file of videos must list some. Received: {path}, without any.")
    rows = {row.id: row for row in _group_clips(rows.values())}
    # Labels are known only after the last row: they are places in the order of all classes.
    class_names = splits.sort_classes(name for row in rows.values() for name in row.labels)
    numbers = {name: label for label, name in enumerate(class_names)}
    parts: dict[str, list[splits.Video]] = {"train": [], "test": [], "": [], "val": []}
    for row in rows.values():
        shown = sorted(numbers[name] for name in row.labels)
        parts[row.split].append(lists.make_video(row.place, row.id, shown, row.group))
    train, test, unused, validation = map(tuple, parts.values())
    split = splits.Split(
        path.name, class_names, train, test, unused, validation=validation, multi_label=multi_label
    )
    _check_groups(split)
    groups.warn_of_alike(split)
    return availability.check_learnable(split)


@dataclasses.dataclass(frozen=True)
class _Row:
    """What the file says of a video."""

    place: str
    id: str
    labels: frozenset[str]
    split: str
    group: str

    def joined(self, earlier: "_Row") -> "_Row":
        """Returns both rows of one video as one."""
        ours, theirs = (
            dataclasses.replace(r, place="", labels=frozenset()) for r in (self, earlier)
        )
        if self.labels <= earlier.labels or ours != theirs:
            rule = "A video must be listed once, or once for each label with one split and group"
            raise ValueError(f"{self.place}: {rule}. Received twice: {self.id!r}.")
        return dataclasses.replace(earlier, labels=self.labels | earlier.labels)


def _parse(place: str, cells: dict[str, str]) -> _Row:
    labels = [name.strip() for name in cells["label"].split(";")]
    if not all(labels) or cells["split"] not in ("train", "val", "test", ""):
        rule = f"{place} must have a label, and train, val, test or nothing as its split"
        raise ValueError(f"{rule}. Received: {cells['label']!r}, {cells['split']!r}.")
    # What `find_videos` does not find would count as missing later, without a reason.
    if not video_files.is_video(cells["path"]):
        rule = f"{place} must name a video ({' '.join(sorted(video_files.SUFFIXES))})"
        raise ValueError(f"{rule}. Received: {cells['path']!r}.")
    id, start, end = cells["path"], cells.get("start", ""), cells.get("end", "")
    if start or end:
        try:
            id = clips.name(id, start, end)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    return _Row(place, id, frozenset(labels), cells["split"], cells.get("group", ""))


def _group_clips(rows: Collection[_Row]) -> Iterator[_Row]:
    """Yields the rows; those of a file of which clips are listed have it as their group."""
    cut = {clip.path for clip in map(clips.locate, (row.id for row in rows)) if clip.is_part}
    for row in rows:
        path = clips.locate(row.id).path
        yield dataclasses.replace(row, group=row.group or path) if path in cut else row


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
