"""Says which records of a video the test of a network reads, before there are any."""

import pathlib
from collections.abc import Sequence
from typing import cast

import numpy as np

from tf_twostream import datasets, store
from tf_twostream.inputs import clips
from tf_twostream.paper import recipes
from tf_twostream.store import tables


def records_to_test(
    recipe: recipes.Recipe, count: int, num_frames: int, *, shorter_side: int
) -> dict[store.Kind, np.ndarray]:
    """Says which records of a video the test of a network reads.

    Args:
        recipe: The recipe of the network.
        count: Windows, or clips, that are tested.
        num_frames: T, the frames of the video; two or more where the network sees flow.
        shorter_side: Of the frames, in pixels.

    Returns:
        By kind `[T]` bool, or `[T - 1]` of fields; only those kinds that are read.
    """
    # The same code that places the windows in a store: a second formula might differ.
    numbered = cast(store.Reader, _Numbered(num_frames, shorter_side))
    places = clips.find(numbered, [datasets.Video("v", 0)], recipe).places_to_test(count)
    read: dict[store.Kind, np.ndarray] = {}
    for part in [places[name] for name in ("flow", "frame") if name in places] or [places]:
        columns = [np.ravel(part[name]) for name in ("path", "record", "count")]
        for path, first, length in zip(*columns):
            name = cast(store.Kind, pathlib.PurePosixPath(path.decode()).stem)
            size = store.num_records(num_frames, name)
            read.setdefault(name, np.zeros(size, bool))[first : first + length] = True
    return read


class _Numbered:
    """In the place of a store of one video, whose records hold nothing."""

    def __init__(self, num_frames: int, shorter_side: int):
        self.settings = store.Settings(
            method="", parameters={}, directions=(), shorter_side=shorter_side
        )
        self._num_frames, self._side = num_frames, shorter_side

    def table(self, video_ids: Sequence[str], kind: store.Kind) -> tables.Table:
        """Returns what `Reader.table` does."""
        size = store.num_records(self._num_frames, kind)
        side = np.full(1, self._side, np.int64)
        return tables.Table(
            kind=kind,
            folders=("",),
            store=np.zeros(1, np.int32),
            video_ids=video_ids,
            num_records=np.array([size], np.int64),
            height=side,
            width=side,
            first=np.zeros(1, np.int64),
            lengths=np.zeros(size, np.int32),
        )
