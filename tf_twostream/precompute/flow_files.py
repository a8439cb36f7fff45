"""Writes the flow of videos into files that other tools read.

Field n, counted from 1 as other tools count, leads from frame n to frame n + 1; a backward field n
leads back from there.
"""

import collections
import contextlib
import itertools
import os
import pathlib
import shutil
from collections.abc import Callable, Generator, Iterator
from typing import Any, cast

import cv2
import numpy as np

from tf_twostream import flow, store
from tf_twostream.flow import color, exchange, flo
from tf_twostream.precompute import extraction, frames
from tf_twostream.processes import files, workers

# A frame `[H, W, 3]` uint8 RGB and the field `[H, W, 2]` between it and the next one; the last
# frame of a video has none.
Pair = tuple[np.ndarray, np.ndarray | None]
JPEG_QUALITY = 95  # Of the images of the JPEG layout; OpenCV's default, which those tools take.
UNKNOWN_FPS = 25.0  # Frames per second of a coloured video if the header says none.


class UnreadableError(ValueError):
    """A video cannot be decoded."""


class CrashedError(UnreadableError):
    """A video ended the process that decoded it."""


def _write_fields(
    suffix: str, encode: Callable[[pathlib.Path, np.ndarray], None]
) -> Callable[[pathlib.Path, Iterator[Pair], float, float], None]:
    """Makes a function that writes a file for each field."""

    def write(folder: pathlib.Path, pairs: Iterator[Pair], bound: float, fps: float) -> None:
        for number, (_, field) in enumerate(pairs, 1):
            if field is not None:
                encode(folder / f"flow_{number:05}.{suffix}", field)

    return write


def _write_jpegs(folder: pathlib.Path, pairs: Iterator[Pair], bound: float, fps: float) -> None:
    """Writes the layout of TSN and denseflow; the last frame, from which no field leads, too."""
    for number, (frame, field) in enumerate(pairs, 1):
        images = {"img": cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)}
        if field is not None:
            images |= zip(("flow_x", "flow_y"), exchange.to_bounded(field, bound))
        for name, image in images.items():
            path = str(folder / f"{name}_{number:05}.jpg")
            if not cv2.imwrite(path, image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
                raise OSError(f"An image must be a file that can be written. Received: {path}.")


def _write_video(folder: pathlib.Path, pairs: Iterator[Pair], bound: float, fps: float) -> None:
    painted = (color.colorize(field, bound) for _, field in pairs if field is not None)
    first = next(painted, None)
    if first is None:
        raise UnreadableError("A video must have two frames or more for flow. Received: one.")
    painted = itertools.chain([first], painted)  # type: ignore[assignment]
    even = (np.pad(p, [(0, n % 2) for n in p.shape[:2]] + [(0, 0)], mode="edge") for p in painted)
    frames.write_h264(folder / "flow.mp4", even, fps=fps or UNKNOWN_FPS)


# Each writes the fields of a video into a folder, given the bound in pixels, of codes or full
# colour, and frames per second.
FORMATS: dict[str, Callable[[pathlib.Path, Iterator[Pair], float, float], None]] = {
    "flo": _write_fields("flo", flo.write_flo),
    "npy": _write_fields("npy", np.save),
    "png": _write_fields("png", exchange.write_kitti),
    "jpeg": _write_jpegs,
    "video": _write_video,
}


@contextlib.contextmanager
def whole_or_absent(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a folder to fill that gets its name when it is complete."""
    partial = folder.with_name(folder.name + files.PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_origin(path: pathlib.Path, wanted: dict[str, Any]) -> None:
    """Checks that a folder that exists is of the same video, and was made in the same way.

    Args:
        path: The file that says so.
        wanted: What it must hold.

    Raises:
        FileExistsError: If it does not.
    """
    found = files.read_json(path) if path.exists() else None
    if found != wanted:
        rule = "A folder that exists must be of the same video and kind"
        raise FileExistsError(f"{rule}. Received: {path.parent}.")


def decoded(job: tuple[str, int, frames.Decoder]) -> Generator[float | np.ndarray, None, None]:
    """Decodes a video in a worker.

    Args:
        job: The file, the shorter side of its frames in pixels, 0 to keep their size, and the
            decoder.

    Yields:
        Frames per second, by the header; then `[H, W, 3]` uint8 RGB.
    """
    extraction.silence_decoders()
    path, shorter_side, decoder = job
    yield frames.read_header(path, decoder=decoder).fps
    for frame in frames.read_frames(path, shorter_side=shorter_side or None, decoder=decoder):
        yield cast(np.ndarray, frame)


def open_video(
    path: str | os.PathLike[str],
    *,
    method: str,
    direction: str = "forward",
    shorter_side: int = 0,
    decoder: frames.Decoder = "opencv",
    timeout: float = 60.0,
) -> tuple[float, Iterator[Pair]]:
    """Opens a video file, to estimate the fields between its frames as they come.

    The file is decoded in another process, which a broken one may end.

    Args:
        path: The file.
        method: A name in `flow.METHODS`.
        direction: "forward", or "backward" for the field back from the next frame.
        shorter_side: Of frames and fields, in pixels; 0 for that of the file.
        decoder: As for `frames.read_frames`.
        timeout: Seconds without a frame after which the video is given up.

    Returns:
        Frames per second, and an iterator over frames and fields.

    Raises:
        UnreadableError: If the video cannot be decoded; also by the iterator. `CrashedError` if the
            decoder ended its process: the other one may do it.
    """
    job = (os.fspath(path), shorter_side, decoder)
    pieces = _pieces(workers.run(decoded, [job], num_workers=1, timeout=timeout))
    return next(pieces), _with_fields(pieces, method, direction)


def _pieces(events: Generator[tuple[Any, workers.Event], None, None]) -> Generator[Any, None, None]:
    """Yields what a job yields."""
    with contextlib.closing(events):
        for _, event in events:
            if isinstance(event, workers.Crashed):
                raise CrashedError(event.reason)
            if isinstance(event, workers.Failed):
                raise UnreadableError(event.reason)
            if isinstance(event, workers.Piece):
                yield event.value


def _with_fields(
    decoded_frames: Generator[np.ndarray, None, None], method: str, direction: str
) -> Iterator[Pair]:
    held: collections.deque[np.ndarray] = collections.deque()

    def grey() -> Iterator[np.ndarray]:
        for frame in decoded_frames:
            held.append(frame)
            yield cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)

    with contextlib.closing(decoded_frames):
        for field in flow.fields(grey(), method=method, direction=direction):
            yield held.popleft(), field
        yield from ((frame, None) for frame in held)


def open_stored(
    reader: store.Reader, video_id: str, *, direction: store.Kind = "forward"
) -> tuple[float, Iterator[Pair]]:
    """Opens a video in a store; returns what `open_video` does."""
    fields = reader.fields(video_id, direction=direction)
    return reader.fps(video_id), itertools.zip_longest(reader.frames(video_id), fields)
