"""Fills a store: many videos, worker processes that decode and estimate, one writer.

A run that is interrupted in any way is continued by running it again: complete videos are
skipped, half-done ones are done again, and the store ends as if nothing had happened.
"""

import contextlib
import dataclasses
import os
import time
from collections.abc import Generator, Iterator, Sequence

from absl import logging

from tf_twostream import store
from tf_twostream.precompute import extraction, frames
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import locks, progress, workers


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


def fill(
    videos: Sequence[tuple[str, str | os.PathLike[str]]],
    *,
    path: str,
    settings: store.Settings,
    resources: Resources,
) -> Outcome:
    """Computes frames and flow of videos into a store; skips what is complete.

    Videos that cannot be done are logged, listed in the store's `failed.csv` and left out.

    Args:
        videos: Pairs of id and file, each id once.
        path: The store, made if it does not exist.
        settings: What to compute.
        resources: What the machine may spend on it.

    Returns:
        What was done.

    Raises:
        store.OtherSettingsError: If the store was made with other settings.
        OSError: If the store cannot be written, or another process is writing to it.
    """
    done: list[str] = []
    failed: dict[str, str] = {}
    num_frames = 0
    # The lock first: a writer removes what it takes for the rest of a run that was killed.
    with locks.exclusive(path), _disk_errors(path):
        started = time.monotonic()  # Only now, because `_disk_errors` has imported TensorFlow.
        writer = store.Writer(path, settings)
        # A video is complete as a whole or not at all, so nothing else need be remembered.
        complete = {video_id for video_id, _ in videos if writer.is_complete(video_id)}
        files = {v: os.fspath(file) for v, file in videos if v not in complete}
        jobs = [extraction.Job(video_id, file, settings) for video_id, file in files.items()]
        with (
            _UnderWay(writer, len(videos), len(complete)) as under_way,
            contextlib.closing(_events(jobs, resources)) as events,
        ):
            # Workers hand over their pieces interleaved; each video has its own writer.
            for job, event in events:
                match event:
                    case workers.Piece(step):
                        under_way.add(job, step)
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
        writer.write_failed({v: reason.replace(files[v], v) for v, reason in failed.items()})
        # Last: a store without an index is not finished, and no reader opens it.
        writer.write_index()
    seconds = time.monotonic() - started
    return Outcome(tuple(done), tuple(sorted(complete)), failed, num_frames, seconds)


@contextlib.contextmanager
def _disk_errors(path: str) -> Iterator[None]:
    """Turns what TensorFlow says about a file that cannot be written into an `OSError`."""
    import tensorflow as tf  # It takes seconds, which importing this module must not.

    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"The store {path} cannot be written: {error.message}") from error


def _events(
    jobs: Sequence[extraction.Job], resources: Resources
) -> Generator[tuple[extraction.Job, workers.Event], None, None]:
    """Yields what the workers send, with flow solved where they leave that to TensorFlow."""
    count = resources.num_processes
    decoding = workers.run(
        extraction.time_steps,
        jobs,
        num_workers=count,
        timeout=resources.timeout,
        again=extraction.by_other_decoder,
    )
    with contextlib.closing(decoding):  # Ends the workers, however the loop ends.
        if not jobs or not jobs[0].method.solver:
            yield from decoding
            return
        from tf_twostream.precompute import solving

        memory = resources.flow_memory * 2**30
        solvers = solving.find_solvers(memory=memory, num_threads=count)
        with contextlib.closing(solving.add_fields(decoding, solvers)) as solved:
            yield from solved


class _UnderWay:
    """The videos that are being written, and the progress bar.

    As a context manager it discards what is not complete at the end.
    """

    def __init__(self, writer: store.Writer, num_videos: int, num_skipped: int):
        self._writer = writer
        self._videos: dict[str, store.VideoWriter] = {}
        self._bar = progress.bar(num_videos, "video", initial=num_skipped)
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
            self._videos[job.video_id] = self._writer.video(job.video_id)
        video = self._videos[job.video_id]
        video.add_rgb(step.rgb)
        for direction, field in step.fields.items():
            video.add_flow(direction, field.jpeg, field.range, field.mean)
        self._num_frames += 1

    def finish(self, job: extraction.Job, summary: extraction.Summary) -> None:
        """Completes a video."""
        self._videos[job.video_id].finish(
            height=summary.height,
            width=summary.width,
            promised_frames=summary.promised_frames,
            fps=summary.fps,
        )
        del self._videos[job.video_id]  # Not before it is whole, or nobody would discard it.
        warn_of_cut_off(job.path, summary)
        self._advance()

    def discard(self, job: extraction.Job) -> None:
        """Removes what was added of a video."""
        if job.video_id in self._videos:
            self._videos.pop(job.video_id).discard()

    def give_up(self, job: extraction.Job, reason: str) -> None:
        """Removes what there is of a video."""
        self.discard(job)
        # A killed run may have left a part of it, even if no frame came now.
        self._writer.discard(job.video_id)
        logging.warning("%s failed. %s", job.path, reason)
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
        logging.warning(words, path, summary.num_frames, summary.promised_frames)
