"""The index: what all `video.json` say, joined in one file that loads at once."""

import dataclasses
import io
import struct
import sys
import zipfile
from collections.abc import Container, Sequence

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


def merge(parts: Sequence[Index]) -> Index:
    """Joins indices that have no video in common; the bytes are those of `join` of all videos.

    Args:
        parts: One or more indices, with the same kinds of records.
    """
    if len(parts) == 1:
        return parts[0]
    columns = [field.name for field in dataclasses.fields(Index) if field.name != "lengths"]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    lengths = {
        kind: np.concatenate([part.lengths[kind] for part in parts]) for kind in parts[0].lengths
    }
    return _take(Index(**joined, lengths=lengths), np.argsort(joined["video_ids"]))


def _take(index: Index, rows: np.ndarray) -> Index:
    """Returns the index of some of its videos, given by their rows."""
    columns = {name: column[rows] for name, column in vars(index).items() if name != "lengths"}
    for name in ("video_ids", "sources"):  # As wide as the longest text, which may be left out.
        columns[name] = columns[name].astype(f"U{max([1, *map(len, columns[name].tolist())])}")
    lengths = {}
    for kind, all_lengths in index.lengths.items():
        counts = layout.num_records(index.num_frames, kind)
        first, count = np.cumsum(counts)[rows] - counts[rows], counts[rows]
        # Where each of the records kept is: those of a video follow one another.
        skipped = np.repeat(first - (np.cumsum(count) - count), count)
        lengths[kind] = all_lengths[skipped + np.arange(len(skipped))]
    return Index(**columns, lengths=lengths)


def scan(
    store: str,
    kinds: tuple[str, ...],
    *,
    known: Index | None = None,
    changed: Container[str] = frozenset(),
) -> Index:
    """Builds the index of the videos in a store whose `video.json` lists all kinds.

    Args:
        store: Folder of the store.
        kinds: The record files that each video has; those with fewer are left out.
        known: An earlier index of these kinds: what it says is not read again, for to read
            every `video.json` of a large store takes minutes.
        changed: Ids of videos that it may be wrong about.

    Raises:
        DamagedStoreError: If a `video.json` is damaged.
    """
    complete, _ = layout.find_videos(store)
    listed = dict(zip(known.video_ids.tolist(), range(len(known.video_ids)))) if known else {}
    kept = [listed[v] for v in complete if v in listed and v not in changed]
    new = [v for v in complete if v not in listed or v in changed]
    infos = {v: layout.read_video(store, v) for v in new}
    read_now = {v: info for v, info in infos.items() if info.lengths.keys() >= {*kinds}}
    if known is None or not kept:
        return join(read_now, kinds)
    if len(kept) < len(listed):
        known = _take(known, np.array(kept, np.int64))
    return merge([known, join(read_now, kinds)]) if read_now else known


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

    The arrays of a local file are mapped, not read: of the lengths of records, which take most of
    it, only what is looked at gets into memory. `verify-store` compares all of them.

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
    # Windows replaces no file that is mapped.
    can_map = "://" not in path and sys.platform != "win32"
    try:
        # No pickles: they could run code, and a store may be somebody else's.
        arrays = _map(path) if can_map else dict(np.load(io.BytesIO(files.read(path))))
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


def _map(path: str) -> dict[str, np.ndarray]:
    """Maps the arrays of a file that `np.savez` wrote, which does not compress them."""
    arrays = {}
    with zipfile.ZipFile(path) as packed, open(path, "rb") as file:
        for member in packed.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
            # A zip file has 30 bytes before the name of a member; the last four say how long the
            # name is, and what follows it.
            file.seek(member.header_offset + 26)
            file.seek(sum(struct.unpack("<HH", file.read(4))), io.SEEK_CUR)
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            name = member.filename.removesuffix(".npy")
            if dtype.hasobject:
                raise ValueError(f"{member.filename} holds pickles")
            # Nothing cannot be mapped.
            mapped = np.memmap(path, dtype, "r", file.tell(), shape) if np.prod(shape) else None
            arrays[name] = np.empty(shape, dtype) if mapped is None else np.asarray(mapped)
    return arrays


def _check(arrays: dict[str, np.ndarray], lengths: dict[str, np.ndarray]) -> None:
    """Refuses arrays that do not go with each other."""
    shape, num_frames = (len(arrays["video_ids"]),), arrays["num_frames"]
    if any(array.shape != shape for array in arrays.values()) or num_frames.dtype.kind != "i":
        raise ValueError("other arrays")
    for kind, array in lengths.items():
        if array.shape != (layout.num_records(num_frames, kind).sum(),) or array.dtype.kind != "i":
            raise ValueError(f"other lengths of {kind}")
