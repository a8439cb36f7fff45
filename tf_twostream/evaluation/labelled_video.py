"""Draws labelled videos: frames in their own size, with flow beside them and a line of text above.

The frames come from the video file again, since those of a store are rescaled. As before, they are
decoded in a worker, which a bad file cannot carry further.
"""

import contextlib
import itertools
import os
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from tf_twostream import store
from tf_twostream.evaluation import explanation
from tf_twostream.figures import pictures
from tf_twostream.precompute import extraction, frames
from tf_twostream.processes import files, workers

SCALE_FIELDS = 16  # About so many fields of a video decide the scale of its colours.
UNKNOWN_FPS = 25.0  # Frames per second if the header of the video says none that can be true.
MOST_FPS = 1000.0
MOST_SIDE = 2**16  # Pixels; as large as they are.
NO_FIELDS: Iterator[None] = itertools.repeat(None)  # Where no network sees flow, none is drawn.


class _Restart(Exception):
    """The frames of a video begin anew."""


def paths(output_dir: str, videos: Sequence[str]) -> list[str]:
    """Names a labelled video for each video, and checks that all can be written.

    Args:
        output_dir: Their folder, made if it does not exist.
        videos: The videos to label.

    Returns:
        Distinct files, each with the name of its video as far as it is the first of that name.

    Raises:
        ValueError: If one of them would overwrite a video.
        OSError: If one of them cannot be written.
    """
    named: dict[str, str] = {}  # In lower case, since not all systems tell capitals apart.
    for video in videos:
        stem = os.path.splitext(os.path.basename(video))[0]
        ends = itertools.chain([""], (f"_{number}" for number in itertools.count(2)))
        names = (f"{stem}{end}.mp4" for end in ends)
        name = next(name for name in names if name.lower() not in named)
        named[name.lower()] = files.join(output_dir, name)
    inputs = {os.path.realpath(video) for video in videos}
    for path in named.values():
        if os.path.realpath(path) in inputs:
            rule = "`output_dir` must be another folder than that of the videos"
            raise ValueError(f"{rule}. Received: {output_dir}, with {path}.")
        files.check_output(path, "output_dir")
    return list(named.values())


def write(
    path: str,
    job: extraction.Job,
    reader: store.Reader,
    text: str,
    timeout: float,
    heats: Collection[explanation.Heat] = (),
    *,
    shorter_side: int = MOST_SIDE,
) -> None:
    """Writes a video with a line of text, any flow and maps, with one frame in memory at a time.

    Args:
        path: The .mp4 file to write.
        job: The video.
        reader: The store that holds its flow.
        text: The line to draw into each frame.
        timeout: Seconds without a new frame after which the video is given up as hung.
        heats: The activation maps to lay over each frame, a copy of it for each.
        shorter_side: In pixels; larger frames are drawn smaller.

    Raises:
        OSError: If the file cannot be written, or the video cannot be read any more.
    """
    scale = 1.0
    if job.directions:
        # One scale for all frames, so that colours compare over time. It is that of a few fields,
        # because all of them together may not fit into memory.
        step = max(1, reader.num_frames(job.video_id) // SCALE_FIELDS)
        scale = pictures.magnitude(np.stack(list(reader.fields(job.video_id, step=step))))
    events = workers.run(
        extraction.whole_frames,
        [job],
        num_workers=1,
        timeout=timeout,
        again=extraction.by_other_decoder,
    )
    with contextlib.closing(events):
        while True:
            fields = last_twice(reader.fields(job.video_id)) if job.directions else NO_FIELDS
            images = (
                frames.rescale(frame, min(shorter_side, *frame.shape[:2]))
                for frame in _frames(events, job.path)
            )
            pages = (
                pictures.labelled(
                    frame, field, text, scale, [heat.at(number, frame.shape) for heat in heats]
                )
                for number, (frame, field) in enumerate(zip(images, fields))
            )
            with contextlib.suppress(_Restart):
                frames.write_h264(path, pages, fps=true_fps(reader, job.video_id))
                return


def true_fps(reader: store.Reader, video_id: str) -> float:
    """Returns the frames per second of a video: what its header says, if that can be true."""
    fps = reader.fps(video_id)
    return fps if 0 < fps <= MOST_FPS else UNKNOWN_FPS


def _frames(
    events: Iterable[tuple[extraction.Job, workers.Event]], path: str
) -> Iterator[np.ndarray]:
    """Yields the frames that a worker sends."""
    for _, event in events:
        match event:
            case workers.Piece(frame):
                yield frame
            case workers.Restarted():
                raise _Restart
            case workers.Failed(reason):
                rule = "A video must stay as it is until it is drawn"
                raise OSError(f"{rule}. Received: {path} ({reason}).")
            case _:
                return


def last_twice(fields: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yields fields `[H, W, 2]`, and the last one again: from the last frame no field leads on."""
    field = np.zeros(0)
    for field in fields:
        yield field
    yield field
