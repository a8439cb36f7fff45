"""Video file to RGB frames whose shorter side is rescaled (paper, Sect. 5).

OpenCV's FFmpeg can end the whole process on some files (opencv/opencv#29699 is one case), so
videos of unknown origin are decoded where that is contained (`workers`).
"""

import dataclasses
import math
import os
from collections.abc import Iterator

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True)
class Header:
    """What the header of a container says, right or wrong.

    Attributes:
        num_frames: Promised frames; 0 if unknown. HMDB-51 promises one more than decodes.
        fps: Frames per second; 0 if unknown.
    """

    num_frames: int
    fps: float


def _open(path: str | os.PathLike[str]) -> cv2.VideoCapture:
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no such video. Received: {path}.")
    if os.path.getsize(path) == 0:
        raise ValueError(f"The video is empty (0 bytes). Received: {path}.")
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
    return Header(
        num_frames=max(0, int(num_frames)) if math.isfinite(num_frames) else 0,
        fps=max(0.0, fps) if math.isfinite(fps) else 0.0,
    )


def rescaled_size(height: int, width: int, *, shorter_side: int) -> tuple[int, int]:
    """Returns the height and width, in pixels, at which the shorter side is `shorter_side`."""
    scale = shorter_side / min(height, width)
    return round(height * scale), round(width * scale)


def read_frames(path: str | os.PathLike[str], *, shorter_side: int) -> Iterator[np.ndarray]:
    """Decodes a video frame by frame; what a damaged file still holds is used.

    Frames are enlarged bilinearly and shrunk by averaging over areas. A video whose frame size
    changes on the way keeps the size of its first frame.

    Args:
        path: Video file.
        shorter_side: Of the returned frames, in pixels; the aspect ratio is kept.

    Yields:
        `[H, W, 3]` uint8 RGB, frame 0 first.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If not one frame decodes.
    """
    if shorter_side < 1:
        raise ValueError(f"`shorter_side` is in pixels, at least 1. Received: {shorter_side}.")
    capture = _open(path)
    size: tuple[int, int] | None = None
    while True:
        decoded, frame = capture.read()
        if not decoded:
            break
        size = size or rescaled_size(*frame.shape[:2], shorter_side=shorter_side)
        yield cv2.cvtColor(_resize(frame, size), cv2.COLOR_BGR2RGB)
    capture.release()
    if size is None:
        raise ValueError(f"The file opens as a video, but no frame decodes. Received: {path}.")


def _resize(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if frame.shape[:2] == size:
        return frame
    shrinks = min(size) < min(frame.shape[:2])
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(frame, size[::-1], interpolation=interpolation)
