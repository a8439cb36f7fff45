"""Fills a store: many videos, other processes that decode and estimate, one writer.

A run that is interrupted in any way is continued by running it again: complete videos are
skipped, half-done ones are done again, and the store ends as if nothing had happened.
"""

import contextlib
import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from absl import logging

from tf_twostream import store
from tf_twostream.precompute import backends, extraction, frames, inventory
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import locks, printing, progress, workers

# From T, the frames of a video, to which records somebody will read: `[T]` bool under "rgb", and
# `[T - 1]` under each direction of flow.
Needed = Callable[[int], Mapping[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of the videos.

    Attributes:
        done: Ids of those that this run completed, in the order of their completion.
        skipped: Ids of those that were complete before, sorted.
        failed: Why each of the others could not be done, with its path as it was given.
        num_frames: Frames of the videos in `done`.
        seconds: Wall time.
    """

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: dict[str, str]
    num_frames: int
    seconds: float


SHOWN_AFTER = 1  # Second: a few frames need no progress bar.


def fill(
    videos: Sequence[tuple[str, str | os.PathLike[str]]],
    *,
    path: str,
    settings: store.Settings,
    resources: Resources,
    needed: Needed | None = None,
    most_frames: float = math.inf,
    backend: str = "local",
) -> Outcome:
    """Computes frames and flow of videos into a store; skips what is complete.

    Videos that cannot be done are logged, listed in the store's `failed.csv` and left out. Where
    the store has frames without flow, or flow in one direction, what is missing is added. A video
    whose file is another one than before is done anew. A store with nothing to do is only read.

    Args:
        videos: Pairs of id and file, each id once.
        path: The store, made if it does not exist.
        settings: What to compute.
        resources: What the machine may spend on it.
        needed: Says which records of a video of T frames somebody will read, for a store that is
            used once: the others are left empty. None for all.
        most_frames: Videos with more frames fail.
        backend: What does them, one of `backends.BACKENDS`; the bytes are the same.

    Returns:
        What was done.

    Raises:
        store.OtherSettingsError: If the store was made with other settings.
        OSError: If the store cannot be written, or another process is writing to it.
    """
    started, run = time.monotonic(), backends.BACKENDS[backend]
    done: list[str] = []
    failed: dict[str, str] = {}
    num_frames = 0
    files = {video_id: os.fspath(file) for video_id, file in videos}
    there = inventory.take(path, settings, files)
    if there.is_current:  # Perhaps it may not even be written.
        there.warn(path)
        return Outcome((), tuple(sorted(there.complete)), {}, 0, time.monotonic() - started)
    # The lock first: a writer removes what it takes for the rest of a run that was killed.
    with locks.exclusive(path), _disk_errors(path):
        # Again, for another run may have gone on until it let go of the lock.
        there = inventory.take(path, settings, files)
        there.warn(path)
        writer = store.Writer(path, settings)
        jobs = _jobs(writer, there, files, most_frames)
        with (
            _UnderWay(writer, there, len(videos)) as under_way,
            contextlib.closing(_events(run, jobs, resources, needed)) as events,
        ):
            # Workers hand over their pieces interleaved; each video has its own writer.
            for job, event in events:
                match event:
                    case workers.Piece(step):
                        under_way.add(job, step)
                    case workers.Done(summary) if under_way.is_another(job, summary):
                        failed[job.video_id] = under_way.begin_anew(job)
                    case workers.Done(summary):
                        under_way.finish(job, summary)
                        done.append(job.video_id)
                        num_frames += summary.num_frames
                    case workers.Restarted():
                        under_way.discard(job)
                    case workers.Failed(reason):
                        under_way.give_up(job, reason)
                        failed[job.video_id] = reason
        # No absolute path gets into a store: equal videos give equal bytes, wherever they lie.
        writer.write_failed({v: _without(files[v], v, reason) for v, reason in failed.items()})
        # Last: a store without an index is not finished, and no reader opens it.
        writer.write_index()
    seconds = time.monotonic() - started
    return Outcome(tuple(done), tuple(sorted(there.complete)), failed, num_frames, seconds)


def _jobs(
    writer: store.Writer, there: inventory.Inventory, files: Mapping[str, str], most_frames: float
) -> list[extraction.Job]:
    """Returns what is to be done of the videos of some files, by id."""
    return [
        extraction.Job(
            video_id,
            file,
            writer.settings,
            writer.lacking(there.partial.get(video_id)),
            most_frames=most_frames,
        )
        for video_id, file in files.items()
        if video_id not in there.complete
    ]


def _without(path: str, video_id: str, reason: str) -> str:
    """Replaces a path by an id, in each form in which a reason may name it."""
    for form in (path, " ".join(path.split()), repr(path)[1:-1]):
        reason = reason.replace(form, video_id)
    return reason


@contextlib.contextmanager
def _disk_errors(path: str) -> Iterator[None]:
    """Turns what TensorFlow says about a file that cannot be written into an `OSError`."""
    import tensorflow as tf  # It takes seconds, which importing this module must not.

    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"The store {path} cannot be written: {error.message}") from error


def _events(
    run: backends.Backend,
    jobs: Sequence[extraction.Job],
    resources: Resources,
    needed: Needed | None,
) -> backends.Events:
    """Yields the events of all jobs, each planned for as many frames as its video has."""
    if needed is None:
        yield from run(jobs, resources)
        return
    # Which records are needed depends on T, which is known for sure when all is decoded: the
    # header is believed first, and seldom wrong.
    promised: dict[str, int] = {}
    parts = {job.video_id: job.part for job in jobs}
    headers = ((job.video_id, job.path) for job in jobs)
    for (video_id, _), event in workers.run(
        extraction.header,
        headers,
        num_workers=resources.num_processes,
        timeout=resources.timeout,
    ):
        if isinstance(event, workers.Done):
            said = event.value
            promised[video_id] = parts[video_id].count(said.num_frames, said.fps)
    jobs = [dataclasses.replace(job, needed=needed(promised.get(job.video_id, 0))) for job in jobs]
    while jobs:
        again = []
        for job, event in run(jobs, resources):
            if isinstance(event, workers.Done) and event.value.num_frames != job.planned_frames:
                again.append(dataclasses.replace(job, needed=needed(event.value.num_frames)))
                yield job, workers.Restarted()
            else:
                yield job, event
        jobs = again


class _UnderWay:
    """The videos that are being written, and the progress bar.

    As a context manager it discards what is not complete at the end.
    """

    def __init__(self, writer: store.Writer, there: inventory.Inventory, num_videos: int):
        self._writer, self._partial = writer, there.partial
        self._videos: dict[str, store.VideoWriter] = {}
        self._bar = progress.bar(
            num_videos, "video", initial=len(there.complete), delay=SHOWN_AFTER
        )
        self._num_frames = 0  # Also those of videos that are not complete yet.

    def __enter__(self) -> "_UnderWay":
        return self

    def __exit__(self, *_: object) -> None:
        for video in self._videos.values():
            video.discard()
        self._bar.close()

    def add(self, job: extraction.Job, step: extraction.TimeStep) -> None:
        """Writes the next frame of a video, and its fields."""
        if job.video_id not in self._videos:
            info = self._partial.get(job.video_id)
            self._videos[job.video_id] = self._writer.video(job.video_id, info=info)
        video = self._videos[job.video_id]
        if step.rgb is not None:
            video.add_rgb(step.rgb)
        for direction, field in step.fields.items():
            video.add_flow(direction, field.codes, field.range, field.mean)
        self._num_frames += 1

    def is_another(self, job: extraction.Job, summary: extraction.Summary) -> bool:
        """Says whether flow was computed of another file than the frames in the store are of."""
        info = self._partial.get(job.video_id)
        if info is None:
            return False
        return info.num_frames != summary.num_frames or info.source not in ("", summary.source)

    def begin_anew(self, job: extraction.Job) -> str:
        """Removes a video whose frames and flow would not belong together; returns the reason."""
        self.discard(job)
        self._writer.discard(job.video_id)
        self._advance()
        return "its file is another one than its frames are of: the same command does it anew"

    def finish(self, job: extraction.Job, summary: extraction.Summary) -> None:
        """Completes a video."""
        self._videos[job.video_id].finish(
            height=summary.height,
            width=summary.width,
            promised_frames=summary.promised_frames,
            fps=summary.fps,
            source=summary.source,
        )
        del self._videos[job.video_id]  # Not before it is whole, or nobody would discard it.
        warn_of_cut_off(job.path, summary)
        self._advance()

    def discard(self, job: extraction.Job) -> None:
        """Removes what was written of a video."""
        if job.video_id in self._videos:
            self._videos.pop(job.video_id).discard()

    def give_up(self, job: extraction.Job, reason: str) -> None:
        """Removes what there is of a video."""
        self.discard(job)
        # A killed run may have left a part of it, even if no frame came now. What was complete
        # before stays: more was asked of it, or its file is another one now, that does not decode.
        if not self._writer.holds(job.video_id):
            self._writer.discard(job.video_id)
        logging.warning("%s failed. %s", printing.escape(job.path), printing.escape(reason))
        self._advance()

    def _advance(self) -> None:
        # The first video may be given up before the clock has moved on.
        rate = self._num_frames / max(self._bar.format_dict["elapsed"], 1e-3)
        self._bar.set_postfix_str(f"{rate:.0f} frames/s", refresh=False)
        self._bar.update()


def warn_of_cut_off(path: str, summary: extraction.Summary) -> None:
    """Logs that fewer frames of a video decode than its header promises.

    Args:
        path: The video.
        summary: What was found in it.
    """
    if frames.is_cut_off(summary.num_frames, summary.promised_frames):
        words = "%s: %d frames decode of %d that its header promises; these are used."
        logging.warning(words, printing.escape(path), summary.num_frames, summary.promised_frames)
