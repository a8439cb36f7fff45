"""Reads the official lists of UCF-101 (https://www.crcv.ucf.edu/data/UCF101.php).

`classInd.txt` numbers the classes from 1, `trainlist0N.txt` holds "Class/file.avi 7" and
`testlist0N.txt` "Class/file.avi". The lines end with CRLF. A video's class is its folder, not
the word in its name: the class HandstandPushups has files v_HandStandPushups_*.
"""

import pathlib

from tf_twostream.datasets import lists, splits

_LISTS = (
    "the folder of the lists in UCF101TrainTestSplits-RecognitionTask.zip "
    "(https://www.crcv.ucf.edu/data/UCF101.php)"
)


def read(folder: pathlib.Path, split: int) -> splits.Split:
    """Reads one of the three official splits.

    Args:
        folder: The folder `ucfTrainTestlist`.
        split: Number of the split, 1 to 3.

    Returns:
        The split; a group is, for example, "v_PushUps_g01".

    Raises:
        MissingListError: If a list is missing.
        ValueError: If a line breaks the format.
    """
    class_names = _read_class_names(lists.existing(folder / "classInd.txt", _LISTS))
    train, test = (
        _read_videos(lists.existing(folder / f"{part}list{split:02}.txt", _LISTS), class_names)
        for part in ("train", "test")
    )
    return splits.Split(f"ucf101 split {split}", class_names, train, test)


def _read_class_names(path: pathlib.Path) -> tuple[str, ...]:
    names: list[str] = []
    for place, line in lists.read_lines(path):
        number, *words = line.split()
        # A gap or another order would give later classes the numbers of others.
        if len(words) != 1 or number != str(len(names) + 1):
            rule = f'{place} must number the next class, "{len(names) + 1} ClassName"'
            raise ValueError(f"{rule}. Received: {line!r}.")
        names += words
    return tuple(names)


def _read_videos(path: pathlib.Path, class_names: tuple[str, ...]) -> tuple[splits.Video, ...]:
    labels = {name: label for label, name in enumerate(class_names)}
    videos = []
    for place, line in lists.read_lines(path):
        id, *number = line.split()
        label = labels.get(pathlib.PurePosixPath(id).parent.name)
        # Folder and number both tell the class. If they differ, nobody can know which is right.
        if label is None or number not in ([], [str(label + 1)]):
            rule = (
                f'{place} must read "Class/file.avi" or "Class/file.avi number" as in classInd.txt'
            )
            raise ValueError(f"{rule}. Received: {line!r}.")
        # Clips c01, c02 ... of a group are cut from one recording (v_PushUps_g01_c02.avi).
        group = pathlib.PurePosixPath(id).stem.rpartition("_c")[0]
        videos.append(lists.make_video(place, id, [label], group))
    return tuple(videos)
