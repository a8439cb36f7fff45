"""Names a data set and which of its videos to use (the knobs), and reads each kind of data set."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import ClassVar, Literal

from tf_twostream import cli
from tf_twostream.datasets import (
    availability,
    charades,
    clips,
    folders,
    groups,
    hmdb51,
    kinetics,
    manifest,
    splits,
    tsn,
    ucf101,
    video_files,
    viva,
)

Name = Literal["ucf101", "hmdb51", "charades", "viva", "folders", "csv", "tsn", "kinetics"]


class ListsError(ValueError):
    """A data set needs lists that are not named, or has none though some are."""


@dataclasses.dataclass(frozen=True)
class Source(cli.Knobs):
    """The knobs that say which videos to use."""

    group: ClassVar[str] = "data"

    dataset: Name = cli.knob(
        cli.REQUIRED,
        "ucf101, hmdb51 and charades (official lists), viva (hand gestures, from the file names), "
        "folders (one folder of videos per class, below train/ and test/ or else 30 % of each "
        "class are drawn for testing, recordings as a whole; val/ beside them is the validation "
        "part), csv (a CSV file), tsn (lists of TSN and mmaction2: path, frames, label), kinetics "
        "(its CSV files).",
    )
    videos_dir: str = cli.knob("", "Folder of the videos; the lists name paths relative to it.")
    annotations: str = cli.knob(
        "",
        "Folder of the official lists (ucf101: classInd.txt, trainlist01.txt ...; hmdb51: "
        "brush_hair_test_split1.txt ...; charades: Charades_v1_train.csv ...), or the CSV file: "
        "path,label,split[,group][,start,end], split being train, val or test, start and end "
        "seconds of a longer video; or the lists of tsn and kinetics, separated by commas: "
        "train.txt,val.txt.",
    )
    class_index: str = cli.knob(
        "", "Of tsn, the file with the names of the classes in their order, one in a line."
    )
    multi_label: bool = cli.knob(
        False,
        "Of a CSV file, that a video may show several classes: run;jump as its label, or a row for "
        "each of them. The network then ends in sigmoids, as for charades.",
    )
    split: int = cli.knob(
        1,
        "Number of the split, 1 to 3 for ucf101 and hmdb51; the subject to test on, 1 to 8, for "
        "viva; number of the draw for folders.",
        at_least=1,
    )
    test_groups: tuple[str, ...] = cli.knob(
        (),
        "Test on the videos of these groups (actors, recordings), separated by commas, and train "
        "on all others. For folders, and for csv, whose own split then does not count.",
    )
    group_pattern: str = cli.knob(
        "",
        "How to find the group (recording, actor) of a video in folders: a regular expression that "
        "is searched in its path and whose first parentheses match the group. Default: with "
        "--test_groups, what precedes the first _ of the file name; else names such as x_g01_c02 "
        "and x_part2 are recognised.",
    )
    classes: tuple[str, ...] = cli.knob((), "Use only these classes, separated by commas.")
    allow_missing: bool = cli.knob(False, "Go on without the listed videos that do not exist.")

    def __post_init__(self) -> None:
        """Checks that no value is given which would then be ignored."""
        super().__post_init__()
        kind, given = KINDS[self.dataset], f"{self.dataset} with split={self.split}"
        if kind.last_split and self.split > kind.last_split:
            rule = f"`split` of {self.dataset} must be at most {kind.last_split}"
            raise ValueError(f"{rule}. Received: {given}.")
        if self.test_groups and not (kind.groups and self.split == 1):
            rule = "`test_groups` must divide folders or csv, in place of `split`"
            raise ValueError(f"{rule}. Received: {given}.")
        if self.group_pattern and kind.groups != "in names":
            raise ValueError(f"`group_pattern` is for folders. Received: {self.dataset}.")
        if self.class_index and self.dataset != "tsn":
            raise ValueError(f"`class_index` is for tsn. Received: {self.dataset}.")
        if self.multi_label and self.dataset != "csv":
            raise ValueError(f"`multi_label` is for csv. Received: {self.dataset}.")


@dataclasses.dataclass(frozen=True)
class _Kind:
    """How a kind of data set is read.

    Attributes:
        read: From the source to the split.
        last_split: The largest number of a split; 0 if any number is possible.
        has_lists: Whether lists say which videos there are; otherwise their names do.
        groups: Where the groups of `test_groups` stand: in the names of the files, or in a list;
            empty if nowhere.
    """

    read: Callable[[Source], splits.Split]
    last_split: int
    has_lists: bool
    groups: Literal["", "in names", "in a list"] = ""


def _read_csv(source: Source) -> splits.Split:
    split = manifest.read(pathlib.Path(source.annotations), multi_label=source.multi_label)
    return groups.leave_out(split, source.test_groups) if source.test_groups else split


def _read_folders(source: Source) -> splits.Split:
    if source.test_groups:
        return folders.read_groups(source.videos_dir, source.test_groups, source.group_pattern)
    return folders.read(source.videos_dir, source.split, source.group_pattern)


# Functions of a source, because each reader takes other parts of it.
KINDS: dict[str, _Kind] = {
    "ucf101": _Kind(lambda s: ucf101.read(pathlib.Path(s.annotations), s.split), 3, True),
    "hmdb51": _Kind(lambda s: hmdb51.read(pathlib.Path(s.annotations), s.split), 3, True),
    "charades": _Kind(lambda s: charades.read(pathlib.Path(s.annotations)), 1, True),
    "viva": _Kind(lambda s: viva.read(s.videos_dir, s.split), viva.NUM_SUBJECTS, False),
    "folders": _Kind(_read_folders, 0, False, "in names"),
    "csv": _Kind(_read_csv, 1, True, "in a list"),
    "tsn": _Kind(lambda s: tsn.read(s.annotations, s.videos_dir, s.class_index), 1, True),
    "kinetics": _Kind(lambda s: kinetics.read(s.annotations, s.videos_dir), 1, True),
}


def load(source: Source) -> splits.Split:
    """Reads the lists of a data set.

    Only folders and viva are read from the folder of the videos, and what tsn and kinetics name
    without a suffix is looked up there; for the others, `available_videos` and `keep_available`
    compare the lists with the videos that exist.

    Args:
        source: Which data set, split and classes.

    Returns:
        The split, restricted to `source.classes` if there are any.

    Raises:
        ListsError: If lists are not given, or are given where there are none.
        OSError: If a list or the folder of the videos is missing.
        ValueError: If a list is faulty or a class unknown.
    """
    kind = KINDS[source.dataset]
    if kind.has_lists != bool(source.annotations):
        rule = f"{source.dataset} must have {'its' if kind.has_lists else 'no'} lists"
        raise ListsError(f"{rule}. Received: annotations={source.annotations!r}.")
    split = kind.read(source)
    return splits.select_classes(split, source.classes) if source.classes else split


def list_videos(
    source: Source, split: splits.Split | None = None
) -> list[tuple[str, pathlib.Path]]:
    """Lists the videos of a data set, whatever the split.

    Says which other files of the folder are left out. Where the names of files say everything,
    videos whose names cannot be used are listed, too: whoever does them says why they fail.

    Args:
        source: Which data set, and where its videos are.
        split: What `load` returned for it, if it is there already.

    Returns:
        Pairs of id and file.

    Raises:
        MissingVideosError: If a listed video is missing and may not be, or there are none.
        ValueError: If the lists are missing or faulty, or no split can be made of the folders.
    """
    split = split or load(source)
    found = video_files.find(source.videos_dir)
    # A clip of a longer video is there if that video is.
    ids = (video.id for video in splits.all_videos(split))
    parts = {id for id in ids if clips.locate(id).path in found.ids}
    listed = availability.available_videos(
        split,
        found.ids | parts,
        where=f"the folder {source.videos_dir}",
        allow_missing=source.allow_missing,
    )
    folder = pathlib.Path(source.videos_dir)
    videos = [(video.id, folder / clips.locate(video.id).path) for video in listed]
    if not KINDS[source.dataset].has_lists:  # A list says itself what there should be.
        found.warn()
        videos += sorted(found.unusable.items())
    return videos
