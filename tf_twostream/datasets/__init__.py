"""Data sets: which videos there are, what they show, and which are for testing.

The official lists of UCF-101 and HMDB-51, class folders, and CSV files all become a `Split`.
Nothing here opens a video or imports TensorFlow.
"""

import dataclasses
import pathlib
from typing import Literal, get_args

from tf_twostream import cli
from tf_twostream.datasets import folders, hmdb51, manifest, ucf101
from tf_twostream.datasets.folders import find_videos
from tf_twostream.datasets.splits import (
    Split,
    Video,
    all_videos,
    available_videos,
    keep_available,
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
    "load",
    "load_split",
    "save_split",
    "select_classes",
]

Name = Literal["ucf101", "hmdb51", "folders", "csv"]


@dataclasses.dataclass(frozen=True)
class Source:
    """The knobs that say which videos to use."""

    dataset: Name = cli.knob(
        cli.REQUIRED,
        "ucf101 and hmdb51 (official lists), folders (one folder of videos per class, below "
        "train/ and test/ or else 30 % of each class are drawn for testing), csv (a CSV file).",
    )
    videos_dir: str = cli.knob("", "Folder of the videos; the lists name paths relative to it.")
    annotations: str = cli.knob(
        "",
        "Folder of the official lists (ucf101: classInd.txt, trainlist01.txt ...; hmdb51: "
        "brush_hair_test_split1.txt ...), or the CSV file: path,label,split[,group].",
    )
    split: int = cli.knob(
        1, "Number of the split, 1 to 3 for ucf101 and hmdb51; number of the draw for folders."
    )
    classes: tuple[str, ...] = cli.knob((), "Use only these classes, separated by commas.")
    allow_missing: bool = cli.knob(False, "Go on without the listed videos that do not exist.")

    def __post_init__(self):
        if self.dataset not in get_args(Name):
            raise ValueError(
                f"--dataset must be one of {', '.join(get_args(Name))}. Received: {self.dataset!r}."
            )
        last = {"ucf101": 3, "hmdb51": 3, "csv": 1}.get(self.dataset)
        if self.split < 1 or (last is not None and self.split > last):
            allowed = "at least 1" if last is None else f"from 1 to {last}"
            raise ValueError(
                f"--split must be {allowed} for --dataset={self.dataset}. "
                f"Received: --split={self.split}."
            )


def load(source: Source) -> Split:
    """Reads the lists of a data set.

    Only class folders are looked into; for the others `available_videos` and `keep_available`
    compare the lists with the videos that exist.

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
    if source.dataset == "folders":
        if source.annotations:
            raise ValueError(
                "Class folders need no lists. Received: --dataset=folders "
                f"--annotations={source.annotations}. Use --dataset=csv, or no annotations."
            )
        return folders.read(source.videos_dir, source.split)
    if not source.annotations:
        raise ValueError(
            f"--dataset={source.dataset} needs its lists: --annotations must name "
            f"{'the CSV file' if source.dataset == 'csv' else 'the folder that holds them'}. "
            "Received: none. Class folders without lists are read by --dataset=folders."
        )
    annotations = pathlib.Path(source.annotations)
    if source.dataset == "csv":
        return manifest.read(annotations)
    readers = {"ucf101": ucf101.read, "hmdb51": hmdb51.read}
    return readers[source.dataset](annotations, source.split)
