"""Writes a store: one process, any number of runs, complete videos only."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_twostream.flow import codec
from tf_twostream.processes import files
from tf_twostream.store import failures, index, layout
from tf_twostream.store import settings as store_settings


class VideoWriter:
    """Writes the records of one video; nothing counts before `finish`.

    As a context manager it discards what was written unless `finish` was reached.
    """

    def __init__(
        self,
        store: str,
        video_id: str,
        kinds: tuple[layout.Kind, ...],
        *,
        info: layout.VideoInfo | None = None,
        coding: codec.CodingName = "jpeg",
    ):
        """Begins a video, or adds kinds of records to one.

        Args:
            store: Folder of the store.
            video_id: The video.
            kinds: The record files to write.
            info: What there is of the video, which stays; None to begin anew.
            coding: Of the codes of fields.
        """
        import tensorflow as tf  # It takes seconds, which importing this module must not.

        self._store, self._video_id, self._coding = store, video_id, coding
        self._folder, self._info = layout.video_folder(store, video_id), info
        # What a killed run left may be of other kinds, and would stay beside the new files.
        if info is None:
            layout.remove_video(store, video_id)
        files.make_folder(self._folder)
        self._lengths: dict[str, list[int]] = {kind: [] for kind in kinds}
        self._paths = {kind: layout.records_path(store, video_id, kind) for kind in kinds}
        self._files: dict[str, Any] = {
            kind: tf.io.TFRecordWriter(path + files.PARTIAL) for kind, path in self._paths.items()
        }

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def add_rgb(self, jpeg: bytes) -> None:
        """Adds the next frame, a JPEG image in colour."""
        from tf_twostream.store import records

        self._add("rgb", records.serialize_rgb(jpeg))

    def add_flow(self, direction: str, codes: bytes, ranges: np.ndarray, mean: np.ndarray) -> None:
        """Adds the next field of a direction.

        Args:
            direction: "forward" or "backward".
            codes: The codes as bytes, u above v (`flow.codec.CODINGS`).
            ranges: `[2, 2]` float32, the range: (minimum, maximum) of u and of v in pixels.
            mean: `[2]` float32, mean of u and of v in pixels.
        """
        from tf_twostream.store import records

        self._add(direction, records.serialize_flow(codes, ranges, mean, self._coding))

    def _add(self, kind: str, record: bytes) -> None:
        self._files[kind].write(record)
        self._lengths[kind].append(len(record))

    def finish(
        self, *, height: int, width: int, promised_frames: int, fps: float, source: str = ""
    ) -> None:
        """Completes the video.

        Args:
            height: Of the stored frames, in pixels.
            width: Of the stored frames, in pixels.
            promised_frames: What the container's header says.
            fps: Frames per second in the container's header.
            source: Size and hash of the video file; empty if not known.

        Raises:
            ValueError: If T frames do not go with T - 1 fields of each direction.
        """
        all_lengths = {**(self._info.lengths if self._info else {}), **self._lengths}
        counts = {kind: len(lengths) for kind, lengths in all_lengths.items()}
        num_frames = counts["rgb"]
        if any(count != layout.num_records(num_frames, kind) for kind, count in counts.items()):
            raise ValueError(f"T frames must have T - 1 fields. Received: {counts}.")
        self._close()
        for path in self._paths.values():
            files.rename(path + files.PARTIAL, path)
        # Last, because this file says that the others are whole.
        info = layout.VideoInfo(
            num_frames, height, width, promised_frames, fps, all_lengths, source
        )
        layout.write_video(self._store, self._video_id, info)

    def discard(self) -> None:
        """Removes what was written unless the video is complete; may be called twice."""
        if self._files:
            self._close()
            if self._info is None:
                files.remove_folder(self._folder)
            else:
                for path in self._paths.values():
                    files.remove(path + files.PARTIAL)

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}  # From now on `discard` has nothing to remove.


class Writer:
    """Opens a store for writing, or creates it.

    Only one process may write to a store at a time (`locks.exclusive`).
    """

    def __init__(self, store: str, settings: store_settings.Settings):
        """Checks that the store holds, or makes it hold, videos of these settings.

        Args:
            store: Folder, on any file system that TensorFlow knows.
            settings: What all videos share and what decides their bytes.

        Raises:
            OtherSettingsError: If the store holds videos of other settings.
            DamagedStoreError: If its `store.json` is damaged.
        """
        self.path = store
        self.settings = settings
        self._known, self._changed = _read_index(store), set[str]()
        path = files.join(store, layout.SETTINGS)
        if files.exists(path):
            found = store_settings.read(store)
            settings.check_continues(found, path)
            if found != settings:
                self._remove_index()
            # In any case, since it may say an earlier schema.
            store_settings.write(store, settings)
        else:
            files.make_folder(files.join(store, layout.VIDEOS))
            store_settings.write(store, settings)

    def is_complete(self, video_id: str) -> bool:
        """Says whether a video is in the store with all kinds of records."""
        path = layout.video_path(self.path, video_id)
        if not files.exists(path):
            return False
        return layout.read_video(self.path, video_id).lengths.keys() >= {*self.settings.kinds}

    def holds(self, video_id: str) -> bool:
        """Says whether a video is in the store, with all kinds of records or some."""
        return files.exists(layout.video_path(self.path, video_id))

    def lacking(self, info: layout.VideoInfo | None) -> tuple[layout.Kind, ...]:
        """Returns the kinds of records that are to be made, given what there is of a video."""
        return tuple(k for k in self.settings.kinds if info is None or k not in info.lengths)

    def video(self, video_id: str, *, info: layout.VideoInfo | None = None) -> VideoWriter:
        """Returns a writer for one video.

        Args:
            video_id: The video.
            info: What there is of the video, to add what it lacks; None to do it anew, in the place
                of what is there or was left by an interrupted run.
        """
        self._change(video_id)
        coding = self.settings.flow_coding
        return VideoWriter(self.path, video_id, self.lacking(info), info=info, coding=coding)

    def discard(self, video_id: str) -> None:
        """Removes what there is of a video, if anything."""
        self._change(video_id)
        layout.remove_video(self.path, video_id)

    def _change(self, video_id: str) -> None:
        """Notes that what the index says of a video, if anything, will not hold any more."""
        self._changed.add(video_id)
        if self.holds(video_id):
            self._remove_index()

    def _remove_index(self) -> None:
        """Removes the index, which would promise what is not there if this run were killed."""
        files.remove(files.join(self.path, layout.INDEX))

    def write_index(self) -> None:
        """Joins what is complete into the index, which is all that the reader looks at.

        Raises:
            DamagedStoreError: If a `video.json` is damaged.
        """
        # Of all that the index did not say, from the files and not from what this run did: an
        # earlier one may have been killed.
        kinds, known = self.settings.kinds, self._known
        if known and (*known.lengths,) != kinds:
            known = None
        index.write(self.path, index.scan(self.path, kinds, known=known, changed=self._changed))

    def write_failed(self, reasons: Mapping[str, str]) -> None:
        """Writes `failed.csv`; what it said before stays for videos that are not complete yet.

        Args:
            reasons: Why videos failed in this run, by id.

        Raises:
            DamagedStoreError: If the file that is there has other columns.
        """
        # The videos may be only a part of the store's: the reasons of the others are kept.
        earlier = {
            video_id: reason
            for video_id, reason in failures.read(self.path).items()
            if not self.is_complete(video_id)
        }
        failures.write(self.path, earlier | dict(reasons))


def _read_index(store: str) -> index.Index | None:
    """Returns the index that a store has; None if it is missing, damaged or of other files."""
    try:
        return index.read(store)
    except (index.NoStoreError, layout.DamagedStoreError):
        return None
