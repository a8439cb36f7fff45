"""Writes a store: one process, any number of runs, complete videos only."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tf_twostream.store import failures, index, layout, records


class VideoWriter:
    """Writes the records of one video; nothing counts before `finish`.

    As a context manager it discards what was written unless `finish` was reached.
    """

    def __init__(self, store: str, video_id: str, kinds: tuple[str, ...]):
        self._store, self._video_id = store, video_id
        self._folder = layout.video_folder(store, video_id)
        if tf.io.gfile.exists(self._folder):
            tf.io.gfile.rmtree(self._folder)
        tf.io.gfile.makedirs(self._folder)
        self._lengths: dict[str, list[int]] = {kind: [] for kind in kinds}
        self._paths = {kind: layout.records_path(store, video_id, kind) for kind in kinds}
        self._files = {
            kind: tf.io.TFRecordWriter(layout.partial_path(path))
            for kind, path in self._paths.items()
        }

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def add_rgb(self, jpeg: bytes) -> None:
        """Adds the next frame, a JPEG image in colour."""
        self._add("rgb", records.serialize_rgb(jpeg))

    def add_flow(self, direction: str, jpeg: bytes, limits: np.ndarray, mean: np.ndarray) -> None:
        """Adds the next field of a direction (see `records.serialize_flow`)."""
        self._add(direction, records.serialize_flow(jpeg, limits, mean))

    def _add(self, kind: str, record: bytes) -> None:
        self._files[kind].write(record)
        self._lengths[kind].append(len(record))

    def finish(self, *, height: int, width: int, promised_frames: int, fps: float) -> None:
        """Completes the video.

        Args:
            height: Of the stored frames, in pixels.
            width: Of the stored frames, in pixels.
            promised_frames: What the container's header says.
            fps: Frames per second in the container's header.

        Raises:
            ValueError: If T frames do not go with T - 1 fields of each direction.
        """
        counts = {kind: len(lengths) for kind, lengths in self._lengths.items()}
        num_frames = counts["rgb"]
        if any(count != num_frames - (kind != "rgb") for kind, count in counts.items()):
            raise ValueError(f"T frames have T - 1 fields. Received: {counts}.")
        self._close()
        for path in self._paths.values():
            tf.io.gfile.rename(layout.partial_path(path), path, overwrite=True)
        info = layout.VideoInfo(num_frames, height, width, promised_frames, fps, self._lengths)
        layout.write_json(layout.video_path(self._store, self._video_id), vars(info))

    def discard(self) -> None:
        """Removes what was written unless the video is complete; may be called twice."""
        if self._files:
            self._close()
            tf.io.gfile.rmtree(self._folder)

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}


class Writer:
    """Opens a store for writing, or creates it.

    Only one process may write to a store at a time (`locks.exclusive`).
    """

    def __init__(self, store: str, settings: Mapping[str, Any]):
        """Checks that the store holds, or makes it hold, videos of these settings.

        Args:
            store: Folder, on any file system that TensorFlow knows.
            settings: What all videos share and what decides their bytes; JSON-able, with
                "directions": ["forward"] or ["forward", "backward"].

        Raises:
            ValueError: If the store holds videos of other settings.
        """
        self.path = store
        self.settings = {"schema_version": layout.SCHEMA_VERSION, **settings}
        self._kinds = layout.kinds(self.settings)
        path = layout.settings_path(store)
        if tf.io.gfile.exists(path):
            _check_settings(path, layout.read_json(path), self.settings)
        else:
            tf.io.gfile.makedirs(tf.io.gfile.join(store, layout.VIDEOS))
            layout.write_json(path, self.settings)

    def is_complete(self, video_id: str) -> bool:
        """Says whether a video is in the store as a whole."""
        return tf.io.gfile.exists(layout.video_path(self.path, video_id))

    def video(self, video_id: str) -> VideoWriter:
        """Returns a writer for one video, which replaces what an interrupted run left of it."""
        return VideoWriter(self.path, video_id, self._kinds)

    def discard(self, video_id: str) -> None:
        """Removes what an interrupted run left of a video, if anything."""
        folder = layout.video_folder(self.path, video_id)
        if tf.io.gfile.exists(folder):
            tf.io.gfile.rmtree(folder)

    def write_index(self) -> None:
        """Joins what is complete into the index, which is all that the reader looks at."""
        index.write(self.path, index.scan(self.path, self._kinds))

    def write_failed(self, reasons: Mapping[str, str]) -> None:
        """Writes to `failed.csv` why videos failed; those of earlier runs stay while they do."""
        earlier = {
            video_id: reason
            for video_id, reason in failures.read(self.path).items()
            if not self.is_complete(video_id)
        }
        failures.write(self.path, earlier | dict(reasons))


def _check_settings(path: str, found: dict[str, Any], asked: dict[str, Any]) -> None:
    if found != asked:
        keys = sorted(
            key for key in found.keys() | asked.keys() if found.get(key) != asked.get(key)
        )
        differences = "; ".join(
            f"{key}: {found.get(key)} there, {asked.get(key)} asked" for key in keys
        )
        raise ValueError(
            "A store holds videos of one flow method, its parameters and one size. "
            f"Received: {path} with {differences}. Use another --store."
        )
