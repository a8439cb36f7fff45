"""Data sets: which videos there are, what they show, and which are for testing.

The official lists of UCF-101, HMDB-51 and Charades, the file names of VIVA, class folders, and CSV
files all become a `Split`.
Nothing here opens a video or imports TensorFlow.
"""

import dataclasses
import pathlib
from typing import Literal, get_args

from tf_twostream import cli
from tf_twostream.datasets import charades, folders, groups, hmdb51, manifest, ucf101, viva
from tf_twostream.datasets.folders import find_videos
from tf_twostream.datasets.splits import (
    Split,
    Video,
    all_videos,
    available_videos,
    keep_available,
    label_array,
    load_split,
    save_split,
    select_classes,
)

__all__ = [
    "Source",
    "Split",
    "Video",
    "all_videos",
    "available_videos",
    "find_videos",
    "keep_available",
    "label_array",
    "load",
    "load_split",
    "save_split",
    "select_classes",
]

Name = Literal["ucf101", "hmdb51", "charades", "viva", "folders", "csv"]
_LAST_SPLIT = {"ucf101": 3, "hmdb51": 3, "charades": 1, "viva": viva.NUM_SUBJECTS, "csv": 1}


@dataclasses.dataclass(frozen=True)
class Source:
    """The knobs that say which videos to use."""

    dataset: Name = cli.knob(
        cli.REQUIRED,
        "ucf101, hmdb51 and charades (official lists), viva (hand gestures, from the file names), "
        "folders (one folder of videos per class, below train/ and test/ or else 30 % of each "
        "class are drawn for testing), csv (a CSV file).",
    )
    videos_dir: str = cli.knob("", "Folder of the videos; the lists name paths relative to it.")
    annotations: str = cli.knob(
        "",
        "Folder of the official lists (ucf101: classInd.txt, trainlist01.txt ...; hmdb51: "
        "brush_hair_test_split1.txt ...; charades: Charades_v1_train.csv ...), or the CSV file: "
        "path,label,split[,group].",
    )
    split: int = cli.knob(
        1,
        "Number of the split, 1 to 3 for ucf101 and hmdb51; the subject to test on, 1 to 8, for "
        "viva; number of the draw for folders.",
    )
    test_groups: tuple[str, ...] = cli.knob(
        (),
        "Test on the videos of these groups (actors, recordings), separated by commas, and train "
        "on all others. For folders, and for csv, whose own split then does not count.",
    )
    group_pattern: str = cli.knob(
        groups.PATTERN,
        "Where --test_groups finds the group of a video in folders: a regular expression that is "
        "searched in its path and whose first parentheses match the group. By default, what stands "
        "before the first _ of the file name.",
    )
    classes: tuple[str, ...] = cli.knob((), "Use only these classes, separated by commas.")
    allow_missing: bool = cli.knob(False, "Go on without the listed videos that do not exist.")

    def __post_init__(self):
        if self.dataset not in get_args(Name):
            raise ValueError(
                f"--dataset must be one of {', '.join(get_args(Name))}. Received: {self.dataset!r}."
            )
        last = _LAST_SPLIT.get(self.dataset)
        if self.split < 1 or (last is not None and self.split > last):
            allowed = "at least 1" if last is None else f"from 1 to {last}" if last > 1 else "1"
            raise ValueError(
                f"--split must be {allowed} for --dataset={self.dataset}. "
                f"Received: --split={self.split}."
            )
        if self.test_groups and (self.dataset not in ("folders", "csv") or self.split != 1):
            raise ValueError(
                "--test_groups is the split itself and is for folders and csv. "
                f"Received: --dataset={self.dataset} --split={self.split}."
            )
        if self.group_pattern != groups.PATTERN and not (
            self.test_groups and self.dataset == "folders"
        ):
            raise ValueError(
                "--group_pattern is for --test_groups with --dataset=folders. "
                f"Received: --dataset={self.dataset} --test_groups={','.join(self.test_groups)}."
            )


def load(source: Source) -> Split:
    """Reads the lists of a data set.

    Only for folders and viva the folder of the videos is looked into; for the others
    `available_videos` and `keep_available` compare the lists with the videos that exist.

    Args:
        source: Which data set, split and classes.

    Returns:
        The split, restricted to `source.classes` if there are any.

    Raises:
        FileNotFoundError: If a list or a folder is missing.
        ValueError: If a list is faulty or a class unknown.
    """
    return select_classes(_read(source), source.classes) if source.classes else _read(source)


def _read(source: Source) -> Split:
    if source.dataset in ("folders", "viva"):
        return _look(source)
    if not source.annotations:
        raise ValueError(
            f"--dataset={source.dataset} needs its lists: --annotations must name "
            f"{'the CSV file' if source.dataset == 'csv' else 'the folder that holds them'}. "
            "Received: none. Class folders without lists are read by --dataset=folders."
        )
    annotations = pathlib.Path(source.annotations)
    if source.dataset == "csv":
        split = manifest.read(annotations)
        return groups.leave_out(split, source.test_groups) if source.test_groups else split
    if source.dataset == "charades":
        return charades.read(annotations)
    readers = {"ucf101": ucf101.read, "hmdb51": hmdb51.read}
    return readers[source.dataset](annotations, source.split)


def _look(source: Source) -> Split:
    """Reads a data set without lists from the paths of its videos."""
    if source.annotations:
        raise ValueError(
            f"{'Class folders' if source.dataset == 'folders' else 'VIVA videos'} need no lists. "
            f"Received: --dataset={source.dataset} --annotations={source.annotations}. "
            "Use --dataset=csv, or no annotations."
        )
    if source.dataset == "viva":
        return viva.read(source.videos_dir, source.split)
    if source.test_groups:
        return folders.read_groups(source.videos_dir, source.test_groups, source.group_pattern)
    return folders.read(source.videos_dir, source.split)
