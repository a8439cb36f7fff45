"""One video to the coded frames and fields of a store; runs in worker processes.

This module and what it imports must stay free of TensorFlow, which would cost each worker
seconds and half a gigabyte.
"""

import dataclasses
import functools
import math
import os
from collections.abc import Generator, Mapping

import cv2
import numpy as np

from tf_twostream import datasets, flow, store
from tf_twostream.datasets import clips
from tf_twostream.flow import codec
from tf_twostream.precompute import frames, timed
from tf_twostream.store import coding


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """One video to do.

    Attributes:
        video_id: Its id.
        path: Its file.
        settings: What to make of it.
        kinds: The kinds of records to make: all that the settings name, or what a store lacks.
        needed: By kind `[T]` bool, which records somebody will read; the others are left empty.
            None for all of them.
        decoder: Which decoder to begin with (see `frames.read_frames`).
        most_frames: A video with more frames fails; infinity for no such limit.
    """

    video_id: str
    path: str
    settings: store.Settings
    kinds: tuple[str, ...]
    needed: Mapping[str, np.ndarray] | None = None
    decoder: frames.Decoder = "opencv"
    most_frames: float = math.inf

    @property
    def method(self) -> flow.Method | None:
        """The flow method; None where no flow is to be computed."""
        return flow.METHODS[self.settings.method] if self.directions else None

    @property
    def directions(self) -> tuple[str, ...]:
        """The directions of flow to compute."""
        return tuple(kind for kind in self.kinds if kind != "rgb")

    @property
    def part(self) -> timed.Part:
        """Which frames of the file are those of the video."""
        clip = clips.locate(self.video_id)
        return timed.Part(clip.start, clip.end, self.settings.fps, self.settings.frame_step or 1)

    @property
    def planned_frames(self) -> int:
        """T as it was believed when `needed` was made."""
        return len(self.needed["rgb"]) if self.needed else 0

    @property
    def solver(self) -> flow.Parameters | None:
        """With what TensorFlow solves the flow; None where it does not."""
        return self.method.solver if self.method else None

    def needs_rgb(self, t: int) -> bool:
        """Says whether frame t is to be stored."""
        if self.needed is None:
            return "rgb" in self.kinds
        return bool(self.needed["rgb"][t : t + 1].any())

    def needs_grey(self, t: int) -> bool:
        """Says whether a field that begins or ends at frame t is needed."""
        if self.needed is None:
            return bool(self.directions)
        # Field t leads from frame t to frame t + 1, or back from there.
        return any(self.needed[kind][max(0, t - 1) : t + 1].any() for kind in self.directions)

    def wants_frame(self, t: int) -> bool:
        """Says whether frame t is needed in any way."""
        return self.needs_rgb(t) or self.needs_grey(t)


@dataclasses.dataclass(frozen=True)
class CodedField:
    """One field: its codes as bytes, `[2, 2]` range and `[2]` mean of (u, v) in pixels."""

    codes: bytes
    range: np.ndarray
    mean: np.ndarray


# In the place of a field that nobody will read.
EMPTY = CodedField(b"", np.zeros((2, 2), np.float32), np.zeros(2, np.float32))


@dataclasses.dataclass(frozen=True)
class TimeStep:
    """Frame t as JPEG and, except at the last frame, the fields between t and t + 1.

    A frame is empty if nobody will read it, and None if a store has it already.
    """

    rgb: bytes | None
    fields: dict[str, CodedField]


@dataclasses.dataclass(frozen=True)
class Unsolved:
    """Frame t as JPEG and, for TensorFlow to solve the fields, in grey `[H, W]` uint8.

    Without a grey image no field that begins or ends here is needed.
    """

    rgb: bytes | None
    grey: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Summary:
    """What is known when a video has been read.

    Attributes:
        height: Of the stored frames, in pixels.
        width: Of the stored frames, in pixels.
        num_frames: T, the frames that decoded.
        promised_frames: What the header says, of the part and the rate that are wanted.
        fps: Frames per second of these, by the header.
        source: Size in bytes and hash of the file.
    """

    height: int
    width: int
    num_frames: int
    promised_frames: int
    fps: float
    source: str


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
    silence_decoders()
    yield from ()  # Makes it the generator that a job has to be.
    return frames.read_header(video[1])


