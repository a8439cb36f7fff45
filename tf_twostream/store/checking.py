"""Finds out what in a store is damaged or half-done."""

import concurrent.futures
import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np

from tf_twostream.flow import codec
from tf_twostream.processes import files, locks, printing, progress
from tf_twostream.store import coding as frame_coding
from tf_twostream.store import index, layout
from tf_twostream.store import settings as store_settings

RECORDS_AT_ONCE = 32  # To ask TensorFlow for each record takes as long as to look at it.


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a store holds and what is wrong with it.

    Attributes:
        settings: What `store.json` says.
        videos: What `video.json` says of each sound video, by id.
        lacking: Which kinds of records other videos have not got yet, by id.
        damaged: What is wrong with each other video, by id.
        index: What is wrong with the index; empty if nothing is.
    """

    settings: store_settings.Settings
    videos: dict[str, layout.VideoInfo]
    lacking: dict[str, tuple[str, ...]]
    damaged: dict[str, str]
    index: str


def check(store: str, *, num_threads: int = 1) -> Findings:
    """Reads every record of a store.

    Args:
        store: Its folder.
        num_threads: How many videos to look at in parallel.

    Returns:
        What is there and what is wrong.

    Raises:
        NoStoreError: If this is no store.
        DamagedStoreError: If its `store.json` is damaged or does not say how the flow was computed.
    """
    # Here, because the threads would import it side by side.
    from tf_twostream.store import records  # noqa: F401

    settings = store_settings.read(store)
    complete, half_done = layout.find_videos(store)
    # Threads suffice, because OpenCV and TensorFlow let go of Python's lock while they work.
    with concurrent.futures.ThreadPoolExecutor(num_threads) as pool:
        checks = pool.map(lambda name: _check_video(store, name, settings), complete)
        with progress.bar(len(complete), "video", delay=1) as bar:
            problems = []
            for problem in checks:
                problems.append(problem)
                bar.update()
    damaged = {video_id: problem for video_id, problem in zip(complete, problems) if problem}
    damaged |= dict.fromkeys(half_done, "half-done")
    there = {name: layout.read_video(store, name) for name in complete if name not in damaged}
    lacking: dict[str, tuple[str, ...]] = {
        name: absent
        for name, info in there.items()
        if (absent := tuple(kind for kind in settings.kinds if kind not in info.lengths))
    }
    sound = {name: info for name, info in there.items() if name not in lacking}
    return Findings(
        settings=settings,
        videos=sound,
        lacking=lacking,
        damaged=damaged,
        # Where a video is to be done again, so is the index: `remove` writes it anew.
        index="" if damaged else _check_index(store, index.join(sound, settings.kinds)),
    )


def _check_video(store: str, video_id: str, settings: store_settings.Settings) -> str:
    """Says what is wrong with a video; empty if nothing is.

    Looked at are `video.json`, the checksum, length and number of all records, the sizes of the
    decoded images, and whether ranges and means are finite.
    """
    kinds = settings.kinds
    try:
        info = layout.read_video(store, video_id)
        if not info.lengths.keys() <= {*kinds} or "rgb" not in info.lengths:
            return f"{layout.VIDEO} lists {sorted(info.lengths)}, not what {layout.SETTINGS} asks"
        for kind in filter(info.lengths.__contains__, kinds):
            path = layout.records_path(store, video_id, kind)
            if problem := _check_records(path, kind, info, settings.flow_coding):
                return f"{kind}.tfrecord: {problem}"
    except ValueError as error:
        return str(error)
    return ""


def _check_records(
    path: str,
    kind: str,
    info: layout.VideoInfo,
    flow_coding: codec.CodingName,
    *,
    at_once: int = RECORDS_AT_ONCE,
) -> str:
    import tensorflow as tf

    from tf_twostream.store import records

    lengths: list[int] = []
    coding: codec.CodingName = "jpeg" if kind == "rgb" else flow_coding
    try:
        for some in tf.data.TFRecordDataset(path).batch(at_once).as_numpy_iterator():
            for record in some:
                content = records.deserialize(record, coding)
                if problem := _check_record(content, kind, info, coding):
                    return f"record {len(lengths)} {problem}"
                lengths.append(len(record))
    except tf.errors.DataLossError:
        if at_once > 1:  # One by one they tell which it is.
            return _check_records(path, kind, info, flow_coding, at_once=1)
        return f"record {len(lengths)} is damaged or cut off"
    except tf.errors.NotFoundError:
        return "the file is missing"
    if len(lengths) != (number := layout.num_records(info.num_frames, kind)):
        return f"{printing.count(len(lengths), 'record')} instead of {number}"
    # Two files that have changed places have good records, as many as there should be.
    if lengths != info.lengths[kind]:
        return f"the records are not as long as {layout.VIDEO} says"
    return ""


def _check_record(
    content: dict[str, Any], kind: str, info: layout.VideoInfo, coding: codec.CodingName
) -> str:
    data, is_frame, size = content[coding], kind == "rgb", (info.height, info.width)
    if is_frame:
        shape = frame_coding.decode(data).shape[:2]
    else:
        shape = codec.CODINGS[coding].decode(data, size).shape[1:]
    if shape != size:
        return f"is of size {shape}, not {size}"
    if not is_frame and "range" not in content:
        return "is a frame, not a field"
    if not is_frame and not _is_range(content["range"], content["mean"]):
        return f"has a faulty range {content['range'].tolist()}"
    return ""


def _is_range(ranges: np.ndarray, mean: np.ndarray) -> bool:
    """Says whether a range is finite and in order, and the mean within it."""
    if not (np.isfinite(ranges).all() and np.isfinite(mean).all()):
        return False
    low, high = ranges[:, 0], ranges[:, 1]
    # A mean is rounded: that of a field at rest may lie just beside its range.
    slack = 1e-3 * (1 + np.abs(ranges).max())
    return bool(((low <= high) & (low - slack <= mean) & (mean <= high + slack)).all())


def _check_index(store: str, wanted: index.Index) -> str:
    try:
        found = index.read(store)
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    if not index.equal(found, wanted):
        return f"{layout.INDEX} does not agree with the videos"
    return ""


def remove(store: str, video_ids: Collection[str]) -> None:
    """Removes videos, so that they are computed again when the store is next filled.

    Args:
        store: Folder of the store.
        video_ids: The videos.

    Raises:
        BlockingIOError: If the store is being filled.
    """
    with locks.exclusive(store):
        # First: with the videos gone an old index would promise what is not there.
        files.remove(files.join(store, layout.INDEX))
        for video_id in video_ids:
            layout.remove_video(store, video_id)
        index.write(store, index.scan(store, store_settings.read(store).kinds))
