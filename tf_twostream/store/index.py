"""The index: what all `video.json` say, joined in one file that loads at once."""

import dataclasses
import io

import numpy as np

from tf_twostream.processes import files
from tf_twostream.store import layout


class NoStoreError(FileNotFoundError):
    """There is no store, or it is not finished."""


@dataclasses.dataclass(frozen=True)
class Index:
    """The complete videos of a store, sorted by id.

    Attributes:
        video_ids: `[N]` str.
        num_frames: `[N]` int64, T of each video.
        height: `[N]` int64, pixels.
        width: `[N]` int64, pixels.
        promised_frames: `[N]` int64, as the containers' headers say.
        fps: `[N]` float64, frames per second, as the containers' headers say.
        sources: `[N]` str, size and hash of each video's file; "" if not known.
        lengths: By kind, int32: the bytes of all records of all videos, one video after the other.
    """

    video_ids: np.ndarray
    num_frames: np.ndarray
    height: np.ndarray
    width: np.ndarray
    promised_frames: np.ndarray
    fps: np.ndarray
    sources: np.ndarray
    lengths: dict[str, np.ndarray]


def join(videos: dict[str, layout.VideoInfo], kinds: tuple[str, ...]) -> Index:
    """Joins what is known of each video.

    Args:
        videos: By id, in any order.
        kinds: The record files that each video has.

    Returns:
        The index, sorted by id.
    """
    # In the order of the ids, not of completion, so that interrupted runs end in the same bytes.
    video_ids = sorted(videos)
    infos = [videos[video_id] for video_id in video_ids]
    return Index(
        video_ids=np.array(video_ids, dtype=np.str_),
        num_frames=np.array([info.num_frames for info in infos], np.int64),
        height=np.array([info.height for info in infos], np.int64),
        width=np.array([info.width for info in infos], np.int64),
        promised_frames=np.array([info.promised_frames for info in infos], np.int64),
        fps=np.array([info.fps for info in infos], np.float64),
        sources=np.array([info.source for info in infos], dtype=np.str_),
        # Not the offsets, which are their sums: those would need int64 and twice the space.
        lengths={
            kind: np.array([n for info in infos for n in info.lengths[kind]], np.int32)
            for kind in kinds
        },
    )


def scan(store: str, kinds: tuple[str, ...]) -> Index:
    """Builds the index from every `video.json` in a store that lists all kinds.

    Args:
        store: Folder of the store.
        kinds: The record files that each video has; those with fewer are left out.

    Raises:
        DamagedStoreError: If a `video.json` is damaged.
    """
    complete, _ = layout.find_videos(store)
    infos = {video_id: layout.read_video(store, video_id) for video_id in complete}
    return join({v: info for v, info in infos.items() if info.lengths.keys() >= {*kinds}}, kinds)


def write(store: str, index: Index) -> None:
    """Writes `index.npz` atomically; equal indices give equal bytes."""
    files.write(files.join(store, layout.INDEX), _pack(index))


def equal(first: Index, second: Index) -> bool:
    """Says whether two indices tell the same of the same videos."""
    return _pack(first) == _pack(second)


def _pack(index: Index) -> bytes:
    arrays = dict(vars(index))
    lengths = arrays.pop("lengths")
    packed = io.BytesIO()
    # NumPy dates what it packs 1980, so that the bytes do not depend on the time.
    np.savez(packed, **arrays, **{f"{kind}_lengths": array for kind, array in lengths.items()})
    return packed.getvalue()


def read(store: str) -> Index:
    """Reads `index.npz`.

    Args:
        store: Folder of the store.

    Raises:
        NoStoreError: If there is no index.
        DamagedStoreError: If it is damaged.
    """
    path = files.join(store, layout.INDEX)
    if not files.exists(path):
        raise NoStoreError(
            f"A finished store must have an index. Received: {store}, without {path}."
        )
    packed = io.BytesIO(files.read(path))
    try:
        # No pickles: they could run code, and a store may be somebody else's.
        arrays = dict(np.load(packed, allow_pickle=False))
        ends = [name for name in arrays if name.endswith("_lengths")]
        lengths = {name.removesuffix("_lengths"): arrays.pop(name) for name in ends}
        # Schema 1 had no sources.
        arrays.setdefault("sources", np.full(len(arrays["video_ids"]), "", np.str_))
        _check(arrays, lengths)
        return Index(**arrays, lengths=lengths)
    # What NumPy raises depends on where a file was cut off. Some of it advises to trust pickles,
    # so its words are not repeated. Other arrays are a TypeError.
    except files.DAMAGED_NPZ as error:
        raise layout.DamagedStoreError(f"{path} is damaged.") from error


def _check(arrays: dict[str, np.ndarray], lengths: dict[str, np.ndarray]) -> None:
    """Refuses arrays that do not go with each other."""
    shape, num_frames = (len(arrays["video_ids"]),), arrays["num_frames"]
    if any(array.shape != shape for array in arrays.values()) or num_frames.dtype.kind != "i":
        raise ValueError("other arrays")
    for kind, array in lengths.items():
        if array.shape != (layout.num_records(num_frames, kind).sum(),) or array.dtype.kind != "i":
            raise ValueError(f"other lengths of {kind}")
