"""Labels long videos, cameras and streams window by window, as their frames come.

A window is what lies between two moments. It is scored as a video of its own would be: its frames
and fields are coded into a temporary store, as far as the networks look at them, and read by the
code that tests. So a whole clip as one window gets the scores of `scoring.score`. A worker decodes,
threads estimate the flow, and the networks score the window before, side by side. In memory are the
frames of the windows under way and no others, whatever the length of the source.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import fractions
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from tf_twostream import datasets, flow, store
from tf_twostream.evaluation import sources
from tf_twostream.precompute import extraction, timed
from tf_twostream.precompute.filling import Needed
from tf_twostream.processes import workers
from tf_twostream.store import coding

LEAST_SHARE = 0.5  # A rest at the end that is shorter than this share of a window is left out.
Scorer = Callable[[store.Reader, Sequence[datasets.Video]], dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True, eq=False)
class Window:
    """What was found in a window.

    Attributes:
        start: In seconds from the beginning of the source.
        end: In seconds.
        scores: By stream `[K]` scores.
        num_frames: The frames that were seen.
        dropped: Frames of a live source that were dropped meanwhile.
    """

    start: float
    end: float
    scores: dict[str, np.ndarray]
    num_frames: int
    dropped: int = 0


@dataclasses.dataclass(eq=False)
class _Held:
    """A frame that a window may still need: grey `[H, W]` uint8, and JPEG in colour."""

    seconds: float
    grey: np.ndarray
    jpeg: bytes
    dropped: int
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)  # Futures, to the next frame.


class Labeller:
    """Scores the windows of sources, one source after the other.

    Attributes:
        window: Seconds that a window lasts.
        step: Seconds from the start of a window to that of the next one.
    """

    def __init__(
        self,
        scorer: Scorer,
        settings: store.Settings,
        needed: Needed,
        *,
        window: float,
        step: float,
        num_threads: int,
        timeout: float,
    ):
        """Prepares to label.

        Args:
            scorer: Scores videos of a store by all streams, `[N, K]` each.
            settings: What frames and flow to make.
            needed: Says which records of a video of T frames the networks read.
            window: Seconds that a window lasts.
            step: Seconds from the start of a window to that of the next one.
            num_threads: Threads that estimate flow.
            timeout: Seconds without a frame after which a source is given up.
        """
        self.window, self.step = window, step
        self._scorer, self._settings, self._needed = scorer, settings, needed
        self._num_threads, self._timeout = num_threads, timeout

    def windows(self, source: sources.Source) -> Iterator[Window]:
        """Yields the windows of a source as they are scored.

        Args:
            source: The source. A window begins every `step` seconds; the last one may be shorter.

        Raises:
            SourceError: If it cannot be read.
        """
        frames = read(source, self._settings.shorter_side, self._timeout)
        # One window is scored while the next is cut, more would wait in memory; but whoever looks
        # at a camera wants to know at once.
        yield from self.windows_of(frames, ahead=0 if source.kind == "live" else 1)

    def windows_of(self, frames: Iterator[sources.Frame], *, ahead: int = 1) -> Iterator[Window]:
        """Yields the windows of frames, which have the shorter side of the settings.

        Args:
            frames: The frames.
            ahead: Windows that may wait to be scored.

        Raises:
            SourceError: If they cannot be read, or are fewer than two.
        """
        pool = concurrent.futures.ThreadPoolExecutor(self._num_threads)
        scoring = concurrent.futures.ThreadPoolExecutor(1)
        pending: collections.deque[Any] = collections.deque()
        broken: Exception | None = None
        count = 0
        try:
            with contextlib.closing(self._cut(frames)) as cut:
                try:
                    for start, end, held in cut:
                        steps = self._coded(held, pool)
                        pending.append(scoring.submit(self._score, start, end, held, steps))
                        count += 1
                        while len(pending) > ahead:
                            yield pending.popleft().result()
                except sources.SourceError as error:
                    broken = error  # What was seen before is still to be told.
            while pending:
                yield pending.popleft().result()
        finally:  # Whoever stops this does not want to wait for the flow of a window.
            for executor in (pool, scoring):
                executor.shutdown(wait=False, cancel_futures=True)
        if broken is None and not count:
            broken = sources.SourceError("A window must hold two frames or more. Received: fewer.")
        if broken:
            raise broken

    def _cut(
        self, frames: Iterator[sources.Frame]
    ) -> Generator[tuple[float, float, list[_Held]], None, None]:
        """Yields start, end and frames of each window."""
        held: collections.deque[_Held] = collections.deque()
        start, last = 0.0, 0.0
        size: tuple[int, ...] = ()
        for frame in self._chosen(frames):
            last = frame.seconds
            # Rounding must not move a frame to the window before.
            while last >= start + self.window - 1e-6:
                if len(held) > 1:  # Of a live source, a whole window may have been dropped.
                    yield start, start + self.window, list(held)
                start += self.step
                while held and held[0].seconds < start - 1e-6:
                    held.popleft()
            if last < start - 1e-6:  # Between two windows that do not touch.
                continue
            # As in a store, a video keeps the size of its first frame.
            size = size or frame.rgb.shape[1::-1]
            same = frame.rgb.shape[1::-1] == size
            rgb = frame.rgb if same else cv2.resize(frame.rgb, size, interpolation=cv2.INTER_AREA)
            grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            held.append(_Held(last, grey, coding.encode(rgb), frame.dropped))
        # As long as its frames are shown: the time from one to the next.
        gap = (held[-1].seconds - held[0].seconds) / (len(held) - 1) if len(held) > 1 else 0.0
        end = last + gap
        if len(held) > 1 and (start == 0 or end - start >= LEAST_SHARE * self.window - 1e-6):
            yield start, end, list(held)

    def _chosen(self, frames: Iterable[sources.Frame]) -> Iterator[sources.Frame]:
        """Yields the frames that a store of these settings has, with the times they stand for."""
        part = timed.Part(fps=self._settings.fps, frame_step=self._settings.frame_step or 1)
        # Exact again, as 2 / 25: rounding must not decide between two frames that are as near.
        stamped = (
            (fractions.Fraction(frame.seconds).limit_denominator(10**6), frame) for frame in frames
        )
        for seconds, frame in part.choose(stamped):
            yield dataclasses.replace(frame, seconds=float(seconds))

    def _coded(
        self, held: list[_Held], pool: concurrent.futures.Executor
    ) -> list[tuple[bytes, dict[str, Any]]]:
        """Starts to estimate what a window needs; returns JPEGs and futures of coded fields."""
        needed = self._needed(len(held))
        steps = []
        for t, frame in enumerate(held):
            for direction in self._settings.directions if t + 1 < len(held) else ():
                if needed[direction][t] and direction not in frame.fields:
                    pair = (frame.grey, held[t + 1].grey)
                    frame.fields[direction] = pool.submit(_field, pair, self._settings, direction)
            steps.append((frame.jpeg if needed["rgb"][t] else b"", dict(frame.fields)))
        return steps

    def _score(
        self,
        start: float,
        end: float,
        held: Sequence[_Held],
        steps: Sequence[tuple[bytes, Mapping[str, Any]]],
    ) -> Window:
        """Scores a window, in a thread of its own."""
        with tempfile.TemporaryDirectory(prefix="twostream_") as path:
            writer = store.Writer(path, self._settings)
            with writer.video("window") as video:
                for t, (jpeg, fields) in enumerate(steps):
                    video.add_rgb(jpeg)
                    for direction in self._settings.directions if t + 1 < len(steps) else ():
                        future = fields.get(direction)
                        field = future.result() if future else extraction.EMPTY
                        video.add_flow(direction, field.codes, field.range, field.mean)
                height, width = held[0].grey.shape
                video.finish(height=height, width=width, promised_frames=len(held), fps=0.0)
            writer.write_index()
            scores = self._scorer(store.Reader(path), [datasets.Video("window", 0)])
        return Window(
            start,
            end,
            {stream: table[0] for stream, table in scores.items()},
            len(held),
            sum(frame.dropped for frame in held),
        )


def _field(
    pair: tuple[np.ndarray, np.ndarray], settings: store.Settings, direction: str
) -> extraction.CodedField:
    """Estimates and codes the field between two frames."""
    [field] = flow.fields(pair, method=settings.method, direction=direction)
    return extraction.code_field(field, settings.flow_coding)


def read(
    source: sources.Source, shorter_side: int, timeout: float
) -> Generator[sources.Frame, None, None]:
    """Yields the frames of a source, which another process decodes.

    Args:
        source: The source.
        shorter_side: Of its frames, in pixels; 0 for their own.
        timeout: Seconds without a frame after which it is given up.

    Raises:
        SourceError: If it cannot be read.
    """
    job = sources.Job(source, shorter_side)
    for decoder in ("opencv", "pyav"):
        count = 0
        job = dataclasses.replace(job, decoder=decoder)
        events = workers.run(sources.decoded, [job], num_workers=1, timeout=timeout)
        with contextlib.closing(events):
            for _, event in events:
                if isinstance(event, workers.Piece):
                    count += 1
                    yield event.value
                # What was labelled cannot be taken back, so only at the start by the other one.
                elif isinstance(event, workers.Crashed) and decoder == "opencv" and not count:
                    break
                elif isinstance(event, workers.Failed):
                    raise sources.SourceError(event.reason)
                else:
                    return
