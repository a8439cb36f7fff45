"""The official lists of HMDB-51.

(https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database)

One file per class and split, `<class>_test_split<N>.txt`, with lines "file.avi 1": 1 is a
training video, 2 a test video, 0 neither. File names may hold spaces, `!`, `+`, `(` and `&`.
"""

import pathlib

from tf_twostream.datasets import splits

_PARTS = {"1": "train", "2": "test", "0": "unused"}


def read(folder: pathlib.Path, split: int) -> splits.Split:
    """Reads one of the three official splits.

    Args:
        folder: The folder `testTrainMulti_7030_splits`.
        split: Number of the split, 1 to 3.

    Returns:
        The split; the classes are in alphabetical order.

    Raises:
        FileNotFoundError: If the folder holds no list of this split.
        ValueError: If a line is not what it should be.
    """
    ending = f"_test_split{split}.txt"
    lists = {path.name.removesuffix(ending): path for path in folder.glob(f"*{ending}")}
    if not lists:
        raise FileNotFoundError(
            f"--annotations must name the folder of the official lists (brush_hair{ending}, ...). "
            f"Received: {folder}, which holds none. They are in test_train_splits.rar at "
            "https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database."
        )
    class_names = tuple(sorted(lists))
    parts: dict[str, list[splits.Video]] = {"train": [], "test": [], "unused": []}
    for label, class_name in enumerate(class_names):
        for file, part in _read_list(lists[class_name]):
            parts[part].append(splits.Video(f"{class_name}/{file}", label))
    train, test, unused = (tuple(parts[part]) for part in ("train", "test", "unused"))
    return splits.Split(f"hmdb51 split {split}", class_names, train, test, unused)


def _read_list(path: pathlib.Path) -> list[tuple[str, str]]:
    """Returns (file name, part) of each line that is not blank."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        words = line.rsplit(maxsplit=1)  # The file name may hold spaces.
        if len(words) != 2 or words[1] not in _PARTS:
            raise ValueError(
                f'{path}, line {number} must read "file.avi code", code 1 (train), 2 (test) or '
                f"0 (unused). Received: {line!r}."
            )
        rows.append((words[0].strip(), _PARTS[words[1]]))
    return rows
