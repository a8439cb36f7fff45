"""Several stores read as if they were one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_twostream.store import layout
from tf_twostream.store.reader import Reader


class JoinedReader:
    """Reads windows from several stores; a video is known by the number of its store and its id.

    Whether the stores are alike in what matters to a network, its run knows: `runs.check_store`.

    Attributes:
        path: The folders of the stores, in words.
        settings: Those of the first store, with the directions that all of them have.
    """

    def __init__(self, readers: Sequence[Reader]):
        self._readers = tuple(readers)
        self.path = " and ".join(reader.path for reader in readers)
        directions = [
            direction
            for direction in readers[0].settings["directions"]
            if all(direction in reader.settings["directions"] for reader in readers)
        ]
        self.settings: dict[str, Any] = {**readers[0].settings, "directions": directions}

    def table(self, videos: Sequence[tuple[int, str]], kind: layout.Kind) -> dict[str, np.ndarray]:
        """Returns what an input graph needs to read any window of these videos.

        Args:
            videos: N pairs (number of the store, id), in any order, repeated or not.
            kind: "rgb", "forward" or "backward".

        Returns:
            What `Reader.table` returns; only that the offsets of all videos of the first store
            come before those of the second.

        Raises:
            ValueError: If there is no such store, or it has no such video or kind.
        """
        stores = np.array([number for number, _ in videos], np.int64)
        if unknown := set(stores.tolist()) - set(range(len(self._readers))):
            raise ValueError(
                f"Videos are in one of the {len(self._readers)} stores {self.path}, counted from "
                f"0. Received: {max(unknown)}."
            )
        rows = [np.flatnonzero(stores == n).tolist() for n in range(len(self._readers))]
        tables = [
            reader.table([videos[row][1] for row in own], kind)
            for reader, own in zip(self._readers, rows)
        ]
        offsets = [table.pop("offsets") for table in tables]
        before = np.cumsum([0, *map(len, offsets)])
        for table, start in zip(tables, before):
            table["first"] = table["first"] + start
        place = np.argsort(sum(rows, []))  # Where each video is among the joined rows.
        joined = {
            name: np.concatenate([table[name] for table in tables])[place] for name in tables[0]
        }
        return {**joined, "offsets": np.concatenate(offsets)}
