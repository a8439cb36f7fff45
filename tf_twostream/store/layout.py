"""Names, schema and atomic writing of the files in a store.

    STORE/store.json                     what all videos share: method, parameters, sizes
    STORE/videos/<id>/rgb.tfrecord       T records      {"jpeg": bytes}
    STORE/videos/<id>/forward.tfrecord   T - 1 records  {"jpeg", "range": [4], "mean": [2]}
    STORE/videos/<id>/backward.tfrecord  T - 1 records  likewise, where asked for
    STORE/videos/<id>/video.json         written last: the video is complete
    STORE/index.npz                      all video.json joined, sorted by id; all the reader needs
    STORE/failed.csv                     video_id,reason of each that failed when last tried

Record t of `forward` is the displacement of the pixels of frame t to frame t + 1. Record t - 1
of `backward` is the displacement of the pixels of frame t to frame t - 1. No file holds a time
or an absolute path, so that equal videos give equal bytes.
"""

import dataclasses
import json
from typing import Any, Literal

import tensorflow as tf

SCHEMA_VERSION = 1
RECORD_OVERHEAD = 16  # TFRecord: 8 bytes length, 4 crc of the length, data, 4 crc of the data.

SETTINGS = "store.json"
INDEX = "index.npz"
FAILED = "failed.csv"
VIDEOS = "videos"
VIDEO = "video.json"

Kind = Literal["rgb", "forward", "backward"]


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """What `video.json` says about one complete video.

    Attributes:
        num_frames: T, the frames that decoded.
        height: Of the stored frames, in pixels.
        width: Of the stored frames, in pixels.
        promised_frames: What the container's header says, right or wrong.
        fps: Frames per second in the header.
        lengths: Bytes of each record's data, per file, in order.
    """

    num_frames: int
    height: int
    width: int
    promised_frames: int
    fps: float
    lengths: dict[str, list[int]]


def kinds(settings: dict[str, Any]) -> tuple[str, ...]:
    """Returns the record files that each video of a store has, from its settings."""
    return ("rgb", *settings["directions"])


def settings_path(store: str) -> str:
    """Returns where the settings of a store lie."""
    return tf.io.gfile.join(store, SETTINGS)


def index_path(store: str) -> str:
    """Returns where the index of a store lies."""
    return tf.io.gfile.join(store, INDEX)


def failed_path(store: str) -> str:
    """Returns where a store lists the videos that failed."""
    return tf.io.gfile.join(store, FAILED)


def video_folder(store: str, video_id: str) -> str:
    """Returns the folder of one video."""
    return tf.io.gfile.join(store, VIDEOS, video_id)


def video_path(store: str, video_id: str) -> str:
    """Returns where `video.json` of one video lies."""
    return tf.io.gfile.join(video_folder(store, video_id), VIDEO)


def records_path(store: str, video_id: str, kind: str) -> str:
    """Returns where the records of one kind of one video lie."""
    return tf.io.gfile.join(video_folder(store, video_id), f"{kind}.tfrecord")


def partial_path(path: str) -> str:
    """Returns the name under which a file is written until it is whole."""
    return path + ".partial"


def write_atomically(path: str, data: bytes) -> None:
    """Writes a file under a temporary name and renames it, so that it is never seen half."""
    with tf.io.gfile.GFile(partial_path(path), "wb") as file:
        file.write(data)
    tf.io.gfile.rename(partial_path(path), path, overwrite=True)


def write_json(path: str, content: dict[str, Any]) -> None:
    """Writes a dict as JSON, keys sorted, atomically."""
    write_atomically(path, (json.dumps(content, sort_keys=True) + "\n").encode())


def read_json(path: str) -> dict[str, Any]:
    """Reads a JSON file.

    Raises:
        ValueError: If the file is not JSON.
    """
    with tf.io.gfile.GFile(path, "rb") as file:
        data = file.read()
    try:
        return json.loads(data)
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}). Remove it and run again.") from error


def read_settings(store: str) -> dict[str, Any]:
    """Reads `store.json`.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If the store was written with another schema.
    """
    path = settings_path(store)
    if not tf.io.gfile.exists(path):
        raise FileNotFoundError(
            f"A store holds {SETTINGS}. Received: {store} without it. "
            "Make a store with data_tools/precompute_flow.py."
        )
    settings = read_json(path)
    version = settings.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"This version reads stores of schema {SCHEMA_VERSION}. Received: {store} with schema "
            f"{version}. Compute it again with data_tools/precompute_flow.py."
        )
    return settings


def read_video(path: str) -> VideoInfo:
    """Reads one `video.json`.

    Raises:
        ValueError: If the file does not hold exactly the fields of `VideoInfo`.
    """
    content = read_json(path)
    try:
        return VideoInfo(**content)
    except TypeError as error:
        raise ValueError(f"{path} does not describe a video ({error}). Remove it.") from error


def find_videos(store: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Walks a store.

    Returns:
        The ids of the complete videos and those of the half-done ones, both sorted.
    """
    top = tf.io.gfile.join(store, VIDEOS)
    complete, half_done = [], []
    if tf.io.gfile.isdir(top):
        for folder, _, files in tf.io.gfile.walk(top):
            video_id = folder[len(top) :].strip("/")
            if VIDEO in files:
                complete.append(video_id)
            elif files:
                half_done.append(video_id)
    return tuple(sorted(complete)), tuple(sorted(half_done))
