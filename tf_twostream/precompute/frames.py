"""Between video files and RGB frames, whose shorter side is rescaled (paper, Sect. 5).

OpenCV's FFmpeg can end the whole process on some files (opencv/opencv#29699 is one case), so
videos of unknown origin are decoded where that is contained (`workers`).
"""

import dataclasses
import hashlib
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True)
class Header:
    """What the header of a container says, right or wrong.

    Attributes:
        num_frames: Promised frames; 0 if unknown.
        fps: Frames per second; 0 if unknown.
    """

    num_frames: int
    fps: float


def is_cut_off(num_frames: int, promised_frames: int) -> bool:
    """Says whether a video has lost frames.

    Args:
        num_frames: Frames that decode.
        promised_frames: What the header of its container says; 0 if unknown.
    """
    return promised_frames - num_frames > 1  # One less is normal: HMDB-51 promises one more.


def _open(path: str | os.PathLike[str]) -> cv2.VideoCapture:
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no such video. Received: {path}.")
    if os.path.getsize(path) == 0:
        raise ValueError(f"The video is empty (0 bytes). Received: {path}.")
    # No other decoder than FFmpeg: which ones OpenCV has besides depends on how it was built.
    capture = cv2.VideoCapture(os.fspath(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise ValueError(f"FFmpeg finds no video stream it can decode. Received: {path}.")
    return capture


def read_header(path: str | os.PathLike[str]) -> Header:
    """Reads what the container promises, without decoding.

    Args:
        path: Video file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no video.
    """
    capture = _open(path)
    num_frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    # Of a single image FFmpeg promises -9e18 frames; infinity and NaN are no integers.
    return Header(
        num_frames=max(0, int(num_frames)) if math.isfinite(num_frames) else 0,
        fps=max(0.0, fps) if math.isfinite(fps) else 0.0,
    )


def rescaled_size(height: int, width: int, *, shorter_side: int) -> tuple[int, int]:
    """Returns the size at which the shorter side is `shorter_side`; the aspect ratio is kept.

    Args:
        height: Of a frame, in pixels.
        width: Of a frame, in pixels.
        shorter_side: In pixels.

    Returns:
        Height and width in pixels.
    """
    scale = shorter_side / min(height, width)
    return round(height * scale), round(width * scale)


def fingerprint(path: str | os.PathLike[str]) -> str:
    """Returns what tells a video file from another one: its size in bytes and a hash of it all."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
        return f"{file.tell()}:{digest.hexdigest()}"


def read_frames(
    path: str | os.PathLike[str],
    *,
    shorter_side: int,
    wanted: Callable[[int], bool] = lambda t: True,
) -> Iterator[np.ndarray | None]:
    """Decodes a video frame by frame; what a damaged file still holds is used.

    Frames are enlarged bilinearly and shrunk by averaging over areas. A video whose frame size
    changes on the way keeps the size of its first frame.

    Example:
        >>> from tf_twostream.precompute import frames
        >>> [frame.shape for frame in frames.read_frames(example_video, shorter_side=24)][:2]
        [(24, 32, 3), (24, 32, 3)]

    Args:
        path: Video file.
        shorter_side: Of the returned frames, in pixels; the aspect ratio is kept.
        wanted: Says of each frame, by its number, whether it is wanted.

    Yields:
        `[H, W, 3]` uint8 RGB, frame 0 first; None in the place of a frame that is not wanted.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If not one frame decodes, or `shorter_side` is not positive.
    """
    if shorter_side < 1:
        raise ValueError(f"`shorter_side` must be at least 1. Received: {shorter_side}.")
    capture = _open(path)
    # That of the first frame: flow needs frames of one size, and so does a volume.
    size: tuple[int, int] | None = None
    t = 0
    # Frames depend on those before them, so all are decoded; but only what is wanted is converted.
    while capture.grab():
        if size and not wanted(t):
            t += 1
            yield None
            continue
        decoded, frame = capture.retrieve()
        if not decoded:
            break
        size = size or rescaled_size(*frame.shape[:2], shorter_side=shorter_side)
        yield cv2.cvtColor(_resize(frame, size), cv2.COLOR_BGR2RGB) if wanted(t) else None
        t += 1
    capture.release()
    if size is None:
        raise ValueError(f"The file opens as a video, but no frame decodes. Received: {path}.")


def _resize(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if frame.shape[:2] == size:
        return frame
    # Bilinear interpolation looks at 4 pixels only: a fine pattern would shrink to a coarse one.
    shrinks = min(size) < min(frame.shape[:2])
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(frame, size[::-1], interpolation=interpolation)


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[np.ndarray],
    *,
    code: str,
    fps: float,
    jpeg_quality: int = 0,
) -> None:
    """Writes a video file, one frame in memory at a time.

    Args:
        path: The file; its suffix says which container it is.
        frames: `[H, W, 3]` uint8 RGB, one or more.
        code: Four characters that name the coder: MJPG and FFV1 for .avi, mp4v for .mp4.
        fps: Frames per second.
        jpeg_quality: From 1 to 100, to write MJPG by OpenCV's own coder: it is in every build, so
            that the bytes are the same everywhere, but rounds `fps` to a whole number. 0 for
            FFmpeg's coders.

    Raises:
        OSError: If the file cannot be written.
    """
    frames = iter(frames)
    first = next(frames)
    backend = cv2.CAP_OPENCV_MJPEG if jpeg_quality else cv2.CAP_ANY
    fourcc, size = cv2.VideoWriter.fourcc(*code), first.shape[1::-1]
    writer = cv2.VideoWriter(os.fspath(path), backend, fourcc, fps, size)
    if not writer.isOpened():
        raise OSError(f"A video must be a file that can be written. Received: {path}.")
    if jpeg_quality:
        writer.set(cv2.VIDEOWRITER_PROP_QUALITY, jpeg_quality)
    for frame in itertools.chain([first], frames):
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
