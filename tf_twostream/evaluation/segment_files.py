"""Writes what was found over time: segments.csv, and of each source JSON and a picture."""

import dataclasses
import io
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_twostream.evaluation import over_time
from tf_twostream.figures import reports, timeline
from tf_twostream.processes import files
from tf_twostream.scores import segments

COLUMNS = ("video", "start", "end", "label", "score")
SECONDS_BETWEEN = 5.0  # At least, from one writing of segments.csv to the next.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merging:
    """How windows become segments; see `segments.find`."""

    smooth: int = 1
    unknown_below: float = 0.0


class SegmentFiles:
    """The files of a folder, which are whole at any time."""

    def __init__(self, output_dir: str, class_names: Sequence[str], merging: Merging):
        """Prepares the files.

        Args:
            output_dir: The folder; made when there is something to write.
            class_names: K names.
            merging: How windows become segments.
        """
        self._folder, self._names = output_dir, tuple(class_names)
        self._merging = merging
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._stems: set[str] = set()
        self._written = 0.0

    def merge(
        self, windows: Sequence[over_time.Window], fused: Sequence[np.ndarray]
    ) -> list[segments.Segment]:
        """Merges windows."""
        return segments.find(
            _times(windows),
            np.array(fused),
            self._names,
            smooth=self._merging.smooth,
            unknown_below=self._merging.unknown_below,
        )

    def update(
        self, video: str, windows: Sequence[over_time.Window], fused: Sequence[np.ndarray]
    ) -> None:
        """Writes the segments that are known so far, unless that was done just before."""
        if time.monotonic() - self._written >= SECONDS_BETWEEN:
            self._write_table(video, windows, fused)

    def finish(
        self, video: str, windows: Sequence[over_time.Window], fused: Sequence[np.ndarray]
    ) -> tuple[list[segments.Segment], str]:
        """Writes all files of a video: its part of segments.csv, NAME.json, NAME_timeline.png.

        Returns:
            The segments, and NAME.
        """
        found = self._write_table(video, windows, fused)
        stem = self._stem(video)
        content = {
            "video": video,
            "segments": [dataclasses.asdict(segment) for segment in found],
            "windows": [
                {
                    "start": round(window.start, 3),
                    "end": round(window.end, 3),
                    "num_frames": window.num_frames,
                    "dropped": window.dropped,
                    "scores": _named(scores, self._names),
                    **{s: _named(own, self._names) for s, own in window.scores.items()},
                }
                for window, scores in zip(windows, fused)
            ],
        }
        files.write_json(files.join(self._folder, f"{stem}.json"), content, indent=1)
        if windows:
            picture = timeline.draw(
                _times(windows), np.array(fused), self._names, found, os.path.basename(video)
            )
            data = io.BytesIO()
            picture.savefig(data, dpi=reports.DPI)
            files.write(files.join(self._folder, f"{stem}_timeline.png"), data.getvalue())
        return found, stem

    def _write_table(
        self, video: str, windows: Sequence[over_time.Window], fused: Sequence[np.ndarray]
    ) -> list[segments.Segment]:
        found = self.merge(windows, fused)
        self._rows[video] = [
            (video, f"{s.start:.3f}", f"{s.end:.3f}", s.label, f"{s.score:.4f}") for s in found
        ]
        rows = [row for own in self._rows.values() for row in own]
        files.write_csv(files.join(self._folder, "segments.csv"), [COLUMNS, *rows])
        self._written = time.monotonic()
        return found

    def _stem(self, video: str) -> str:
        """Returns a name for the files of a video, which no other video has."""
        plain = pathlib.PurePath(video).stem or "source"
        plain = "".join(c if c.isalnum() or c in "-_. ()" else "_" for c in plain)
        names = (plain if n == 1 else f"{plain}_{n}" for n in range(1, len(self._stems) + 2))
        stem = next(name for name in names if name.lower() not in self._stems)
        self._stems.add(stem.lower())
        return stem


def _times(windows: Sequence[over_time.Window]) -> np.ndarray:
    return np.array([(window.start, window.end) for window in windows]).reshape(-1, 2)


def _named(scores: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    return {name: round(float(score), 4) for name, score in zip(names, scores)}
