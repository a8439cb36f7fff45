"""The official lists of Charades (Sigurdsson et al., ECCV 2016): videos that show several actions.

`Charades_v1_classes.txt` holds lines "c000 Holding some clothes". `Charades_v1_train.csv` and
`Charades_v1_test.csv` have among their columns `id` (the video is `id`.mp4), `subject` and
`actions`, "c092 11.90 21.20;c147 0.00 12.60": class, first and last second. As in the official
evaluation of videos, the seconds do not count: a video shows an action or does not.
"""

import csv
import pathlib

from absl import logging

from tf_twostream.datasets import splits

_CLASSES = "Charades_v1_classes.txt"
_COLUMNS = ("id", "subject", "actions")


def read(folder: pathlib.Path) -> splits.Split:
    """Reads the official split.

    Videos without any action are left out: drawing a class and then one of its videos never
    comes to them, and the official evaluation (`Charades_v1_classify.m`) skips them.

    Args:
        folder: The folder `Charades`.

    Returns:
        The split; multi-label; a group is a subject.

    Raises:
        FileNotFoundError: If a list is missing.
        ValueError: If a line is not what it should be.
    """
    class_names = _read_class_names(_existing(folder / _CLASSES))
    parts = {
        part: _read_videos(_existing(folder / f"Charades_v1_{part}.csv"), class_names)
        for part in ("train", "test")
    }
    return splits.Split("charades", class_names, **parts, multi_label=True)


def _existing(path: pathlib.Path) -> pathlib.Path:
    if not path.is_file():
        raise FileNotFoundError(
            f"--annotations must name the folder of the official lists ({_CLASSES}, "
            "Charades_v1_train.csv, Charades_v1_test.csv). "
            f"Received: {path.parent}, where {path.name} is missing. "
            "They are in Charades.zip at https://prior.allenai.org/projects/charades."
        )
    return path


def _read_class_names(path: pathlib.Path) -> tuple[str, ...]:
    names: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        words = line.split(maxsplit=1)
        if len(words) != 2 or words[0] != _code(len(names)):
            raise ValueError(
                f'{path}, line {number} must describe the next class, "{_code(len(names))} What '
                f'is done". Received: {line!r}.'
            )
        names.append(line.strip())
    return tuple(names)


def _code(label: int) -> str:
    return f"c{label:03}"


def _read_videos(path: pathlib.Path, class_names: tuple[str, ...]) -> tuple[splits.Video, ...]:
    codes = {_code(label): label for label in range(len(class_names))}
    videos, skipped = [], 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise ValueError(
                f"The first line of {path} must name the columns {', '.join(_COLUMNS)} and may "
                f"name others. Received: {','.join(reader.fieldnames or ())}."
            )
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(
                    f"{place} must end a row with as many cells as the header. "
                    f"Received: {list(row.values())}."
                )
            if labels := _parse_actions(place, row["actions"], codes):
                id = f"{row['id'].strip()}.mp4"
                videos.append(_make_video(place, id, labels, row["subject"].strip()))
            else:
                skipped += 1
    logging.info("%d videos of %s show no action and are left out.", skipped, path)
    return tuple(videos)


def _parse_actions(place: str, actions: str, codes: dict[str, int]) -> list[int]:
    """Returns the labels, ascending; an action that is done twice counts once."""
    labels = set()
    for action in filter(None, map(str.strip, actions.split(";"))):
        code, *seconds = action.split()
        if code not in codes or len(seconds) != 2 or not all(map(_is_number, seconds)):
            raise ValueError(
                f'{place} must list actions as "c092 11.90 21.20;c147 0.00 12.60", classes of '
                f"{_CLASSES} with two times in seconds. Received: {action!r}."
            )
        labels.add(codes[code])
    return sorted(labels)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _make_video(place: str, id: str, labels: list[int], subject: str) -> splits.Video:
    try:
        return splits.Video(id, labels[0], subject, other_labels=tuple(labels[1:]))
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
