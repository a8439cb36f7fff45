"""One video to the coded frames and fields of a store; runs in worker processes.

This module and what it imports must stay free of TensorFlow, which would cost each worker
seconds and half a gigabyte.
"""

import dataclasses
import itertools
import os
from collections.abc import Generator

import cv2
import numpy as np

from tf_twostream import flow, store
from tf_twostream.flow import codec
from tf_twostream.precompute import frames
from tf_twostream.store import coding


@dataclasses.dataclass(frozen=True)
class Job:
    """One video to do: its id, its file and what to make of it.

    Attributes:
        video_id: Its id.
        path: Its file.
        settings: What to make of it.
        decoder: Which decoder to begin with (see `frames.read_frames`).
    """

    video_id: str
    path: str
    settings: store.Settings
    decoder: frames.Decoder = "opencv"

    @property
    def method(self) -> flow.Method:
        """The flow method."""
        return flow.METHODS[self.settings.method]


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
    """What is known when a video has been read: frames' size in pixels, length, header."""

    height: int
    width: int
    num_frames: int
    promised_frames: int
    fps: float


def header(video: tuple[str, str]) -> Generator[None, None, frames.Header]:
    """Reads the header of a video: a job of its own, for opening a file can crash, too.

    Args:
        video: Id and file.

    Returns:
        The header; nothing is yielded before.

    Raises:
        OSError: If there is no file that can be read.
        ValueError: If it is no video.
    """
    _silence_decoders()
    yield from ()  # Makes it the generator that a job has to be.
    return frames.read_header(video[1])


def by_other_decoder(job: Job) -> Job | None:
    """Returns the job to try in the place of one that ended its worker; None if there is none."""
    other = dataclasses.replace(job, decoder="pyav")
    return None if job == other else other


def whole_frames(job: Job) -> Generator[np.ndarray, None, None]:
    """Yields the frames of a video `[H, W, 3]` uint8 RGB in the size that they have.

    Args:
        job: The video.

    Raises:
        OSError: If there is no file that can be read.
        ValueError: If not one frame decodes.
    """
    _silence_decoders()
    yield from frames.read_frames(job.path, decoder=job.decoder)


def time_steps(job: Job) -> Generator[TimeStep | Unsolved, None, Summary]:
    """Decodes a video, estimates its flow and codes both, frame by frame.

    Args:
        job: The video.

    Yields:
        Time steps 0, 1 ... T - 1; `Unsolved` where the method is solved in TensorFlow, which no
        worker imports.

    Returns:
        The summary.

    Raises:
        OSError: If there is no file that can be read.
        ValueError: If fewer than two frames decode, or flow is not finite.
    """
    cv2.setNumThreads(1)  # There is a process per core already.
    _silence_decoders()
    header = frames.read_header(job.path, decoder=job.decoder)
    side = job.settings.shorter_side
    rgb = frames.read_frames(job.path, shorter_side=side, decoder=job.decoder)
    pairs = ((frame, cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in rgb)
    directions = () if job.method.solver else job.settings.directions
    # One decoding feeds all; `tee` keeps only what one reader is ahead of another.
    own, *others = itertools.tee(pairs, 1 + len(directions))
    streams = {
        direction: job.method.fields((grey for _, grey in other), backward=direction == "backward")
        for direction, other in zip(directions, others)
    }
    num_frames, shape = 0, (0, 0)
    for frame, grey in own:
        jpeg = coding.encode(frame)
        if job.method.solver:
            yield Unsolved(jpeg, grey)
        else:
            # A stream looks one frame ahead; after the last frame it has no field left.
            fields = {name: next(stream, None) for name, stream in streams.items()}
            coded: dict[str, CodedField] = {
                name: code_field(f) for name, f in fields.items() if f is not None
            }
            yield TimeStep(jpeg, coded)
        num_frames, shape = num_frames + 1, frame.shape[:2]
    # Only now, for the header may promise what does not decode.
    if num_frames < 2:
        raise ValueError(
            f"A video must have two frames or more for flow. Received: {num_frames} in {job.path}."
        )
    return Summary(*shape, num_frames, header.num_frames, header.fps)


def code_field(field: np.ndarray) -> CodedField:
    """Codes one field.

    Args:
        field: `[H, W, 2]` float32, (u right, v down) in pixels per frame.

    Returns:
        Its 8-bit codes as JPEG, with the range and the mean that they do not tell.

    Raises:
        ValueError: If the field is not finite.
    """
    codes, ranges = codec.quantise(field)
    # The mean of the whole field, which training subtracts from crops of it (Sect. 3.1).
    mean = np.array(cv2.mean(field)[:2], np.float32)
    return CodedField(codec.encode(codes), ranges, mean)


def _silence_decoders() -> None:
    """Keeps OpenCV and FFmpeg off the terminal: what they find is reported per video."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg's AV_LOG_QUIET.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
