"""Videos, their labels, and how they are divided: to learn from, to choose by, to measure on."""

import collections
import dataclasses
import difflib
import os
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from tf_twostream.processes import files, printing, typed


class SplitFileError(ValueError):
    """The file of a split holds something else, or is damaged."""


_NO_NAMES = frozenset(("", ".", ".."))


def check_id(id: str) -> None:
    """Checks that a text can be the id of a video.

    Args:
        id: See `Video`.

    Raises:
        ValueError: If it cannot.
    """
    # The store has a folder of this name, which must not lie outside of the store. A backslash
    # separates folders on Windows only, where the same lists would name other videos. Ids get into
    # files, tables and terminals: what those cannot take is refused here, and escaped nowhere else.
    parts = id.split("/")  # Not by `pathlib`, which takes 10 s for a million ids.
    if not _NO_NAMES.isdisjoint(parts) or "\\" in id or not printing.is_printable(id):
        rule = (
            'An id must be a plain path, relative to the folder of the videos, with "/", in UTF-8, '
            'without "\\" and control characters'
        )
        raise ValueError(f"{rule}. Received: {id!r}.")


@dataclasses.dataclass(frozen=True)
class Video:
    """A labelled video.

    Attributes:
        id: POSIX path relative to the folder of the videos, with suffix, for example
            "PushUps/v_PushUps_g01_c01.avi"; also the video's folder in the store.
        label: Index into the class names of the split; the lowest, if the video has several.
        group: Videos of one group share actor or background; empty if unknown.
        other_labels: The further labels of a video that shows several classes, ascending.
    """

    id: str
    label: int
    group: str = ""
    other_labels: tuple[int, ...] = ()

    def __post_init__(self):
        check_id(self.id)
        # There is one way to write a set of labels: a run goes on only if its splits are equal.
        if list(self.labels) != sorted(set(self.labels)):
            given = f"{self.labels} for {self.id!r}"
            raise ValueError(f"Labels of a video must be distinct and ascend. Received: {given}.")

    @property
    def labels(self) -> tuple[int, ...]:
        """All labels, ascending; only one in data sets with one label per video."""
        return (self.label, *self.other_labels)


@dataclasses.dataclass(frozen=True)
class Split:
    """The videos to train and to test on.

    Attributes:
        name: For people, for example "ucf101 split 1".
        class_names: The classes; a label is an index into them.
        train: Videos to learn from.
        test: Videos to measure on.
        unused: Videos of the data set that are in neither list (HMDB-51 has such).
        multi_label: Whether a video may show several classes (Charades).
        validation: Videos to choose settings and checkpoints by; the paper's protocol has none.
    """

    name: str
    class_names: tuple[str, ...]
    train: tuple[Video, ...]
    test: tuple[Video, ...]
    unused: tuple[Video, ...] = ()
    multi_label: bool = False
    validation: tuple[Video, ...] = ()

    def __post_init__(self):
        if len(set(self.class_names)) != len(self.class_names):
            raise ValueError(f"Class names must be distinct. Received: {self.class_names}.")
        videos, num_classes = each_video(self), len(self.class_names)
        # A video in both parts would be tested after it was learnt.
        if len({video.id for video in videos}) < len(videos):
            [(twice, _)] = collections.Counter(video.id for video in videos).most_common(1)
            rule = f"A video must be listed once in {self.name}"
            raise ValueError(f"{rule}. Received twice: {twice!r}.")
        for video in videos:
            if video.label < 0 or video.labels[-1] >= num_classes:
                rule = f"Labels must be in [0, {num_classes})"
                raise ValueError(f"{rule}. Received: {_say_labels(video)} of {self.name}.")
            if video.other_labels and not self.multi_label:
                rule = "A video must have one label, unless the split has multi_label=True"
                raise ValueError(f"{rule}. Received: {_say_labels(video)} of {self.name}.")


