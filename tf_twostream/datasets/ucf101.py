"""The official lists of UCF-101 (https://www.crcv.ucf.edu/data/UCF101.php).

`classInd.txt` numbers the classes from 1, `trainlist0N.txt` holds "Class/file.avi 7" and
`testlist0N.txt` "Class/file.avi". The lines end with CRLF. A video's class is its folder, not
the word in its name: the class HandstandPushups has files v_HandStandPushups_*.
"""

import pathlib

from tf_twostream.datasets import splits


def read(folder: pathlib.Path, split: int) -> splits.Split:
    """Reads one of the three official splits.

    Args:
        folder: The folder `ucfTrainTestlist`.
        split: Number of the split, 1 to 3.

    Returns:
        The split; a group is, for example, "v_PushUps_g01".

    Raises:
        FileNotFoundError: If a list is missing.
        ValueError: If a line is not what it should be.
    """
    class_names = _read_class_names(folder / "classInd.txt")
    return splits.Split(
        name=f"ucf101 split {split}",
        class_names=class_names,
        train=_read_videos(folder / f"trainlist{split:02}.txt", class_names),
        test=_read_videos(folder / f"testlist{split:02}.txt", class_names),
    )


def _read_rows(path: pathlib.Path) -> list[tuple[str, list[str]]]:
    """Returns the place ("file, line 3") and the words of each line that is not blank."""
    if not path.is_file():
        raise FileNotFoundError(
            "--annotations must name the folder of the official lists (classInd.txt, "
            f"trainlist01.txt, testlist01.txt, ...). Received: {path.parent}, where {path.name} "
            "is missing. They are in UCF101TrainTestSplits-RecognitionTask.zip at "
            "https://www.crcv.ucf.edu/data/UCF101.php."
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [(f"{path}, line {number}", line.split()) for number, line in enumerate(lines, 1)]
    return [(place, words) for place, words in rows if words]


def _read_class_names(path: pathlib.Path) -> tuple[str, ...]:
    names: list[str] = []
    for place, words in _read_rows(path):
        if len(words) != 2 or words[0] != str(len(names) + 1):
            raise ValueError(
                f'{place} must number the next class, "{len(names) + 1} ClassName". '
                f"Received: {' '.join(words)!r}."
            )
        names.append(words[1])
    return tuple(names)


def _read_videos(path: pathlib.Path, class_names: tuple[str, ...]) -> tuple[splits.Video, ...]:
    labels = {name: label for label, name in enumerate(class_names)}
    videos = []
    for place, words in _read_rows(path):
        id, *number = words
        label = labels.get(pathlib.PurePosixPath(id).parent.name)
        if label is None or number not in ([], [str(label + 1)]):
            raise ValueError(
                f'{place} must read "Class/file.avi" or "Class/file.avi number", with a class of '
                f"classInd.txt and its number. Received: {' '.join(words)!r}."
            )
        videos.append(splits.Video(id, label, _group(id)))
    return tuple(videos)


def _group(id: str) -> str:
    return pathlib.PurePosixPath(id).stem.rpartition("_c")[0]
