"""The folder that features are written to: a file for each video, and one table of all.

A file is whole or absent, so that a run that was interrupted goes on where it was.
"""

import io
import itertools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tf_twostream import datasets
from tf_twostream.evaluation import features
from tf_twostream.processes import files
from tf_twostream.store import failures

TABLE = "features"  # The name of the table, and of the file that says what the features are.


class OtherFeaturesError(ValueError):
    """A folder holds features of another kind."""


class Folder:
    """A folder of features.

    Attributes:
        path: The folder.
        paths: By video, in the order that was given, its file.
        missing: The videos that have no file yet.
    """

    def __init__(self, path: str, extractor: features.Extractor, videos: Mapping[str, str]):
        """Looks up which videos are done.

        Args:
            path: The folder, which need not exist.
            extractor: What computes the features.
            videos: Ids of a store, or video files, each with the name that its file has here, as
                long as no other has it: a suffix is replaced by .npz.

        Raises:
            OtherFeaturesError: If the folder holds features of another kind.
            OSError: If the folder cannot be written to.
        """
        self.path = pathlib.Path(path)
        self._layer = extractor.layer
        self._check_kind(_kind(extractor))
        self.paths: dict[str, pathlib.Path] = {}
        self.missing: list[str] = []
        taken = {self.path / f"{TABLE}.npz"}
        for video, name in videos.items():
            for file in self._files(name):
                there = _video_of(file)
                if file not in taken and there in ("", video):
                    break
            taken.add(file)
            self.paths[video] = file
            if not there:
                self.missing.append(video)

    def _check_kind(self, kind: dict[str, Any]) -> None:
        file = self.path / f"{TABLE}.json"
        found = files.read_json(file) if file.exists() else kind
        if found != kind:
            differing = ", ".join(
                f"{key}={found.get(key)!r} (now {kind[key]!r})"
                for key in kind
                if found.get(key) != kind[key]
            )
            rule = "Features in a folder must be of one kind"
            raise OtherFeaturesError(f"{rule}. Received: {self.path} with {differing}.")
        files.write_json(file, kind, indent=2)

    def _files(self, name: str) -> Iterator[pathlib.Path]:
        """Yields the files that a video may have, one after the other: a.npz, a_2.npz ..."""
        stem = pathlib.PurePath(name).with_suffix("")
        yield self.path / f"{stem}.npz"
        yield from (self.path / f"{stem}_{number}.npz" for number in itertools.count(2))

    def write(self, video: str, found: features.Features) -> None:
        """Writes the file of a video."""
        own = {"features": found.values, "times": found.times, "frames": found.frames}
        _write(self.paths[video], {**own, "layer": self._layer, "video": video})

    def finish(self, split: datasets.Split, failed: Mapping[str, str]) -> int:
        """Writes the table of all videos that are done, and the list of those that failed.

        Args:
            split: What videos show, and in which part they are, as far as it knows them.
            failed: Reasons by video.

        Returns:
            The number of rows of the table.
        """
        videos = [video for video in self.paths if video not in failed]
        rows = [_mean(self.paths[video]) for video in videos]
        parts = {
            video.id: (part, video)
            for part in ("train", "validation", "test")
            for video in getattr(split, part)
        }
        known = [parts.get(video) for video in videos]
        _write(
            self.path / f"{TABLE}.npz",
            {
                "features": np.stack(rows) if rows else np.zeros((0, 0), np.float32),
                "video_ids": _texts(videos),
                "labels": _texts([_label_of(own[1], split) if own else "" for own in known]),
                "parts": _texts([own[0] if own else "" for own in known]),
                "groups": _texts([own[1].group if own else "" for own in known]),
                "layer": self._layer,
            },
        )
        failures.write(str(self.path), failed)
        return len(rows)


def _kind(extractor: features.Extractor) -> dict[str, Any]:
    """Describes features, for people and to compare with others."""
    run, own = extractor.run, extractor.protocol.of(extractor.run.recipe)
    return {
        "run": str(run.path),
        "stream": run.recipe.stream,
        "task": run.task.name,
        "checkpoint": run.checkpoint,
        "iterations": extractor.iterations,
        "layer": extractor.layer,
        "per": extractor.per,
        "num_windows": own.num_windows,
        "views": own.views,
    }


def _label_of(video: datasets.Video, split: datasets.Split) -> str:
    return ";".join(split.class_names[label] for label in video.labels)


def _texts(items: Sequence[str]) -> np.ndarray:
    return np.array(items, dtype=np.str_)


def _write(path: pathlib.Path, content: Mapping[str, Any]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **content)
    files.write(path, buffer.getvalue())


def _video_of(path: pathlib.Path) -> str:
    """Returns the video of a file; empty if there is no whole one."""
    if not path.exists():
        return ""
    try:
        with np.load(path) as content:
            return str(content["video"])
    except files.DAMAGED_NPZ:
        return ""


def _mean(path: pathlib.Path) -> np.ndarray:
    with np.load(path) as content:
        values = content["features"]
    return values.mean(axis=0) if values.ndim == 2 else values