def _say_labels(video: Video) -> str:
    return f"{', '.join(map(str, video.labels))} for {video.id!r}"


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Returns each name once, in the order of the labels: integers by value, else alphabetical.

    Args:
        names: Names of classes; where all are integers, class 2 comes before class 10.
    """
    distinct = sorted(set(names))
    try:
        return tuple(sorted(distinct, key=int))
    except ValueError:
        return tuple(distinct)


def test_on_validation(split: Split) -> Split:
    """Returns a split that tests on the validation part, as is usual where no other is there."""
    if split.test or not split.validation:
        return split
    return dataclasses.replace(split, test=split.validation, validation=())


def describe(split: Split) -> str:
    """Says in a line how many classes, videos and groups a split has.

    Args:
        split: The split.
    """
    parts = {"training": split.train, "validation": split.validation, "test": split.test}
    *most, (part, last) = [(part, videos) for part, videos in parts.items() if videos]
    counts = [f"{len(videos):,} {part}" for part, videos in most]
    counts = [*counts, printing.count(len(last), f"{part} video")]
    words = f"{split.name}: {printing.count(len(split.class_names), 'class')}, {', '.join(counts)}"
    groups = sorted({video.group for video in all_videos(split) if video.group})
    if groups:
        words += f", {printing.count(len(groups), 'group')} such as {groups[0]!r}"
    return f"{words}."


def label_array(videos: Collection[Video], split: Split) -> np.ndarray:
    """Returns the labels of N videos in the form that networks and measures take.

    Args:
        videos: Videos of the split.
        split: Says whether a video may show several of its K classes.

    Returns:
        `[N]` int32 labels; or, where a video may show several classes, `[N, K]` bool.
    """
    if not split.multi_label:
        return np.array([video.label for video in videos], np.int32)
    shows = np.zeros((len(videos), len(split.class_names)), bool)
    for row, video in zip(shows, videos):
        row[list(video.labels)] = True
    return shows


def all_videos(split: Split) -> tuple[Video, ...]:
    """Returns every video of the data set once, ordered by class and then by id.

    The order is that of the official UCF-101 lists, and it is the same for every split.

    Args:
        split: Any split of the data set.
    """
    return tuple(sorted(each_video(split), key=lambda video: (video.label, video.id)))


def each_video(split: Split) -> tuple[Video, ...]:
    """Returns every video of the data set once, in the order of the split's parts."""
    return split.train + split.validation + split.test + split.unused


def select_classes(split: Split, classes: Collection[str]) -> Split:
    """Restricts a split to some classes.

    Args:
        split: The split.
        classes: Names of the classes to keep, in any order.

    Returns:
        A split whose labels are renumbered from 0; the classes keep their official order.

    Raises:
        ValueError: If a class is unknown.
    """
    if unknown := [name for name in classes if name not in split.class_names]:
        given = f"{', '.join(unknown)}. {_suggest(unknown[0], split.class_names)}"
        raise ValueError(f"`classes` must be classes of {split.name}. Received: {given}")
    names = tuple(name for name in split.class_names if name in classes)
    if len(names) == len(split.class_names):
        return split
    name = f"{split.name}, {len(names)} of {len(split.class_names)} classes"
    return dataclasses.replace(restrict(split, names), name=name)


def restrict(
    split: Split, class_names: tuple[str, ...], keep: Callable[[Video], bool] = lambda _: True
) -> Split:
    """Restricts a split to some of its classes, and to some of their videos.

    Args:
        split: The split.
        class_names: The classes to keep, in the order of their new labels.
        keep: Whether to keep a video.

    Returns:
        The new split, of the same name.
    """
    labels = {split.class_names.index(kept): label for label, kept in enumerate(class_names)}

    def part(videos: Iterable[Video]) -> tuple[Video, ...]:
        restricted = []
        for video in filter(keep, videos):
            # A video with several labels goes only when none of them is left.
            if kept := [labels[label] for label in video.labels if label in labels]:
                restricted.append(
                    dataclasses.replace(video, label=kept[0], other_labels=tuple(kept[1:]))
                )
        return tuple(restricted)

    return dataclasses.replace(
        split,
        class_names=class_names,
        train=part(split.train),
        test=part(split.test),
        unused=part(split.unused),
        validation=part(split.validation),
    )


def _suggest(unknown: str, names: tuple[str, ...]) -> str:
    # Capitals are the usual mistake (UCF-101 has PushUps, HMDB-51 pushup), and difflib counts each
    # as another letter.
    lowered = {name.lower(): name for name in names}
    if near := difflib.get_close_matches(unknown.lower(), lowered, n=5):
        return f"Near names: {', '.join(lowered[name] for name in near)}."
    return f"The first of its {len(names)} classes: {', '.join(names[:10])}."


def save_split(split: Split, path: str | os.PathLike[str]) -> None:
    """Writes a split as JSON, atomically.

    Args:
        split: The split.
        path: The file; its folder is created if need be.
    """
    files.write_json(path, dataclasses.asdict(split), indent=1)


def load_split(
    path: str | os.PathLike[str],
    *,
    upgrade: Callable[[dict[str, Any]], dict[str, Any]] = lambda video: video,
) -> Split:
    """Reads a split that `save_split` wrote.

    Args:
        path: The file.
        upgrade: Brings the fields of a video, as an earlier version wrote them, up to date.

    Returns:
        A split that is equal to the saved one.

    Raises:
        OSError: If the file cannot be read.
        SplitFileError: If it holds anything else.
    """
    try:
        content = files.read_json(path)
        parts = {
            # Splits were saved without a validation part before there was one.
            part: tuple(_load_video(upgrade(video)) for video in content.get(part, ()))
            for part in ("train", "test", "unused", "validation")
        }
        split = Split(**{**content, **parts, "class_names": tuple(content["class_names"])})
        typed.check(split)
        return split
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        rule = "A split file must be one that this program wrote"
        raise SplitFileError(f"{rule}. Received: {os.fspath(path)} ({error}).") from error


def _load_video(fields: dict[str, Any]) -> Video:
    # Splits were saved without this field before videos could have several labels.
    return Video(**{**fields, "other_labels": tuple(fields.get("other_labels", ()))})
