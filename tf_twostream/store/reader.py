"""Reads a store: sizes and byte offsets in NumPy; the bytes themselves are read in the graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_twostream.store import index, layout


class Reader:
    """Opens a finished store.

    Attributes:
        path: The store's folder.
        settings: What `store.json` says: method, parameters, directions, shorter_side ...
        video_ids: All complete videos, sorted.
    """

    def __init__(self, store: str):
        """Reads `store.json` and the index, nothing else.

        Raises:
            FileNotFoundError: If there is no finished store.
            ValueError: If the store was written with another schema, or is damaged.
        """
        self.path = store
        self.settings: dict[str, Any] = layout.read_settings(store)
        self._index = index.read(store)  # Only now is it known to be of this schema.
        self.video_ids: tuple[str, ...] = tuple(self._index.video_ids.tolist())
        self._rows = {video_id: row for row, video_id in enumerate(self.video_ids)}
        self._starts = {
            kind: _starts(self._index.num_frames - (kind != "rgb"))
            for kind in layout.kinds(self.settings)
        }

    def num_frames(self, video_id: str) -> int:
        """Returns T, the number of frames of a video; it has T - 1 fields a direction."""
        return int(self._index.num_frames[self._row(video_id)])

    def size(self, video_id: str) -> tuple[int, int]:
        """Returns the height and the width of a video's frames and fields, in pixels."""
        row = self._row(video_id)
        return int(self._index.height[row]), int(self._index.width[row])

    def fps(self, video_id: str) -> float:
        """Returns the frames per second in a video's header; 0 if it says none."""
        return float(self._index.fps[self._row(video_id)])

    def table(self, video_ids: Sequence[str], kind: layout.Kind) -> dict[str, np.ndarray]:
        """Returns what an input graph needs to read any window of these videos.

        Args:
            video_ids: N ids, in any order, repeated or not.
            kind: "rgb", "forward" or "backward".

        Returns:
            "path": `[N]` str; "num_records", "height", "width": `[N]` int64; "offsets": the
            bytes at which the records of the first, second ... video begin, int64, one after
            the other; "first": `[N]` int64, where in "offsets" those of video n begin.

        Raises:
            ValueError: If the store has no such videos or no such kind.
        """
        if kind not in self._starts:
            raise ValueError(
                f"The store {self.path} holds {', '.join(self._starts)}. Received: {kind}. "
                "Compute a store with that direction (precompute_flow.py --directions)."
            )
        rows = np.array([self._row(video_id) for video_id in video_ids], np.int64)
        starts, lengths = self._starts[kind], self._index.lengths[kind]
        offsets = [_offsets(lengths[starts[row] : starts[row + 1]]) for row in rows]
        num_records = starts[rows + 1] - starts[rows]
        paths = [layout.records_path(self.path, video_id, kind) for video_id in video_ids]
        return {
            "path": np.array(paths, dtype=np.str_),
            "num_records": num_records,
            "height": self._index.height[rows],
            "width": self._index.width[rows],
            "offsets": np.concatenate([np.zeros(0, np.int64), *offsets]),
            "first": _starts(num_records)[:-1],
        }

    def _row(self, video_id: str) -> int:
        if video_id not in self._rows:
            raise ValueError(
                f"{video_id!r} is not among the {len(self._rows)} videos of the store {self.path}. "
                "Compute it with data_tools/precompute_flow.py; failed.csv there may say why not."
            )
        return self._rows[video_id]


def _starts(counts: np.ndarray) -> np.ndarray:
    """Returns `[N + 1]` positions: item n of a joined list begins at n and ends at n + 1."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _offsets(lengths: np.ndarray) -> np.ndarray:
    """Returns the byte at which each record of a TFRecord file begins."""
    return _starts(lengths.astype(np.int64) + layout.RECORD_OVERHEAD)[:-1]
