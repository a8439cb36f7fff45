"""Reads the official lists of HMDB-51.

(https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database)

One file per class and split, `<class>_test_split<N>.txt`, with lines "file.avi 1": 1 is a
training video, 2 a test video, 0 neither. File names may hold spaces, `!`, `+`, `(` and `&`; what
precedes the class in them names the film or the upload that the clip is cut from.
"""

import pathlib

from tf_twostream.datasets import lists, splits

_LISTS = (
    "the folder of the lists in test_train_splits.rar "
    "(https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database)"
)


def read(folder: pathlib.Path, split: int) -> splits.Split:
    """Reads one of the three official splits.

    Args:
        folder: The folder `testTrainMulti_7030_splits`.
        split: Number of the split, 1 to 3.

    Returns:
        The split; the classes are in alphabetical order; a group is a film or an upload.

    Raises:
        MissingListError: If the folder holds no list of this split.
        ValueError: If a line breaks the format.
    """
    ending = f"_test_split{split}.txt"
    paths = {path.name.removesuffix(ending): path for path in folder.glob(f"*{ending}")}
    if not paths:
        given = f"{folder}, where brush_hair{ending} and all others are missing"
        raise lists.MissingListError(f"`annotations` must name {_LISTS}. Received: {given}.")
    # Sorted as classes, not as files: climb_stairs_test ... comes before climb_test ...
    class_names = tuple(sorted(paths))
    parts: dict[str, list[splits.Video]] = {"1": [], "2": [], "0": []}
    for label, class_name in enumerate(class_names):
        for place, line in lists.read_lines(paths[class_name]):
            words = line.rsplit(maxsplit=1)  # From the right: file names may hold spaces.
            if len(words) != 2 or words[1] not in parts:
                rule = f'{place} must read "file.avi 1" (train), "... 2" (test) or "... 0" (unused)'
                raise ValueError(f"{rule}. Received: {line!r}.")
            name = words[0].strip()
            recording = name.rpartition(f"_{class_name}_")[0]
            video = lists.make_video(place, f"{class_name}/{name}", [label], recording)
            parts[words[1]].append(video)
    train, test, unused = map(tuple, parts.values())
    return splits.Split(f"hmdb51 split {split}", class_names, train, test, unused)
