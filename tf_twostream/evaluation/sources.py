"""What can be labelled: files, folders, lists, image sequences, cameras and streams."""

import dataclasses
import glob
import os
import pathlib
import queue
import re
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Literal

import cv2
import numpy as np

from tf_twostream.datasets import lists, video_files
from tf_twostream.precompute import extraction, frames

_STREAM = re.compile(r"[a-z0-9]+://", re.IGNORECASE)
_IMAGES = re.compile(r"(.*)%0?\d*d(.*)")
UNKNOWN_FPS = 25.0  # Frames per second of a file if its header says none, and of images.
MOST_FPS = 1000.0
SECONDS_AHEAD = 2.0  # So much of a live source may wait before frames are dropped.


class SourceError(ValueError):
    """There is nothing that could be labelled."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Something to label.

    Attributes:
        name: As the user gave it, or its path.
        path: The file, the pattern of images, the address, or the number of a camera.
        kind: "live" of what comes at its own rate and has no end.
    """

    name: str
    path: str
    kind: Literal["file", "images", "live"] = "file"


def expand(arguments: Sequence[str]) -> list[Source]:
    """Finds what arguments of a command line name.

    Args:
        arguments: Each a file, a folder (all videos below it), a pattern with * (quoted), a .txt
            file with a name in each line, a pattern of numbered images (img_%05d.jpg), the number
            of a camera, or an address (rtsp://..., http://...).

    Raises:
        SourceError: If a folder, a pattern or a list holds nothing.
        OSError: If a list cannot be read.
    """
    found: list[Source] = []
    for argument in arguments:
        found += _expand(argument)
    return found


def sift(found: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """Returns those sources that may be there, and the files that are not."""
    missing = [one for one in found if one.kind == "file" and not os.path.exists(one.path)]
    return [one for one in found if one not in missing], missing


def _expand(argument: str) -> list[Source]:
    if argument.isdecimal() or _STREAM.match(argument):
        return [Source(argument, argument, "live")]
    if os.path.isdir(argument):
        names = sorted(video_files.find_videos(argument))
        paths = [os.path.join(argument, name) for name in names]
    elif argument.endswith(".txt"):
        near = pathlib.Path(argument).parent
        paths = [str(near / line) for _, line in lists.read_lines(argument)]
    elif _IMAGES.fullmatch(os.path.basename(argument)) and not os.path.exists(argument):
        return [Source(argument, argument, "images")]
    elif glob.has_magic(argument) and not os.path.exists(argument):
        paths = sorted(glob.glob(argument, recursive=True))
    else:
        return [Source(argument, argument)]  # Whether it is there, `sift` says.
    if not paths:
        rule = "A folder, a pattern or a list must lead to videos"
        raise SourceError(f"{rule}. Received: {argument!r}, with none.")
    return [Source(path, path) for path in paths]


@dataclasses.dataclass(frozen=True)
class Job:
    """A source to decode.

    Attributes:
        source: The source.
        shorter_side: Of its frames, in pixels; 0 for their own.
        decoder: As for `frames.read_frames`.
    """

    source: Source
    shorter_side: int
    decoder: frames.Decoder = "opencv"


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a source.

    Attributes:
        seconds: When it is shown, from the beginning of the source.
        rgb: `[H, W, 3]` uint8.
        dropped: Frames of a live source that were dropped before it.
    """

    seconds: float
    rgb: np.ndarray
    dropped: int = 0


def decoded(job: Job) -> Generator[Frame, None, float]:
    """Decodes a source, in a worker.

    Args:
        job: The source.

    Yields:
        Its frames, rescaled as those of a store.

    Returns:
        When it ends, in seconds.

    Raises:
        OSError: If there is nothing that can be read.
        ValueError: If not one frame decodes.
    """
    cv2.setNumThreads(1)
    extraction.silence_decoders()
    if job.source.kind == "live":
        return (yield from _live(job))
    if job.source.kind == "file":
        fps = _believed(frames.read_header(job.source.path, decoder=job.decoder).fps)
        images = frames.read_frames(
            job.source.path, shorter_side=job.shorter_side or None, decoder=job.decoder
        )
    else:
        fps, images = UNKNOWN_FPS, _images(job)
    count = 0
    for count, rgb in enumerate(images, 1):
        if rgb is not None:
            yield Frame((count - 1) / fps, rgb)
    return count / fps


def _images(job: Job) -> Iterator[np.ndarray]:
    """Reads numbered images in their order, from the first to the first that is missing."""
    path = pathlib.Path(job.source.path)
    begin, end = _IMAGES.fullmatch(path.name).groups()  # type: ignore[union-attr]
    numbered = re.compile(re.escape(begin) + r"(\d+)" + re.escape(end))
    there = path.parent.iterdir() if path.parent.is_dir() else ()
    matches = [match for file in there if (match := numbered.fullmatch(file.name))]
    if not matches:
        raise FileNotFoundError(f"There are no such images. Received: {path}.")
    for match in sorted(matches, key=lambda match: int(match[1])):
        image = cv2.imread(str(path.parent / match[0]), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise ValueError(f"An image must be one that OpenCV reads. Received: {match[0]}.")
        yield frames.rescale(image, job.shorter_side or min(image.shape[:2]))


def _believed(fps: float) -> float:
    """Returns a rate that can be true."""
    return fps if 1 <= fps <= MOST_FPS else UNKNOWN_FPS


def _file_of_server(
    job: Job, capture: cv2.VideoCapture, fps: float
) -> Generator[Frame, None, float]:
    count = 0
    while (decoded := capture.read())[0]:
        rgb = cv2.cvtColor(decoded[1], cv2.COLOR_BGR2RGB)
        yield Frame(count / fps, frames.rescale(rgb, job.shorter_side))
        count += 1
    return count / fps


def _live(job: Job) -> Generator[Frame, None, float]:
    """Reads a camera or a stream as it comes; what nobody takes in time is dropped."""
    path = job.source.path
    capture = cv2.VideoCapture(int(path)) if path.isdecimal() else cv2.VideoCapture(path)
    if not capture.isOpened():
        raise OSError(f"A camera or a stream must be one that OpenCV opens. Received: {path!r}.")
    fps = _believed(capture.get(cv2.CAP_PROP_FPS))
    if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:  # A file of a server comes as it is asked for.
        return (yield from _file_of_server(job, capture, fps))
    most = max(2, int(SECONDS_AHEAD * fps))
    waiting: queue.Queue[Frame | None] = queue.Queue(most)
    began = time.monotonic()

    def read() -> None:
        dropped = 0
        while True:
            there, image = capture.read()
            if not there:
                waiting.put(None)
                return
            rgb = frames.rescale(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), job.shorter_side)
            try:
                waiting.put_nowait(Frame(time.monotonic() - began, rgb, dropped))
                dropped = 0
            except queue.Full:
                dropped += 1

    threading.Thread(target=read, daemon=True).start()
    last = 0.0
    while frame := waiting.get():
        yield frame
        last = frame.seconds
    return last
