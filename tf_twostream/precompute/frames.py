"""Between video files and RGB frames, whose shorter side is rescaled (paper, Sect. 5).

Two libraries decode, each with an FFmpeg of its own: OpenCV and, where it cannot, PyAV. Both give
the same pixels. OpenCV ends the whole process on some files (opencv/opencv#29699 is one case,
uncompressed AVI with the rows from bottom to top another), so videos of unknown origin are decoded
where that is contained, and then tried again (`workers`).
"""

import dataclasses
import fractions
import hashlib
import itertools
import math
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import av
import cv2
import numpy as np

from tf_twostream.precompute import timed
from tf_twostream.processes import files

Decoder = Literal["opencv", "pyav"]

_BT601 = 6  # FFmpeg's number of the colours of SMPTE 170M, which swscale makes of RGB.
_LIMITED = 1  # FFmpeg's number of the range 16 to 235 of brightness, of which the same holds.


@dataclasses.dataclass(frozen=True)
class Header:
    """What the header of a container says, right or wrong.

    Attributes:
        num_frames: Promised frames; 0 if unknown.
        fps: Frames per second; 0 if unknown.
        width: In pixels, before a rotation.
        height: In pixels, likewise.
    """

    num_frames: int
    fps: float
    width: int = dataclasses.field(default=0, compare=False)
    height: int = dataclasses.field(default=0, compare=False)


def is_cut_off(num_frames: int, promised_frames: int) -> bool:
    """Says whether a video has lost frames.

    Args:
        num_frames: Frames that decode.
        promised_frames: What the header of its container says; 0 if unknown.
    """
    return promised_frames - num_frames > 1  # One less is normal: HMDB-51 promises one more.


def check_video(path: str | os.PathLike[str]) -> None:
    """Checks what can be told of a video file without a decoder.

    Args:
        path: Video file.

    Raises:
        OSError: If there is no such file, it may not be read, or it is a folder.
        ValueError: If it is empty.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no such video. Received: {path}.")
    if os.path.isdir(path):
        raise IsADirectoryError(f"A video must be a file. Received: {path}, a folder.")
    # Not os.access, which says nothing about a disk that fails.
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        rule = "A video must be a file that can be read"
        raise type(error)(f"{rule}. Received: {path} ({error.strerror}).") from None
    if os.path.getsize(path) == 0:
        raise ValueError(f"The video is empty (0 bytes). Received: {path}.")


def read_header(path: str | os.PathLike[str], *, decoder: Decoder = "opencv") -> Header:
    """Reads what the container promises, without decoding.

    Args:
        path: Video file.
        decoder: As for `read_frames`.

    Raises:
        OSError: If there is no file that can be read.
        ValueError: If it is no video.
    """
    check_video(path)
    capture = cv2.VideoCapture()
    if decoder == "opencv" and capture.open(os.fspath(path), cv2.CAP_FFMPEG):
        num_frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        capture.release()
    else:
        with timed.opened(path) as (container, stream):
            # As OpenCV does it, or a store would seem to hold other videos than the folder.
            fps = float(stream.guessed_rate or 0)
            seconds = (container.duration or 0) / av.time_base
            num_frames = stream.frames or math.floor(seconds * fps + 0.5)
            width, height = stream.width, stream.height
    # Of a single image FFmpeg promises -9e18 frames; infinity and NaN are no integers.
    return Header(
        num_frames=max(0, int(num_frames)) if math.isfinite(num_frames) else 0,
        fps=max(0.0, fps) if math.isfinite(fps) else 0.0,
        width=width,
        height=height,
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
    shorter_side: int | None = None,
    decoder: Decoder = "opencv",
    wanted: Callable[[int], bool] = lambda t: True,
    part: timed.Part = timed.WHOLE,
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
        shorter_side: Of the returned frames, in pixels; the aspect ratio is kept. None for the
            size that they have.
        decoder: "opencv", after which PyAV is tried if no frame came; or "pyav" alone.
        wanted: Says of each frame, by its number, whether it is wanted.
        part: Which frames to count and to return. PyAV decodes where these are not all, for it
            knows their times.

    Yields:
        `[H, W, 3]` uint8 RGB, frame 0 first; None in the place of a frame that is not wanted.

    Raises:
        OSError: If there is no file that can be read.
        ValueError: If not one frame decodes, none is in the part, or `shorter_side` is not
            positive.
    """
    if shorter_side is not None and shorter_side < 1:
        raise ValueError(f"`shorter_side` must be at least 1. Received: {shorter_side}.")
    check_video(path)
    # That of the first frame: flow needs frames of one size, and so does a volume.
    size: tuple[int, int] | None = None
    # Never both for one video: where the first gave up, the second would begin anew.
    decoders = [_by_opencv, _by_pyav] if decoder == "opencv" else [_by_pyav]
    if not part.is_whole:
        decoders = [lambda path, wanted: timed.decode(path, part, wanted)]
    for decode in decoders:
        # The first one in any case, for its size.
        for t, frame in enumerate(decode(path, lambda t: t == 0 or wanted(t))):
            if size is None and frame is not None:
                size = frame.shape[:2]
                if shorter_side:
                    size = rescaled_size(*size, shorter_side=shorter_side)
            yield None if frame is None or size is None or not wanted(t) else _resize(frame, size)
        if size:
            return
    if part.start or part.end < math.inf:
        between = f"from {float(part.start):g} to {float(part.end):g} seconds"
        rule = "A clip must have frames between its seconds"
        raise ValueError(f"{rule}. Received: none {between} of {path}.")
    raise ValueError(f"The file opens as a video, but no frame decodes. Received: {path}.")


