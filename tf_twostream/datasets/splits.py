"""Videos, their labels and the official division into training and test videos."""

import dataclasses
import difflib
import json
import os
import pathlib
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from absl import logging


@dataclasses.dataclass(frozen=True)
class Video:
    """A labelled video.

    Attributes:
        id: POSIX path relative to the folder of the videos, with suffix, for example
            "PushUps/v_PushUps_g01_c01.avi"; also the video's folder in the store.
        label: Index into the class names of the split; the lowest, if the video has several.
        group: Videos of one group share actor or background; empty if unknown.
        other_labels: The further labels of a video that shows several classes, ascending.
        store: Which store holds the video: 0, or 1 for the videos that `union.add_classes` adds.
    """

    id: str
    label: int
    group: str = ""
    other_labels: tuple[int, ...] = ()
    store: int = 0

    def __post_init__(self):
        path = pathlib.PurePosixPath(self.id)
        plain = path.name and str(path) == self.id and "\\" not in self.id
        if not plain or path.is_absolute() or ".." in path.parts:
            raise ValueError(
                "The path of a video must be relative to the folder of the videos, plain, and "
                f'written with "/", for example "PushUps/a.avi". Received: {self.id!r}.'
            )
        if list(self.labels) != sorted(set(self.labels)):
            raise ValueError(
                f"The labels of a video must be distinct and ascend. Received: {self.labels} for "
                f"{self.id!r}."
            )

    @property
    def labels(self) -> tuple[int, ...]:
        """All labels, ascending; just the one in data sets with one label per video."""
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
    """

    name: str
    class_names: tuple[str, ...]
    train: tuple[Video, ...]
    test: tuple[Video, ...]
    unused: tuple[Video, ...] = ()
    multi_label: bool = False

    def __post_init__(self):
        if len(set(self.class_names)) != len(self.class_names):
            raise ValueError(
                f"Class names of {self.name} must be distinct. Received: {self.class_names}."
            )
        seen = set()
        for video in self.train + self.test + self.unused:
            if (video.store, video.id) in seen:
                raise ValueError(
                    f"A video must be listed once in {self.name}. Received twice: {video.id!r}."
                )
            if video.labels[0] < 0 or video.labels[-1] >= len(self.class_names):
                raise ValueError(
                    f"Labels of {self.name} must be in [0, {len(self.class_names)}). "
                    f"Received: {', '.join(map(str, video.labels))} for {video.id!r}."
                )
            if video.other_labels and not self.multi_label:
                raise ValueError(
                    f"A video of {self.name} must have one label, or the split must say "
                    f"multi_label=True. Received: {video.labels} for {video.id!r}."
                )
            seen.add((video.store, video.id))

    @property
    def several_of(self) -> int:
        """K, if a video may show several of the K classes; 0 if each shows one."""
        return len(self.class_names) if self.multi_label else 0


def label_array(videos: Collection[Video], several_of: int = 0) -> np.ndarray:
    """Returns the labels of N videos as networks and measures take them.

    Args:
        videos: The videos.
        several_of: K, if a video may show several of K classes; 0 if each shows one.

    Returns:
        `[N]` int32 labels; with `several_of` `[N, K]` bool, whether a video shows a class.
    """
    if not several_of:
        return np.array([video.label for video in videos], np.int32)
    shows = np.zeros((len(videos), several_of), bool)
    for row, video in zip(shows, videos):
        row[list(video.labels)] = True
    return shows


def all_videos(split: Split) -> tuple[Video, ...]:
    """Returns every video of the data set once, ordered by class and then by id.

    The order is that of the official UCF-101 lists, and it is the same for every split.
    """
    videos = split.train + split.test + split.unused
    return tuple(sorted(videos, key=lambda video: (video.label, video.id)))


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
    unknown = [name for name in classes if name not in split.class_names]
    if unknown:
        raise ValueError(
            f"The classes must be classes of {split.name}. Received: {', '.join(unknown)}. "
            f"{_suggest(unknown[0], split.class_names)}"
        )
    names = tuple(name for name in split.class_names if name in classes)
    if len(names) == len(split.class_names):
        return split
    name = f"{split.name}, {len(names)} of {len(split.class_names)} classes"
    return _restrict(split, name, names, lambda video: True)


def available_videos(
    split: Split, available: Collection[str], *, where: str, allow_missing: bool
) -> tuple[Video, ...]:
    """Returns the videos of a data set that exist, ordered as by `all_videos`.

    Args:
        split: Any split of the data set; its unused videos are looked for as well.
        available: Ids of the videos that exist.
        where: Where they were looked for, in words, for example "--store=/data/ucf101".
        allow_missing: Whether to go on, with a warning, without those that do not exist.

    Raises:
        FileNotFoundError: If a video is missing and may not be, or if none exists.
    """
    available = frozenset(available)
    videos = all_videos(split)
    missing = [video.id for video in videos if video.id not in available]
    if missing and (not allow_missing or len(missing) == len(videos)):
        raise FileNotFoundError(_describe_missing(split, missing, available, where))
    if missing:
        logging.warning("%s", _list_missing(split, missing, where))
    return tuple(video for video in videos if video.id in available)


def keep_available(
    split: Split, available: Collection[str], *, where: str, allow_missing: bool
) -> Split:
    """Restricts a split to what can be trained on: videos that exist, of classes to be learnt.

    Args:
        split: The split; its unused videos are looked for as well.
        available: Ids of the videos that exist.
        where: Where they were looked for, in words, for example "--store=/data/ucf101".
        allow_missing: Whether to go on with the videos that exist. Classes of which no training
            video is left are dropped, with their test videos, and the labels are renumbered in
            the official order.

    Returns:
        The split itself if nothing is missing, else the restricted one, whose name says so.

    Raises:
        FileNotFoundError: If a video is missing and may not be, or if none exists.
        ValueError: If a class has no training video and may not be dropped, or if none has one.
    """
    videos = available_videos(split, available, where=where, allow_missing=allow_missing)
    ids = {video.id for video in videos}
    unlearnt = _classes_without(split, [video for video in split.train if video.id in ids])
    if unlearnt and (not allow_missing or len(unlearnt) == len(split.class_names)):
        how = "" if allow_missing else ": --allow_missing"
        raise ValueError(_describe_unlearnt(split, unlearnt, how))
    if len(videos) == len(all_videos(split)) and not unlearnt:
        return split
    gone = _classes_without(split, videos)
    if gone:
        logging.warning("%d classes without any video left are dropped.", len(gone))
    if untrained := [name for name in unlearnt if name not in gone]:
        logging.warning(
            "Classes without a training video in %s are dropped with their other videos: %s.",
            where,
            ", ".join(untrained),
        )
    names = tuple(name for name in split.class_names if name not in unlearnt)
    kept = _restrict(split, split.name, names, lambda video: video.id in ids)
    name = f"{split.name}, {len(all_videos(kept))} of {len(all_videos(split))} videos"
    return dataclasses.replace(kept, name=name)


def check_training(split: Split) -> Split:
    """Returns the split if each class has a video to learn from.

    Raises:
        ValueError: If a class has none.
    """
    if unlearnt := _classes_without(split, split.train):
        raise ValueError(_describe_unlearnt(split, unlearnt))
    return split


def _classes_without(split: Split, videos: Iterable[Video]) -> list[str]:
    """Returns the names of the classes that none of `videos` shows."""
    shown = {label for video in videos for label in video.labels}
    return [name for label, name in enumerate(split.class_names) if label not in shown]


def _describe_unlearnt(split: Split, unlearnt: list[str], how: str = "") -> str:
    more = f" ... ({len(unlearnt)} classes)" if len(unlearnt) > 10 else ""
    return (
        f"Each class of {split.name} must have a training video. Received none of: "
        f"{', '.join(unlearnt[:10])}{more}. Add some, or leave the classes out{how}."
    )


def save_split(split: Split, path: str | os.PathLike[str]) -> None:
    """Writes a split as JSON, atomically; `load_split` gives back an equal split.

    Args:
        split: The split.
        path: The file; its folder is created if need be.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(dataclasses.asdict(split), indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def load_split(path: str | os.PathLike[str]) -> Split:
    """Reads a split that `save_split` wrote.

    Args:
        path: The file.

    Returns:
        The split.

    Raises:
        ValueError: If the file holds anything else.
    """
    try:
        fields = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        fields["class_names"] = tuple(fields["class_names"])
        for part in ("train", "test", "unused"):
            fields[part] = tuple(_load_video(**video) for video in fields[part])
        return Split(**fields)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"A split file must be one that this program wrote. Received: {os.fspath(path)} "
            f"({error}). Restore it or start again in another folder."
        ) from error


