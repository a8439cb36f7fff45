"""Reads the lists of Kinetics: CSV with the columns label,youtube_id,time_start,time_end,split.

The video of a row is a file ID_000010_000020 of any suffix, in any folder, as the usual tools cut
and name it; or a file ID, the whole video, of which these seconds are taken.
"""

import pathlib

from tf_twostream.datasets import availability, clips, lists, splits, video_files

_COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
_LISTS = f"CSV files with the columns {','.join(_COLUMNS)}, separated by commas"
_PARTS = {
    "train": "train",
    "val": "val",
    "validate": "val",
    "validation": "val",
    "test": "test",
}


def read(annotations: str, videos_dir: str) -> splits.Split:
    """Reads a split of Kinetics.

    Args:
        annotations: The lists, separated by commas.
        videos_dir: The folder of the videos.

    Returns:
        The split; a group is a video of YouTube. Where nothing is to be tested on, the validation
        part is.

    Raises:
        MissingListError: If a list is missing.
        VideosDirError: If there is no such folder.
        ValueError: If a row breaks the format.
    """
    paths = [pathlib.Path(path.strip()) for path in annotations.split(",")]
    rows = [
        (place, row, _part(place, row))
        for path in paths
        for place, row in lists.read_rows(lists.existing(path, _LISTS), _COLUMNS, None)
    ]
    if not rows:
        raise ValueError(f"Lists of videos must list some. Received: {annotations}, without any.")
    names = splits.sort_classes(row["label"] for _, row, _ in rows)
    numbers = {name: label for label, name in enumerate(names)}
    lookup = video_files.Lookup(videos_dir)
    videos: dict[str, list[splits.Video]] = {"train": [], "val": [], "test": []}
    for place, row, part in rows:
        id, label = _find(place, row, lookup), numbers[row["label"]]
        videos[part].append(lists.make_video(place, id, [label], row["youtube_id"]))
    train, validation, test = map(tuple, videos.values())
    split = splits.Split(paths[0].name, names, train, test, validation=validation)
    return availability.check_learnable(splits.test_on_validation(split))


def _part(place: str, row: dict[str, str]) -> str:
    if not row["label"] or not row["youtube_id"] or row["split"] not in _PARTS:
        rule = f"{place} must have a label, an id, and {', '.join(_PARTS)} as its split"
        given = ", ".join(repr(row[name]) for name in ("label", "youtube_id", "split"))
        raise ValueError(f"{rule}. Received: {given}.")
    return _PARTS[row["split"]]


def _find(place: str, row: dict[str, str], lookup: video_files.Lookup) -> str:
    """Returns the id of the video of a row; if it is missing, that of the file it would have."""
    try:
        clip = clips.name(row["youtube_id"], row["time_start"], row["time_end"])
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    first, last = (int(float(row[name])) for name in ("time_start", "time_end"))
    cut = f"{row['youtube_id']}_{first:06}_{last:06}"
    found = lookup.find(place, cut)
    whole = lookup.find(place, row["youtube_id"])
    if found == cut and whole != row["youtube_id"]:
        return whole + clip.removeprefix(row["youtube_id"])
    return found
