"""Draws a source with what it shows now: its label, the likeliest classes as bars, flow and maps.

The label of a moment may depend on windows that come later, and frames are drawn in their own size.
So a source is read again when all of its windows are known, and its flow is estimated once more,
for every frame. What only the networks can say, the activation maps, is noted while they score.
"""

import collections
import contextlib
import dataclasses
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from typing import Self

import cv2
import numpy as np

from tf_twostream import datasets, flow, store
from tf_twostream.evaluation import explanation, labelled_video, over_time, sources, two_stream
from tf_twostream.figures import pictures
from tf_twostream.precompute import frames
from tf_twostream.processes import files
from tf_twostream.scores import segments

BARS = 3
SCALE_FIELDS = 5  # About so many fields of a window say how fast it moves.
SCALE_SHARE = 0.9  # So many windows are no faster than what gets the full colour.


class Drawer:
    """Draws sources, one after the other, whose windows it saw when they were scored.

    Its notes are in temporary files, because a source may be long; it is a context manager, which
    removes them.
    """

    def __init__(self, model: two_stream.TwoStream, *, explain: bool):
        """Prepares to take notes.

        Args:
            model: The networks.
            explain: Whether to draw activation maps, too.

        Raises:
            OneStreamError: If maps are asked for of two joined towers.
        """
        if explain:
            explanation.check(model.streams)
        self._model, self._explain = model, explain
        self._magnitudes: list[float] = []
        self._count = 0
        self._folder = tempfile.TemporaryDirectory(prefix="twostream_")

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Removes the notes."""
        self._folder.cleanup()

    def scores(
        self, reader: store.Reader, videos: Sequence[datasets.Video]
    ) -> dict[str, np.ndarray]:
        """Scores the next window, as the model does, and takes notes; an `over_time.Scorer`."""
        scores = self._model.scores(reader, videos)
        [video] = videos
        if self._model.settings.directions:
            there = self._model.needed(reader.num_frames(video.id))["forward"].nonzero()[0]
            some = there[:: -(-len(there) // SCALE_FIELDS)].tolist()
            fields = [next(reader.fields(video.id, number, 1)) for number in some]
            # The median: a cut of the film looks like a very fast motion.
            self._magnitudes.append(float(np.median([pictures.magnitude(f) for f in fields])))
        if self._explain:
            label = int(self._model.fuse(scores)[0].argmax())
            for stream, heat in self._model.explain(reader, video, label).items():
                np.savez(self._note(self._count, stream), **vars(heat))
        self._count += 1
        return scores

    def _note(self, window: int, stream: str) -> str:
        return files.join(self._folder.name, f"{window}.{stream}.npz")

    def _heats(self, window: int) -> list[explanation.Heat]:
        if not self._explain:
            return []
        notes = [self._note(window, run.recipe.stream) for run in self._model.streams]
        return [explanation.Heat(**np.load(note)) for note in notes]

    def write(
        self,
        path: str,
        source: sources.Source,
        windows: Sequence[over_time.Window],
        fused: Sequence[np.ndarray],
        found: Sequence[segments.Segment],
    ) -> None:
        """Writes a video of the source that was scored last, a few frames in memory at a time.

        Args:
            path: The .mp4 file to write.
            source: The source, which is not live.
            windows: Its windows, one or more.
            fused: `[K]` scores of each window.
            found: Its segments.

        Raises:
            OSError: If the file cannot be written.
            SourceError: If the source cannot be read any more.
        """
        try:
            with contextlib.closing(
                over_time.read(source, 0, self._model.resources.timeout)
            ) as read:
                first, second = next(read), next(read)
                fps = 1 / max(second.seconds - first.seconds, 1e-3)
                shown = self._with_fields(itertools.chain([first, second], read))
                frames.write_h264(path, self._pages(shown, fps, windows, fused, found), fps=fps)
        finally:
            self._magnitudes, self._count = [], 0

    def _with_fields(
        self, read: Iterator[sources.Frame]
    ) -> Iterator[tuple[sources.Frame, np.ndarray | None]]:
        """Yields frames of one size with the fields to the next ones, the last field twice."""
        settings = self._model.settings
        waiting: collections.deque[sources.Frame] = collections.deque()

        def greys() -> Iterator[np.ndarray]:
            for frame in _of_one_size(read):
                waiting.append(frame)
                yield _grey(frame.rgb, settings.shorter_side)

        if not settings.directions:
            yield from ((frame, None) for frame in _of_one_size(read))
            return
        fields = flow.fields(greys(), method=settings.method)
        for field in labelled_video.last_twice(fields):
            yield waiting.popleft(), field

    def _pages(
        self,
        shown: Iterator[tuple[sources.Frame, np.ndarray | None]],
        fps: float,
        windows: Sequence[over_time.Window],
        fused: Sequence[np.ndarray],
        found: Sequence[segments.Segment],
    ) -> Iterator[np.ndarray]:
        """Draws frames, each with its field."""
        names = [pictures.drawable_class(k, name) for k, name in enumerate(self._model.class_names)]
        drawable = dict(zip(self._model.class_names, names))
        middles = np.array([(window.start + window.end) / 2 for window in windows])
        borders = (middles[1:] + middles[:-1]) / 2  # As those of segments.
        scale = float(np.quantile(self._magnitudes or [1.0], SCALE_SHARE))
        last, heats = -1, []
        for frame, field in shown:
            number = int(np.searchsorted(borders, frame.seconds, side="right"))
            if number != last:
                last, heats = number, self._heats(number)
            scores = fused[number]
            # What lies behind the last window has no label.
            label = next((s.label for s in found if s.start <= frame.seconds < s.end), "")
            best = np.argsort(-scores, kind="stable")[:BARS]
            within = round((frame.seconds - windows[number].start) * fps)
            yield pictures.labelled(
                frame.rgb,
                field,
                f"{frame.seconds:.1f} s  {drawable.get(label, label)}",
                scale,
                [heat.at(within, frame.rgb.shape) for heat in heats],
                [(names[k], float(scores[k])) for k in best],
            )


def _of_one_size(read: Iterator[sources.Frame]) -> Iterator[sources.Frame]:
    """Yields frames, all in the size of the first one."""
    first = next(read)
    yield first
    for frame in read:
        same = frame.rgb.shape == first.rgb.shape
        size = first.rgb.shape[1::-1]
        yield frame if same else dataclasses.replace(frame, rgb=cv2.resize(frame.rgb, size))


def _grey(rgb: np.ndarray, shorter_side: int) -> np.ndarray:
    return cv2.cvtColor(frames.rescale(rgb, shorter_side), cv2.COLOR_RGB2GRAY)
