"""One video to the coded frames and fields of a store; runs in worker processes.

This module and what it imports must stay free of TensorFlow, which would cost each worker
seconds and half a gigabyte.
"""

import dataclasses
import itertools
import os
from collections.abc import Generator, Iterator
from typing import Any, Literal

import cv2
import numpy as np

from tf_twostream import cli, flow
from tf_twostream.flow import codec
from tf_twostream.precompute import frames

RGB_QUALITY = 95  # JPEG; ours, the paper does not say how frames were kept.


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The knobs that decide what a store holds; one store, one recipe."""

    method: Literal["dis", "tvl1", "farneback", "brox", "brox_opencv"] = cli.knob(
        "brox",
        "Optical flow method (docs/flow.md): brox, the paper's [2], on the GPU if there is one; "
        "brox_opencv, the same with OpenCV's parameters (slower); dis (faster on a CPU), farneback "
        "and tvl1 (very slow) of OpenCV.",
    )
    directions: tuple[str, ...] = cli.knob(
        ("forward",),
        "forward, or forward,backward (needed by bi-directional volumes, paper, Sect. 3.1).",
    )
    shorter_side: int = cli.knob(
        256, "Shorter side of frames and fields in pixels (paper, Sect. 5: 256)."
    )

    def __post_init__(self):
        if self.directions not in (("forward",), ("forward", "backward")):
            raise ValueError(
                "--directions must be forward or forward,backward. "
                f"Received: {','.join(self.directions)}."
            )
        if self.shorter_side < 16:
            raise ValueError(
                f"--shorter_side is in pixels, at least 16. Received: {self.shorter_side}."
            )

    def settings(self) -> dict[str, Any]:
        """Returns what decides the bytes of each video, JSON-able, for `store.json`."""
        return {
            "method": self.method,
            "parameters": flow.parameters(self.method),
            "directions": list(self.directions),
            "shorter_side": self.shorter_side,
            "rgb_quality": RGB_QUALITY,
            "flow_quality": codec.QUALITY,
        }


@dataclasses.dataclass(frozen=True)
class Task:
    """One video to do: its id, its file and what to make of it."""

    video_id: str
    path: str
    recipe: Recipe


@dataclasses.dataclass(frozen=True)
class CodedField:
    """One field: JPEG of its codes, `[2, 2]` range and `[2]` mean of (u, v) in pixels."""

    jpeg: bytes
    range: np.ndarray
    mean: np.ndarray


@dataclasses.dataclass(frozen=True)
class TimeStep:
    """Frame t as JPEG and, except at the last frame, the fields between t and t + 1."""

    rgb: bytes
    fields: dict[str, CodedField]


@dataclasses.dataclass(frozen=True)
class Unsolved:
    """Frame t as JPEG and, for TensorFlow to solve the fields, in grey `[H, W]` uint8."""

    rgb: bytes
    grey: np.ndarray


@dataclasses.dataclass(frozen=True)
class Summary:
    """What is known when a video has been read: frames' size in pixels, header, length."""

    height: int
    width: int
    num_frames: int
    promised_frames: int
    fps: float


def header(video: tuple[str, str]) -> Generator[None, None, frames.Header]:
    """Reads the header of a video: a task of its own, for opening a file can crash, too.

    Args:
        video: Id and file.

    Returns:
        The header; nothing is yielded before.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no video.
    """
    _silence_decoders()
    yield from ()
    return frames.read_header(video[1])


def time_steps(task: Task) -> Generator[TimeStep | Unsolved, None, Summary]:
    """Decodes a video, estimates its flow and codes both, frame by frame.

    Args:
        task: The video.

    Yields:
        Time steps 0, 1 ... T - 1; `Unsolved` where the method is TensorFlow's (`flow.SOLVED`),
        which no worker imports.

    Returns:
        The summary.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If fewer than two frames decode, or flow is not finite.
    """
    cv2.setNumThreads(1)  # There is a process per core already.
    _silence_decoders()
    header = frames.read_header(task.path)
    num_frames, shape = 0, (0, 0)
    solved = task.recipe.method in flow.SOLVED
    for frame, grey, fields in _frames_and_fields(task, () if solved else task.recipe.directions):
        coded = {direction: code_field(field) for direction, field in fields.items()}
        rgb = _code_frame(frame)
        yield Unsolved(rgb, grey) if solved else TimeStep(rgb, coded)
        num_frames, shape = num_frames + 1, frame.shape[:2]
    if num_frames < 2:
        raise ValueError(f"Flow needs two frames. Received: {num_frames} in {task.path}.")
    return Summary(*shape, num_frames, header.num_frames, header.fps)


def code_field(field: np.ndarray) -> CodedField:
    """Codes one field `[H, W, 2]` float32 in pixels."""
    codes, limits = codec.quantise(field)
    mean = np.array(cv2.mean(field)[:2], np.float32)
    return CodedField(codec.encode(codes), limits, mean)


def _frames_and_fields(
    task: Task, directions: tuple[str, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
    """Yields frame t, the same in grey, and the fields between t and t + 1, none at the end."""
    recipe = task.recipe
    rgb = frames.read_frames(task.path, shorter_side=recipe.shorter_side)
    pairs = ((frame, cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in rgb)
    # One decoding feeds all; `tee` keeps only what one reader is ahead of another.
    own, *others = itertools.tee(pairs, 1 + len(directions))
    streams = [
        flow.fields((grey for _, grey in other), method=recipe.method, direction=direction)
        for direction, other in zip(directions, others)
    ]
    for frame, grey in own:
        fields = [next(stream, None) for stream in streams]
        yield frame, grey, {d: f for d, f in zip(directions, fields) if f is not None}


def _code_frame(frame: np.ndarray) -> bytes:
    image = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    coded, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, RGB_QUALITY])
    if not coded:
        raise ValueError(f"OpenCV cannot code a frame as JPEG. Received: shape {frame.shape}.")
    return jpeg.tobytes()


def _silence_decoders() -> None:
    """Keeps OpenCV and FFmpeg off the terminal: what they find is reported per video."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
