"""Reads a store: sizes and byte offsets in NumPy; the bytes themselves mostly in the graph."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tf_twostream.flow import codec
from tf_twostream.processes import printing
from tf_twostream.store import coding, index, layout, settings, tables

RECORDS_AT_ONCE = 32  # Outside of a graph: half a megabyte of frames of shorter side 256.


class MissingVideoError(ValueError):
    """A store lacks a video, or the kind of records that is asked for."""


class Reader:
    """Opens a finished store.

    Example:
        >>> from tf_twostream import store
        >>> reader = store.Reader(example_store)
        >>> video_id = reader.video_ids[0]
        >>> video_id
        'amber_bob/amber_bob_g01_c01.avi'
        >>> next(reader.frames(video_id)).shape, next(reader.fields(video_id)).shape
        ((48, 64, 3), (48, 64, 2))

    Attributes:
        path: The store's folder.
        settings: Method, parameters, directions, shorter side ...
        video_ids: All complete videos, sorted.
    """

    def __init__(self, store: str):
        """Reads `store.json` and the index, nothing else.

        Args:
            store: The store's folder.

        Raises:
            NoStoreError: If there is no finished store.
            DamagedStoreError: If the store was written with another schema, or is damaged.
        """
        self.path = store
        self.settings = settings.read(store)
        self._index = index.read(store)  # Only now is it known to be of this schema.
        if absent := set(self.settings.kinds) - set(self._index.lengths):
            rule = "An index must tell of all kinds of records of its store"
            given = f"{store}, without {', '.join(sorted(absent))}"
            raise layout.DamagedStoreError(f"{rule}. Received: {given}.")
        self.video_ids: tuple[str, ...] = tuple(self._index.video_ids.tolist())
        self._rows = dict(zip(self.video_ids, range(len(self.video_ids))))
        # Where the records of video n begin among those of all videos: at position n.
        self._starts = {
            kind: np.cumsum(counts := layout.num_records(self._index.num_frames, kind)) - counts
            for kind in self.settings.kinds
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

    def sources(self, video_ids: Iterable[str]) -> dict[str, str]:
        """Returns size and hash of the files of videos when they were read, as far as known.

        Args:
            video_ids: Ids; those that the store does not hold are passed over.
        """
        rows = {v: self._rows[v] for v in video_ids if v in self._rows}
        found = {v: str(self._index.sources[row]) for v, row in rows.items()}
        return {v: source for v, source in found.items() if source}

    def frames(
        self, video_id: str, first: int = 0, count: int | None = None
    ) -> Iterator[np.ndarray]:
        """Yields frames `first`, `first + 1` ... of a video.

        Args:
            video_id: The video.
            first: The first frame, counted from 0.
            count: How many frames; all that follow if None.

        Yields:
            `[H, W, 3]` uint8 RGB.

        Raises:
            MissingVideoError: If the store has no such video.
        """
        for record in self._records(video_id, "rgb", first, count):
            yield coding.decode(record["jpeg"])

    def fields(
        self,
        video_id: str,
        first: int = 0,
        count: int | None = None,
        *,
        direction: layout.Kind = "forward",
        step: int = 1,
    ) -> Iterator[np.ndarray]:
        """Yields fields of a video.

        Args:
            video_id: The video.
            first: The first field: forward from frame `first`, backward from `first + 1`.
            count: How many fields to look at; all that follow if None.
            direction: "forward" or "backward".
            step: Yields every `step`-th of them.

        Yields:
            `[H, W, 2]` float32, (u right, v down) in pixels per frame.

        Raises:
            MissingVideoError: If the store has no such video or direction.
        """
        coded = self.coded_fields(video_id, first, count, direction=direction, step=step)
        for codes, ranges in coded:
            yield codec.restore(codes, ranges)

    def coded_fields(
        self,
        video_id: str,
        first: int = 0,
        count: int | None = None,
        *,
        direction: layout.Kind = "forward",
        step: int = 1,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields fields as they are stored; the arguments and errors are those of `fields`.

        Yields:
            The codes `[2, H, W]` uint8 and the range `[2, 2]` float32 in pixels.
        """
        records = self._records(video_id, direction, first, count)
        coding, size = self.settings.flow_coding, self.size(video_id)
        for record in itertools.islice(records, 0, None, step):
            yield codec.CODINGS[coding].decode(record[coding], size), record["range"]

    def table(self, video_ids: Sequence[str], kind: layout.Kind) -> tables.Table:
        """Returns what an input graph needs to read any window of these videos.

        Args:
            video_ids: N ids, in any order, repeated or not.
            kind: "rgb", "forward" or "backward".

        Raises:
            MissingVideoError: If the store has no such videos or no such kind.
        """
        if kind not in self._starts:
            held = ", ".join(self._starts)
            raise MissingVideoError(f"The store {self.path} holds {held}. Received: {kind}.")
        try:
            rows = np.fromiter(map(self._rows.__getitem__, video_ids), np.int64, len(video_ids))
        except KeyError as absent:
            rows = np.array([self._row(absent.args[0])])  # Which raises.
        return tables.Table(
            kind=kind,
            folders=(layout.video_folder(self.path, ""),),
            store=np.zeros(len(rows), np.int32),
            video_ids=video_ids,
            num_records=layout.num_records(self._index.num_frames[rows], kind),
            height=self._index.height[rows],
            width=self._index.width[rows],
            first=self._starts[kind][rows],
            lengths=self._index.lengths[kind],
        )

    def _records(
        self, video_id: str, kind: layout.Kind, first: int, count: int | None
    ) -> Iterator[dict[str, Any]]:
        from tf_twostream.store import records  # TensorFlow reads them, and checks their sums.

        table = self.table([video_id], kind)
        numbers = range(table.num_records[0])[first:][:count]
        coding = "jpeg" if kind == "rgb" else self.settings.flow_coding
        # Some at a time, since a video may be long.
        for n in numbers[::RECORDS_AT_ONCE]:
            [offset] = table.offsets(np.zeros(1, int), np.array([n]))
            size = min(RECORDS_AT_ONCE, numbers.stop - n)
            for record in records.read_records(table.path(0), offset, size).numpy():
                yield records.deserialize(record, coding)

    def _row(self, video_id: str) -> int:
        if video_id not in self._rows:
            held = f"the {printing.count(len(self._rows), 'video')} of the store {self.path}"
            raise MissingVideoError(f"{video_id!r} is not among {held}.")
        return self._rows[video_id]
