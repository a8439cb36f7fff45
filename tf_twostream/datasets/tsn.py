"""Reads the lists of TSN and mmaction2: lines "path number_of_frames label", or "path label".

There is a list for each part. Labels are numbers, which count from 0; a file may name the classes.
A path may lack the suffix, or the folders, of its video.
"""

import pathlib
import re
from collections.abc import Sequence

from tf_twostream.datasets import availability, groups, lists, splits, video_files

_LISTS = "the lists of the parts, separated by commas, such as train.txt,val.txt"
_PARTS = ("train", "val", "test")
_NUMBERED = re.compile(r"(\d+)\s+(\S.*)")


class PartNameError(ValueError):
    """The name of a list does not say which part it is."""


def read(annotations: str, videos_dir: str, class_index: str = "") -> splits.Split:
    """Reads a split from one list for each part.

    How many frames a video has is not believed: decoders differ. Clips of one recording are
    recognised by their names, as in class folders.

    Args:
        annotations: The lists, separated by commas; each has train, val or test in its name. Where
            there is none to test on, the validation part is.
        videos_dir: The folder of the videos; may be empty if all paths have a suffix.
        class_index: The file with the names of the classes in their order, one in a line, with or
            without their numbers; if empty, the numbers are the names.

    Returns:
        The split; its classes are those that occur, in the order of their numbers.

    Raises:
        MissingListError: If a list is missing.
        PartNameError: If its name does not say which part it is.
        VideosDirError: If there is no such folder.
        ValueError: If a line breaks the format.
    """
    paths = [pathlib.Path(path.strip()) for path in annotations.split(",")]
    parts = [_part(path) for path in paths]
    if twice := [part for part in _PARTS if parts.count(part) > 1]:
        rule = "There must be one list for each part"
        raise PartNameError(f"{rule}. Received: {parts.count(twice[0])} for {twice[0]}.")
    rows = {part: _read_rows(path) for part, path in zip(parts, paths)}
    labels = sorted({label for part in rows.values() for _, _, label in part})
    if not labels:
        raise ValueError(f"Lists of videos must list some. Received: {annotations}, without any.")
    names = _name(labels, class_index)
    lookup = video_files.Lookup(videos_dir)
    # By the names in the lists: which of the videos are there must not decide the groups.
    class_of = {_full(path): names[label] for part in rows.values() for _, path, label in part}
    group_of = groups.recognise(class_of, depth=0)
    videos = {
        part: tuple(
            lists.make_video(
                place,
                lookup.find(place, path),
                [labels.index(label)],
                group_of.get(_full(path), ""),
            )
            for place, path, label in rows[part]
        )
        for part in parts
    }
    train, validation, test = (videos.get(part, ()) for part in _PARTS)
    split = splits.test_on_validation(
        splits.Split(
            paths[0].name,
            tuple(names.values()),
            train,
            test,
            validation=validation,
        )
    )
    groups.warn_of_alike(split)
    return availability.check_learnable(split)


def _part(path: pathlib.Path) -> str:
    lists.existing(path, _LISTS)
    found = [part for part in _PARTS if part in path.name.lower()]
    if len(found) != 1:
        rule = "The name of a list must have one of train, val and test in it"
        raise PartNameError(f"{rule}. Received: {path}.")
    return found[0]


def _read_rows(path: pathlib.Path) -> list[tuple[str, str, int]]:
    """Returns the place, the path and the label of each line."""
    lines = list(lists.read_lines(path))
    with_frames = all(re.fullmatch(r".*\S\s+\d+\s+\d+", line) for _, line in lines)
    rows = []
    for place, line in lines:
        # From the right, for paths may have spaces.
        name, *numbers = line.rsplit(maxsplit=2 if with_frames else 1)
        if not numbers or not numbers[-1].isdecimal():
            rule = f'{place} must read "path frames label" or "path label", with a number as label'
            raise ValueError(f"{rule}. Received: {line!r}.")
        rows.append((place, name, int(numbers[-1])))
    return rows


def _full(path: str) -> str:
    """Returns a path with a suffix, of which only the dot counts."""
    return path if video_files.is_video(path) else f"{path}."


def _name(labels: Sequence[int], class_index: str) -> dict[int, str]:
    """Returns the name of each label."""
    if not class_index:
        return {label: str(label) for label in labels}
    what = "a file with the names of the classes"
    path = pathlib.Path(class_index)
    if not path.is_file():
        rule = f"`class_index` must name {what}"
        raise lists.MissingListError(f"{rule}. Received: {path}, which does not exist.")
    names = [line for _, line in lists.read_lines(path)]
    numbered = [match for match in map(_NUMBERED.fullmatch, names) if match]
    if len(numbered) == len(names):
        first = int(numbered[0][1])
        if [int(match[1]) for match in numbered] != list(range(first, first + len(names))):
            rule = f"{path} must number the classes one by one"
            raise ValueError(f"{rule}. Received: {', '.join(names[:3])} ...")
        names = [match[2] for match in numbered]
    if labels[-1] >= len(names):
        rule = f"Labels must be in [0, {len(names)}), for {path} names so many classes"
        raise ValueError(f"{rule}. Received: {labels[-1]}.")
    return {label: names[label] for label in labels}
