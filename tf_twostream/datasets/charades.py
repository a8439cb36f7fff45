"""Reads the official lists of Charades (Sigurdsson et al., ECCV 2016).

A video may show several actions. `Charades_v1_classes.txt` holds lines "c000 Holding some
clothes". `Charades_v1_train.csv` and `Charades_v1_test.csv` have among their columns `id` (the
video is `id`.mp4), `subject` and `actions`, "c092 11.90 21.20;c147 0.00 12.60": class, first and
last second. As in the official evaluation of videos, the seconds do not count: a video shows an
action or it does not.
"""

import pathlib

from absl import logging

from tf_twostream.datasets import lists, splits
from tf_twostream.processes import printing

_LISTS = "the folder of the lists in Charades.zip (https://prior.allenai.org/projects/charades)"


def read(folder: pathlib.Path) -> splits.Split:
    """Reads the official split.

    Videos without any action are left out: drawing a class and then one of its videos never
    comes to them, and the official evaluation (`Charades_v1_classify.m`) skips them.

    Args:
        folder: The folder `Charades`.

    Returns:
        The split; multi-label; a group is a subject.

    Raises:
        MissingListError: If a list is missing.
        ValueError: If a line breaks the format.
    """
    class_names = _read_class_names(lists.existing(folder / "Charades_v1_classes.txt", _LISTS))
    train, test = (
        _read_videos(lists.existing(folder / f"Charades_v1_{part}.csv", _LISTS), class_names)
        for part in ("train", "test")
    )
    return splits.Split("charades", class_names, train, test, multi_label=True)


def _read_class_names(path: pathlib.Path) -> tuple[str, ...]:
    names: list[str] = []
    for place, line in lists.read_lines(path):
        code, *words = line.split()
        # The code is the label: a gap or another order would give videos the labels of others.
        if not words or code != _code(len(names)):
            rule = f'{place} must describe the next class, "{_code(len(names))} What is done"'
            raise ValueError(f"{rule}. Received: {line!r}.")
        names.append(line)
    return tuple(names)


def _code(label: int) -> str:
    return f"c{label:03}"


def _read_videos(path: pathlib.Path, class_names: tuple[str, ...]) -> tuple[splits.Video, ...]:
    codes = {_code(label): label for label in range(len(class_names))}
    videos, skipped = [], 0
    # The official files have eight more columns (scene, script, length ...), which nothing needs.
    for place, row in lists.read_rows(path, ("id", "subject", "actions"), None):
        if labels := _parse_actions(place, row["actions"], codes):
            videos.append(lists.make_video(place, f"{row['id']}.mp4", labels, row["subject"]))
        else:
            skipped += 1
    logging.info("Left out %s of %s without an action.", printing.count(skipped, "video"), path)
    return tuple(videos)


def _parse_actions(place: str, actions: str, codes: dict[str, int]) -> list[int]:
    """Returns the labels, ascending; an action that is done twice counts once."""
    labels = set()
    for action in filter(None, map(str.strip, actions.split(";"))):
        code, *seconds = action.split()
        # The times are not used, but where they are missing the cell is of another kind.
        if code not in codes or len(seconds) != 2 or not all(map(_is_number, seconds)):
            rule = f'{place} must list classes with two times, "c092 11.90 21.20;c147 0.00 12.60"'
            raise ValueError(f"{rule}. Received: {action!r}.")
        labels.add(codes[code])
    return sorted(labels)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