def _by_opencv(
    path: str | os.PathLike[str], wanted: Callable[[int], bool]
) -> Iterator[np.ndarray | None]:
    """Yields the frames `[H, W, 3]` RGB that OpenCV decodes; none if it cannot open the file."""
    # No other decoder than FFmpeg: which ones OpenCV has besides depends on how it was built.
    capture = cv2.VideoCapture(os.fspath(path), cv2.CAP_FFMPEG)
    # Frames depend on those before them, so all are decoded; but only what is wanted is converted.
    for t in itertools.count():
        if not capture.grab():
            break
        if not wanted(t):
            yield None
            continue
        decoded, frame = capture.retrieve()
        if not decoded:
            break
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    capture.release()


def _by_pyav(
    path: str | os.PathLike[str], wanted: Callable[[int], bool]
) -> Iterator[np.ndarray | None]:
    """Yields the frames `[H, W, 3]` RGB that PyAV decodes."""
    with timed.opened(path) as (container, stream):
        for t, frame in enumerate(timed.decoded(container, stream)):
            yield timed.upright(frame) if wanted(t) else None


def rescale(frame: np.ndarray, shorter_side: int) -> np.ndarray:
    """Rescales a frame `[H, W, 3]` as `read_frames` does, to a shorter side in pixels."""
    return _resize(frame, rescaled_size(*frame.shape[:2], shorter_side=shorter_side))


def _resize(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if frame.shape[:2] == size:
        return frame
    # Bilinear interpolation looks at 4 pixels only: a fine pattern would shrink to a coarse one.
    shrinks = min(size) < min(frame.shape[:2])
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(frame, size[::-1], interpolation=interpolation)


def write_mjpeg(
    path: str | os.PathLike[str], frames: Iterable[np.ndarray], *, fps: float, quality: int
) -> None:
    """Writes Motion JPEG in .avi, one frame in memory at a time.

    OpenCV's own coder is in every build, so that the bytes are the same everywhere, but it rounds
    `fps` to a whole number.

    Args:
        path: The file.
        frames: `[H, W, 3]` uint8 RGB, one or more.
        fps: Frames per second.
        quality: Of JPEG, from 1 to 100.

    Raises:
        OSError: If the file cannot be written.
    """
    frames = iter(frames)
    first = next(frames)
    code, size = cv2.VideoWriter.fourcc(*"MJPG"), first.shape[1::-1]
    writer = cv2.VideoWriter(os.fspath(path), cv2.CAP_OPENCV_MJPEG, code, fps, size)
    if not writer.isOpened():
        raise OSError(f"A video must be a file that can be written. Received: {path}.")
    writer.set(cv2.VIDEOWRITER_PROP_QUALITY, quality)
    for frame in itertools.chain([first], frames):
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()


def write_h264(path: str | os.PathLike[str], frames: Iterable[np.ndarray], *, fps: float) -> None:
    """Writes H.264 in .mp4, which browsers play, atomically and one frame in memory at a time.

    Args:
        path: The file.
        frames: `[H, W, 3]` uint8 RGB of even height and width, one or more.
        fps: Frames per second.

    Raises:
        OSError: If the file cannot be written.
    """
    partial = os.fspath(path) + files.PARTIAL
    try:
        _encode(partial, iter(frames), fps)
        files.rename(partial, os.fspath(path))
    except av.error.FFmpegError as error:
        rule = "A video must be a file that can be written"
        raise OSError(f"{rule}. Received: {path} ({error}).") from error
    finally:
        pathlib.Path(partial).unlink(missing_ok=True)


def _encode(path: str, frames: Iterator[np.ndarray], fps: float) -> None:
    """Writes H.264 in .mp4, as players without exception know it."""
    first = next(frames)
    # The index at the front, so that a browser need not fetch all before it plays.
    options = {"movflags": "+faststart"}
    with av.open(path, "w", format="mp4", options=options) as container:
        rate = fractions.Fraction(fps).limit_denominator(1001)  # 29.97 is 30000 / 1001.
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        coder = stream.codec_context
        coder.colorspace = coder.color_primaries = coder.color_trc = _BT601
        coder.color_range = _LIMITED
        for frame in itertools.chain([first], frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
