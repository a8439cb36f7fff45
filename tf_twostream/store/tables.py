"""Where the records of many videos are: what an input graph looks up to read a window."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tf_twostream.store import layout


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Where the records of one kind of N videos are.

    The lengths of records, a hundred times as many as videos, stay as the index has them, and are
    summed for the windows that are asked for.

    Attributes:
        kind: "rgb", "forward" or "backward".
        folders: By store, the folder of its videos, with a "/" at its end.
        store: `[N]` int32, in which store each video is.
        video_ids: N ids, each that of its own store.
        num_records: `[N]` int64.
        height: `[N]` int64, pixels.
        width: `[N]` int64, pixels.
        first: `[N]` int64, where in `lengths` those of a video begin.
        lengths: int32, the bytes of all records of the stores, one video after the other.
    """

    kind: layout.Kind
    folders: tuple[str, ...]
    store: np.ndarray
    video_ids: Sequence[str]
    num_records: np.ndarray
    height: np.ndarray
    width: np.ndarray
    first: np.ndarray
    lengths: np.ndarray

    def path(self, video: int) -> str:
        """Returns the file of the records of one video, given by its position in the list."""
        return f"{self.folders[self.store[video]]}{self.video_ids[video]}/{self.kind}.tfrecord"

    def offsets(self, video: np.ndarray, record: np.ndarray) -> np.ndarray:
        """Finds where records begin.

        Args:
            video: `[B]` integers, positions in the list of videos.
            record: `[B]` integers, the number of a record of each, counted from 0.

        Returns:
            `[B]` int64, bytes from the beginning of their files.
        """
        first = self.first[video]
        places = zip(first.tolist(), (first + record).tolist())
        # In int64: files of frames may be larger than the 2 GB that int32 can count.
        sums = [self.lengths[start:end].sum(dtype=np.int64) for start, end in places]
        return np.array(sums, np.int64) + record * layout.RECORD_OVERHEAD