def by_other_decoder(job: Job) -> Job | None:
    """Returns the job to try in the place of one that ended its worker; None if there is none."""
    return None if job.decoder == "pyav" else dataclasses.replace(job, decoder="pyav")


def whole_frames(job: Job) -> Generator[np.ndarray, None, None]:
    """Yields the frames of a video `[H, W, 3]` uint8 RGB in the size that they have.

    Args:
        job: The video.

    Raises:
        OSError: If there is no file that can be read.
        ValueError: If not one frame decodes.
    """
    silence_decoders()
    for frame in frames.read_frames(job.path, decoder=job.decoder, part=job.part):
        if frame is not None:
            yield frame


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
        ValueError: If fewer than two frames decode, or too many, or flow is not finite.
    """
    datasets.check_id(job.video_id)  # Else no split could name what is in the store.
    cv2.setNumThreads(1)  # There is a process per core already.
    silence_decoders()
    header = frames.read_header(job.path, decoder=job.decoder)
    status, part = os.stat(job.path), job.part
    source = _fingerprint(job.path, status.st_size, status.st_mtime_ns)
    make = job.method.make if job.method else None
    estimators = {direction: make() for direction in job.directions} if make else {}
    decoded = frames.read_frames(
        job.path,
        shorter_side=job.settings.shorter_side,
        decoder=job.decoder,
        wanted=job.wants_frame,
        part=part,
    )
    num_frames, size = 0, (0, 0)
    before: Unsolved | None = None
    for t, frame in enumerate(decoded):
        if t >= job.most_frames:
            raise ValueError(f"A video must have {job.most_frames} frames at most. Received: more.")
        now = _coded(job, t, frame)
        if before:  # A field needs the frame that follows.
            yield (
                before if job.solver else _solved(before, now, estimators, job.settings.flow_coding)
            )
        before, num_frames = now, t + 1
        size = size if frame is None else (frame.shape[0], frame.shape[1])
    # Only now, for the header may promise what does not decode.
    if before is None or (job.directions and num_frames < 2):
        raise ValueError(
            f"A video must have two frames or more for flow. Received: {num_frames} in {job.path}."
        )
    yield before if job.solver else TimeStep(before.rgb, {})
    promised = part.count(header.num_frames, header.fps)
    return Summary(*size, num_frames, promised, part.rate(header.fps), source)


@functools.lru_cache
def _fingerprint(path: str, size: int, modified: int) -> str:
    # The clips of a long video come one after the other, and to hash it takes seconds.
    return frames.fingerprint(path)


def _coded(job: Job, t: int, frame: np.ndarray | None) -> Unsolved:
    """Codes frame t as far as it is needed."""
    rgb, grey = (b"" if "rgb" in job.kinds else None), None
    if frame is not None and job.needs_rgb(t):
        rgb = coding.encode(frame)
    if frame is not None and job.needs_grey(t):
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return Unsolved(rgb, grey)


def _solved(
    frame: Unsolved,
    following: Unsolved,
    estimators: Mapping[str, flow.PairEstimator],
    coding: codec.CodingName,
) -> TimeStep:
    """Estimates the fields between a frame and the one that follows."""
    if frame.grey is None or following.grey is None:
        return TimeStep(frame.rgb, dict.fromkeys(estimators, EMPTY))
    pair = (frame.grey, following.grey)
    return TimeStep(
        frame.rgb,
        {
            direction: code_field(
                estimate(*(pair[::-1] if direction == "backward" else pair)), coding
            )
            for direction, estimate in estimators.items()
        },
    )


def code_field(field: np.ndarray, coding: codec.CodingName) -> CodedField:
    """Codes one field.

    Args:
        field: `[H, W, 2]` float32, (u right, v down) in pixels per frame.
        coding: How its codes become bytes.

    Returns:
        Its 8-bit codes as bytes, with the range and the mean that they do not tell.

    Raises:
        ValueError: If the field is not finite.
    """
    codes, ranges = codec.quantise(field)
    # The mean of the whole field, which training subtracts from crops of it (Sect. 3.1).
    mean = np.array(cv2.mean(field)[:2], np.float32)
    return CodedField(codec.CODINGS[coding].encode(codes), ranges, mean)


def silence_decoders() -> None:
    """Keeps OpenCV and FFmpeg off the terminal: what they find is reported per video."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # FFmpeg's AV_LOG_QUIET.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
