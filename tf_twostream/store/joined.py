"""Several stores read as if they were one.

Only this module knows that a video may lie in a second store: its id there begins with a mark,
which everyone else passes on.
"""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from tf_twostream.store import layout, tables
from tf_twostream.store.reader import MissingVideoError, Reader

# Number of the store, counted from 0, and id, which may hold line breaks as any path may. Videos
# in a folder @1 of the first store would be misread; no data set that we know has such names.
_MARK = re.compile(r"@(\d+)/(.+)", re.DOTALL)


def added_id(video_id: str, number: int = 1) -> str:
    """Returns the id by which a `JoinedReader` knows a video of its second (third ...) store.

    Args:
        video_id: The id in its own store.
        number: Which store it is, counted from 0.
    """
    return f"@{number}/{video_id}"


def is_added(video_id: str) -> bool:
    """Says whether a video is of a second store, so that it only helps in training."""
    return _MARK.fullmatch(video_id) is not None


class JoinedReader:
    """Reads windows from several stores; ids in all but the first are those of `added_id`.

    It does not check that a network can learn from all of them: `runs.check_alike` does.

    Attributes:
        path: The folders of the stores, in words.
        settings: Those of the first store, with the directions that all of them have.
    """

    def __init__(self, readers: Sequence[Reader]):
        """Joins stores.

        Args:
            readers: One or more, the store that is tested on first.
        """
        self._readers = tuple(readers)
        self.path = " and ".join(reader.path for reader in readers)
        first = readers[0].settings
        held = [set(reader.settings.directions) for reader in readers]
        directions = tuple(d for d in first.directions if d in set.intersection(*held))
        self.settings = dataclasses.replace(first, directions=directions)

    def table(self, video_ids: Sequence[str], kind: layout.Kind) -> tables.Table:
        """Returns what an input graph needs to read any window of these videos.

        Args:
            video_ids: N ids, in any order, repeated or not.
            kind: "rgb", "forward" or "backward".

        Raises:
            MissingVideoError: If there is no such store, or it has no such video or kind.
        """
        videos = [self._find(video_id) for video_id in video_ids]
        numbers = np.array([number for number, _ in videos], np.int32)
        # Each store makes one table of all its own videos. If the stores of the videos are 0 1 0,
        # then `rows` is [0, 2] [1], and the joined columns have the videos 0 2 1.
        rows = [np.flatnonzero(numbers == number) for number in range(len(self._readers))]
        parts = [
            reader.table([videos[row][1] for row in own], kind)
            for reader, own in zip(self._readers, rows)
        ]
        # Where each video is in the joined columns: this undoes the sorting by stores.
        place = np.argsort(np.concatenate(rows))
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts])[place]
            for name in ("num_records", "height", "width", "first")
        }
        # The lengths of a store follow those of the stores before it.
        starts = np.cumsum([0, *(len(part.lengths) for part in parts)])
        columns["first"] += starts[numbers]
        return tables.Table(
            kind=kind,
            folders=tuple(folder for part in parts for folder in part.folders),
            store=numbers,
            video_ids=[own for _, own in videos],
            lengths=np.concatenate([part.lengths for part in parts]),
            **columns,
        )

    def _find(self, video_id: str) -> tuple[int, str]:
        """Returns the number of a video's store and its id there."""
        match = _MARK.fullmatch(video_id)
        number, own = (int(match[1]), match[2]) if match else (0, video_id)
        if number >= len(self._readers):
            held = f"one of {len(self._readers)} stores, {self.path}"
            raise MissingVideoError(f"A video is in {held}. Received: {number}, counted from 0.")
        return number, own
