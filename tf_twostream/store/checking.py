"""Finds out what in a store is damaged or half-done."""

import concurrent.futures
import dataclasses
from collections.abc import Collection
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from tf_twostream.flow import codec
from tf_twostream.processes import locks
from tf_twostream.store import index, layout, records

REQUIRED = ("method", "parameters", "directions", "shorter_side")  # In `store.json`.


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a store holds and what is wrong with it.

    Attributes:
        settings: What `store.json` says.
        frames: By id of each sound video, how many frames it has and how many the header of its
            file promised.
        damaged: What is wrong with each other video, by id.
        index: What is wrong with the index; empty if nothing is.
    """

    settings: dict[str, Any]
    frames: dict[str, tuple[int, int]]
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
        FileNotFoundError: If this is no store.
        ValueError: If its `store.json` is damaged or does not say how the flow was computed.
    """
    settings = layout.read_settings(store)
    if absent := [name for name in REQUIRED if name not in settings]:
        raise ValueError(
            f"{layout.SETTINGS} must say {', '.join(REQUIRED)}. Received: "
            f"{layout.settings_path(store)} without {', '.join(absent)}. Compute the store again."
        )
    complete, half_done = layout.find_videos(store)
    with concurrent.futures.ThreadPoolExecutor(num_threads) as pool:
        problems = list(pool.map(lambda video_id: check_video(store, video_id, settings), complete))
    damaged = {video_id: problem for video_id, problem in zip(complete, problems) if problem}
    damaged |= dict.fromkeys(half_done, "half-done")
    return Findings(
        settings=settings,
        frames={v: _count_frames(store, v) for v in complete if v not in damaged},
        damaged=damaged,
        index="" if damaged else _check_index(store, settings),
    )


def _count_frames(store: str, video_id: str) -> tuple[int, int]:
    info = layout.read_video(layout.video_path(store, video_id))
    return info.num_frames, info.promised_frames


def check_video(store: str, video_id: str, settings: dict[str, Any]) -> str:
    """Says what is wrong with a video, "" if nothing is.

    Looked at are `video.json`, the checksum, length and number of all records, the sizes of the
    decoded images, and whether ranges and means are finite.
    """
    try:
        info = layout.read_video(layout.video_path(store, video_id))
        if sorted(info.lengths) != sorted(layout.kinds(settings)):
            return f"{layout.VIDEO} lists {sorted(info.lengths)}, not what {layout.SETTINGS} asks"
        for kind in layout.kinds(settings):
            if problem := _check_records(store, video_id, kind, info):
                return f"{kind}.tfrecord: {problem}"
    except ValueError as error:
        return str(error)
    return ""


def _check_records(store: str, video_id: str, kind: str, info: layout.VideoInfo) -> str:
    path = layout.records_path(store, video_id, kind)
    lengths: list[int] = []
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            if problem := _check_record(records.deserialize(record), kind, info):
                return f"record {len(lengths)} {problem}"
            lengths.append(len(record))
    except tf.errors.DataLossError:
        return f"record {len(lengths)} is damaged or cut off"
    except tf.errors.NotFoundError:
        return "the file is missing"
    num_records = info.num_frames - (kind != "rgb")
    if len(lengths) != num_records:
        return f"{len(lengths)} records instead of {num_records}"
    if lengths != info.lengths[kind]:
        return f"the records are not as long as {layout.VIDEO} says"
    return ""


def _check_record(content: dict[str, Any], kind: str, info: layout.VideoInfo) -> str:
    shape = _decoded_shape(content["jpeg"], kind)
    if shape != (info.height, info.width):
        return f"is of size {shape}, not {(info.height, info.width)}"
    if kind == "rgb":
        return ""
    if "range" not in content:
        return "is a frame, not a field"
    if not _is_range(content["range"], content["mean"]):
        return f"has a faulty range {content['range'].tolist()}"
    return ""


def _decoded_shape(jpeg: bytes, kind: str) -> tuple[int, ...]:
    if kind != "rgb":
        return codec.decode(jpeg).shape[1:]
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a frame is not a JPEG image")
    return image.shape[:2]


def _is_range(limits: np.ndarray, mean: np.ndarray) -> bool:
    """Says whether a range is finite and in order, and the mean within it but for rounding."""
    if not (np.isfinite(limits).all() and np.isfinite(mean).all()):
        return False
    low, high = limits[:, 0], limits[:, 1]
    slack = 1e-3 * (1 + np.abs(limits).max())
    return bool(((low <= high) & (low - slack <= mean) & (mean <= high + slack)).all())


def _check_index(store: str, settings: dict[str, Any]) -> str:
    try:
        found = index.read(store)
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    if not index.equal(found, index.scan(store, layout.kinds(settings))):
        return f"{layout.INDEX} does not agree with the videos"
    return ""


def remove(store: str, video_ids: Collection[str]) -> None:
    """Removes videos, so that the next run of precompute_flow.py does them again.

    Raises:
        BlockingIOError: If such a run is under way.
    """
    with locks.exclusive(store):
        for video_id in video_ids:
            tf.io.gfile.rmtree(layout.video_folder(store, video_id))
        settings = layout.read_settings(store)
        index.write(store, index.scan(store, layout.kinds(settings)))