def _load_video(*, other_labels: Iterable[int] = (), **fields: Any) -> Video:
    return Video(**fields, other_labels=tuple(other_labels))  # JSON has lists only.


def _restrict(
    split: Split, name: str, class_names: tuple[str, ...], keep: Callable[[Video], bool]
) -> Split:
    """Keeps the videos of `class_names` for which `keep` holds; renumbers their labels."""
    labels = {split.class_names.index(kept): label for label, kept in enumerate(class_names)}

    def part(videos: Iterable[Video]) -> tuple[Video, ...]:
        restricted = []
        for video in filter(keep, videos):
            if kept := [labels[label] for label in video.labels if label in labels]:
                restricted.append(
                    dataclasses.replace(video, label=kept[0], other_labels=tuple(kept[1:]))
                )
        return tuple(restricted)

    return dataclasses.replace(
        split,
        name=name,
        class_names=class_names,
        train=part(split.train),
        test=part(split.test),
        unused=part(split.unused),
    )


def _suggest(unknown: str, names: tuple[str, ...]) -> str:
    lowered = {name.lower(): name for name in names}
    near = difflib.get_close_matches(unknown.lower(), lowered, n=5)
    if near:
        return f"Near names: {', '.join(lowered[name] for name in near)}."
    return f"The first of its {len(names)} classes: {', '.join(names[:10])}."


def _list_missing(split: Split, missing: list[str], where: str) -> str:
    """Says how many videos are missing and which are the first ten."""
    total = len(split.train + split.test + split.unused)
    lines = [f"{len(missing)} of the {total} videos of {split.name} are not in {where}:"]
    lines += [f"  {id}" for id in missing[:10]]
    if len(missing) > 10:
        lines.append("  ...")
    return "\n".join(lines)


def _describe_missing(
    split: Split, missing: list[str], available: frozenset[str], where: str
) -> str:
    """Says what is missing and, as far as can be guessed, why."""
    message = _list_missing(split, missing, where)
    elsewhere = {pathlib.PurePosixPath(id).name: id for id in sorted(available)}
    names = (pathlib.PurePosixPath(id).name for id in missing)
    found = next((elsewhere[name] for name in names if name in elsewhere), None)
    if not available:
        return f"{message}\nThere is no video at all: check the path."
    if found:
        return f"{message}\nOne is there as {found!r}: name another folder of videos."
    if len(missing) == len(split.train + split.test + split.unused):
        return f"{message}\nNone of its {len(available)} videos is of this data set."
    return f"{message}\nAdd them, or go on without them: --allow_missing."
