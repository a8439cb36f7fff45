"""Chooses frames of a video by their time: those between two moments, and those at a rate."""

import contextlib
import dataclasses
import fractions
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import av
import numpy as np

Item = TypeVar("Item")
Stamped = tuple[fractions.Fraction, Item]  # Seconds from the beginning of the video, and a frame.

UNKNOWN_FPS = 25  # Where a stream has neither time stamps nor a rate.


@dataclasses.dataclass(frozen=True)
class Part:
    """Which frames of a video are wanted.

    Attributes:
        start: Seconds from the beginning of the video; a frame of this time is the first.
        end: Seconds; a frame of this time is no longer wanted.
        fps: Frames per second to choose; None for all that there are.
        frame_step: 1 for every frame, 2 for every second one.
    """

    start: fractions.Fraction = fractions.Fraction(0)
    end: fractions.Fraction | float = math.inf
    fps: float | None = None
    frame_step: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether all frames are wanted."""
        return self == WHOLE

    def choose(self, frames: Iterable[Stamped[Item]]) -> Iterator[Stamped[Item]]:
        """Chooses frames.

        At a rate, frame k is the one that is nearest in time to the first one's time plus k / fps,
        the earlier of two that are as near: some are left out, or come twice.

        Example:
            >>> from tf_twostream.precompute import timed
            >>> [t for t, _ in timed.Part(start=1, end=4).choose((t, "") for t in range(6))]
            [1, 2, 3]

        Args:
            frames: All frames with their times, which ascend.

        Yields:
            The chosen frames, with the times that they stand for.
        """
        inside = itertools.takewhile(
            lambda frame: frame[0] < self.end,
            itertools.dropwhile(lambda frame: frame[0] < self.start, frames),
        )
        if self.fps:
            return _at_rate(inside, fractions.Fraction(self.fps).limit_denominator(1001))
        return itertools.islice(inside, 0, None, self.frame_step)

    def count(self, num_frames: int, fps: float) -> int:
        """Returns how many frames are wanted of a video of a constant rate; 0 if not known.

        Args:
            num_frames: All its frames; 0 if not known.
            fps: Their number per second; 0 if not known.
        """
        if self.is_whole:
            return num_frames
        if not fps:
            return 0
        rate = fractions.Fraction(fps).limit_denominator(1001)
        first = math.ceil(self.start * rate)
        # Not less where the video ends before: then frames are missing.
        last = math.ceil(self.end * rate) if self.end < math.inf else num_frames
        inside = max(0, last - first)
        if self.fps and inside:
            wanted = fractions.Fraction(self.fps).limit_denominator(1001)
            return math.floor((inside - 1) / rate * wanted) + 1
        return math.ceil(inside / self.frame_step)

    def rate(self, fps: float) -> float:
        """Returns the chosen frames per second of a video that has `fps` of them; 0 if unknown."""
        return self.fps or fps / self.frame_step


WHOLE = Part()


def _at_rate(frames: Iterable[Stamped[Item]], fps: fractions.Fraction) -> Iterator[Stamped[Item]]:
    """Yields the nearest frame to each of the moments that are 1 / fps apart."""
    moment = fractions.Fraction(0)
    last: Stamped[Item] | None = None
    for frame in frames:
        if last is None:
            moment = frame[0]
        else:
            while moment <= (last[0] + frame[0]) / 2:
                yield moment, last[1]
                moment += 1 / fps
        last = frame
    # The last frame stands for no moment after its own.
    while last and moment <= last[0]:
        yield moment, last[1]
        moment += 1 / fps


def decode(
    path: str | os.PathLike[str], part: Part, wanted: Callable[[int], bool]
) -> Iterator[np.ndarray | None]:
    """Yields the frames `[H, W, 3]` RGB of a part of a video, as PyAV decodes them.

    Args:
        path: The video.
        part: Which of its frames.
        wanted: Says of each of these, by its number, whether it is wanted; None in its place.

    Raises:
        ValueError: If it is no video.
    """
    for number, (_, frame) in enumerate(part.choose(_from(path, part.start))):
        yield upright(frame) if wanted(number) else None


def _from(
    path: str | os.PathLike[str], start: fractions.Fraction
) -> Iterator[Stamped[av.VideoFrame]]:
    """Yields the frames of a video and their times, from one before `start` on."""
    if start:
        with opened(path) as (container, stream):
            # The frames of AVI have no time stamps that could be trusted, only numbers.
            if container.format.name != "avi":
                container.seek(
                    math.floor(start / stream.time_base) + (stream.start_time or 0), stream=stream
                )
                stamped = _stamped(container, stream)
                first = next(stamped, None)
                # Some containers have no index, and lead to a frame behind the moment.
                if first and first[0] <= start:
                    yield first
                    yield from stamped
                    return
    with opened(path) as (container, stream):
        yield from _stamped(container, stream)


def _stamped(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[Stamped[av.VideoFrame]]:
    """Yields frames and their times, which begin where the stream does."""
    rate = fractions.Fraction(stream.guessed_rate or UNKNOWN_FPS)
    counted = container.format.name == "avi"
    last = -1 / rate
    for frame in decoded(container, stream):
        if counted or frame.pts is None:
            last += 1 / rate
        else:
            # A damaged file may go back in time, which `choose` cannot.
            last = max(last, (frame.pts - (stream.start_time or 0)) * stream.time_base)
        yield last, frame


def decoded(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.VideoFrame]:
    """Yields the frames of a stream; a damaged part costs its own frames, not those behind it."""
    packets = container.demux(stream)
    while True:
        with contextlib.suppress(av.error.FFmpegError):
            if (packet := next(packets, None)) is None:
                return
            yield from packet.decode()


def upright(frame: av.VideoFrame) -> np.ndarray:
    """Returns the pixels `[H, W, 3]` RGB of a frame as players show it, which telephones turn."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90))


@contextlib.contextmanager
def opened(
    path: str | os.PathLike[str],
) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Opens a video by PyAV.

    Raises:
        ValueError: If it is no video.
    """
    words = f"FFmpeg finds no video stream it can decode. Received: {path}."
    try:
        container = av.open(os.fspath(path), metadata_errors="ignore")
    except av.error.FFmpegError as error:
        raise ValueError(words) from error
    with container:
        if not container.streams.video:
            raise ValueError(words)
        yield container, container.streams.video[0]
