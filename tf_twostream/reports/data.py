"""The section of a report on what was learnt from what."""

from collections.abc import Sequence
from typing import Any

from tf_twostream import datasets, models, runs, store
from tf_twostream.evaluation import labelled_video
from tf_twostream.processes import printing
from tf_twostream.reports import measures
from tf_twostream.reports.document import Block, Items, Section, Table, Text, filled
from tf_twostream.reports.material import Material

_PARTS = {"training": "train", "validation": "validation", "test": "test"}
_MOST_NAMES = 12
_MOST_FAILED = 10
_NETWORK = (
    "stream",
    "network",
    "weights",
    "input, pixels",
    "started from",
    "iterations",
    "batch",
    "learning rate",
)


def section(material: Material) -> Section:
    """Describes the videos, the store and the networks."""
    split = material.split
    header = ("part", "clips", "recordings", "seconds", "frames", "clips per class")
    parts = {name: getattr(split, part) for name, part in _PARTS.items()}
    rows = tuple(_part(name, own, material) for name, own in parts.items() if own)
    blocks: list[Block] = [Text(_classes(split)), filled(header, rows)]
    blocks += _failed(material)
    if added := [video for video in split.train if store.is_added(video.id)]:
        further = printing.count(len(added), "further training clip")
        blocks.append(Text(f"There are {further} of another store."))
    if not _is_known(split):
        words = "No recordings are known, so each clip counts as one of its own. If clips of one "
        words += "recording are in both parts, all accuracies here are too good."
        blocks.append(Text(words))
    blocks.append(Text(_store(material)))
    networks = tuple(_network(run, material) for run in material.streams)
    blocks.append(Table(_NETWORK, networks))
    return Section("What was learnt from what", tuple(blocks))


def _classes(split: datasets.Split) -> str:
    names = split.class_names
    some = ", ".join(names[:_MOST_NAMES]) + (" and more" if len(names) > _MOST_NAMES else "")
    several = "; a clip may show several" if split.multi_label else ""
    total = sum(len(getattr(split, part)) for part in _PARTS.values())
    return (
        f"{printing.count(total, 'clip')} of {printing.count(len(names), 'class')} "
        f"({some}){several}. The networks learnt from those for training; the accuracies are those "
        "of the test clips."
    )


def _is_known(split: datasets.Split) -> bool:
    return any(video.group for video in datasets.all_videos(split))


def _failed(material: Material) -> list[Block]:
    """Names the videos that could not be read when the store was filled."""
    failed = sorted(store.read_failed(material.reader.path).items())
    if not failed:
        return []
    words = f"{printing.count(len(failed), 'video')} could not be read"
    words += f"; these are the first {_MOST_FAILED}:" if len(failed) > _MOST_FAILED else ":"
    items = tuple(f"{video_id}: {reason}" for video_id, reason in failed[:_MOST_FAILED])
    return [Text(words), Items(items)]


def _part(name: str, videos: Sequence[datasets.Video], material: Material) -> tuple[str, ...]:
    reader = material.reader
    own = [video for video in videos if not store.is_added(video.id)]
    held = set(reader.video_ids)
    frames = {video.id: reader.num_frames(video.id) for video in own if video.id in held}
    seconds = sum(n / labelled_video.true_fps(reader, video) for video, n in frames.items())
    counts = [0] * len(material.split.class_names)
    for video in own:
        for label in video.labels:
            counts[label] += 1
    per_class = (
        f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    )
    recordings = measures.count_recordings(tuple(video.group for video in own), len(own))
    # A column that is empty in all rows is left out.
    unknown = "not known" if _is_known(material.split) else ""
    shown = f"{recordings:,}" if any(video.group for video in own) else unknown
    numbers = (f"{seconds:,.0f}", f"{sum(frames.values()):,}", per_class)
    return (name, f"{len(own):,}", shown, *numbers)


def _store(material: Material) -> str:
    reader, split = material.reader, material.split
    held = {video.id for video in datasets.all_videos(split)} & {*reader.video_ids}
    sizes = [reader.size(video_id) for video_id in held]
    settings = reader.settings
    if not sizes:
        return f"The store holds none of these clips ({settings.describe()})."
    widths = sorted(width for _, width in sizes)
    heights = sorted(height for height, _ in sizes)
    sides = (f"{s[0]}" if s[0] == s[-1] else f"{s[0]} to {s[-1]}" for s in (widths, heights))
    flow = _flow(settings) if settings.directions else "none"
    return f"Frames of {' x '.join(sides)} pixels (width x height). Optical flow: {flow}."


def _flow(settings: store.Settings) -> str:
    library = settings.parameters.get("opencv")
    by = f" of OpenCV {library}" if library else ""
    return f"{settings.method}{by}, {' and '.join(settings.directions)}"


def _network(run: runs.Run, material: Material) -> tuple[str, ...]:
    recipe: Any = run.recipe
    model, iterations = material.networks[recipe.stream]
    width = f", width {recipe.width:g}" if recipe.width != 1 else ""
    seen = f"{recipe.window_length} fields of flow" if recipe.sees_flow else "a frame"
    best = " (best)" if run.checkpoint == "best" else ""
    return (
        recipe.stream,
        f"{models.architecture_of(recipe).name}{width}",
        f"{model.count_params():,}",
        f"{seen}, {recipe.crop_size} x {recipe.crop_size}",
        recipe.init_from or "random weights",
        f"{iterations:,}{best}",
        f"{recipe.batch_size}",
        f"{recipe.initial_rate:g}",
    )
