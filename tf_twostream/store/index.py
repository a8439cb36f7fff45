"""The index: what all `video.json` say, joined in one file that loads at once."""

import dataclasses
import io
import zipfile
from typing import Any

import numpy as np
import tensorflow as tf

from tf_twostream.store import layout


@dataclasses.dataclass(frozen=True)
class Index:
    """The complete videos of a store, sorted by id.

    Attributes:
        video_ids: `[N]` str.
        num_frames: `[N]` int64, T of each video.
        height: `[N]` int64, pixels.
        width: `[N]` int64, pixels.
        promised_frames: `[N]` int64, as the containers' headers say.
        fps: `[N]` float64, as the containers' headers say.
        lengths: Per kind int32, the bytes of all records of all videos, one video after the other.
    """

    video_ids: np.ndarray
    num_frames: np.ndarray
    height: np.ndarray
    width: np.ndarray
    promised_frames: np.ndarray
    fps: np.ndarray
    lengths: dict[str, np.ndarray]


def join(videos: dict[str, layout.VideoInfo], kinds: tuple[str, ...]) -> Index:
    """Joins what is known of each video.

    Args:
        videos: By id, in any order.
        kinds: The record files that each video has.

    Returns:
        The index, sorted by id.
    """
    video_ids = sorted(videos)
    infos = [videos[video_id] for video_id in video_ids]
    return Index(
        video_ids=np.array(video_ids, dtype=np.str_),
        num_frames=np.array([info.num_frames for info in infos], np.int64),
        height=np.array([info.height for info in infos], np.int64),
        width=np.array([info.width for info in infos], np.int64),
        promised_frames=np.array([info.promised_frames for info in infos], np.int64),
        fps=np.array([info.fps for info in infos], np.float64),
        lengths={
            kind: np.array([n for info in infos for n in info.lengths[kind]], np.int32)
            for kind in kinds
        },
    )


def scan(store: str, kinds: tuple[str, ...]) -> Index:
    """Builds the index from every `video.json` in a store."""
    complete, _ = layout.find_videos(store)
    videos = {
        video_id: layout.read_video(layout.video_path(store, video_id)) for video_id in complete
    }
    return join(videos, kinds)


def write(store: str, index: Index) -> None:
    """Writes `index.npz` atomically; equal indices give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **_arrays(index))
    layout.write_atomically(layout.index_path(store), buffer.getvalue())


def equal(first: Index, second: Index) -> bool:
    """Says whether two indices tell the same of the same videos."""
    return _arrays(first).keys() == _arrays(second).keys() and all(
        np.array_equal(array, _arrays(second)[name]) for name, array in _arrays(first).items()
    )


def _arrays(index: Index) -> dict[str, Any]:
    arrays = {field.name: getattr(index, field.name) for field in dataclasses.fields(index)}
    lengths = arrays.pop("lengths")
    return arrays | {f"{kind}_lengths": array for kind, array in lengths.items()}


def read(store: str) -> Index:
    """Reads `index.npz`.

    Raises:
        FileNotFoundError: If there is no index.
        ValueError: If it is damaged.
    """
    path = layout.index_path(store)
    if not tf.io.gfile.exists(path):
        raise FileNotFoundError(
            f"{path} does not exist: this is no finished store. "
            "Make it (or finish it) with data_tools/precompute_flow.py."
        )
    with tf.io.gfile.GFile(path, "rb") as file:
        data = file.read()
    try:
        arrays = dict(np.load(io.BytesIO(data), allow_pickle=False))
        lengths = {
            name.removesuffix("_lengths"): arrays.pop(name)
            for name in list(arrays)
            if name.endswith("_lengths")
        }
        return Index(**arrays, lengths=lengths)
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is damaged ({error}). Run data_tools/precompute_flow.py again: it writes it "
            "anew from the videos that are there."
        ) from error
