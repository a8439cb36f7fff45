"""Fills a store: many videos, worker processes that decode and estimate, one writer.

A run that is interrupted in any way is continued by running it again: complete videos are
skipped, half-done ones are done again, and the store ends as if nothing had happened.
"""

import dataclasses
import os
import pathlib
import sys
import time
from collections.abc import Sequence

import tensorflow as tf
import tqdm
from absl import logging

from tf_twostream import cli, datasets, flow, store
from tf_twostream.precompute import extraction, solving
from tf_twostream.processes import locks, workers


@dataclasses.dataclass(frozen=True)
class Effort:
    """The knobs that decide how fast videos are done, not what comes out."""

    num_workers: int = cli.knob(
        0, "Worker processes, and threads that solve brox on a CPU; 0 is one per core."
    )
    timeout: float = cli.knob(
        60.0, "Seconds without a new frame after which a video counts as hung and is given up."
    )
    flow_memory: float = cli.knob(
        2.0, "GiB that a batch of pairs may take on each GPU while brox is solved."
    )

    def __post_init__(self):
        if self.num_workers < 0 or not self.timeout > 0:
            raise ValueError(
                "--num_workers must not be negative and --timeout (seconds) must be positive. "
                f"Received: --num_workers={self.num_workers} --timeout={self.timeout}."
            )
        if not self.flow_memory > 0:
            raise ValueError(f"--flow_memory is in GiB, above 0. Received: {self.flow_memory}.")

    @property
    def num_processes(self) -> int:
        """How many workers that means on this machine."""
        return self.num_workers or workers.count_cores()


@dataclasses.dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        done: Ids of the videos that this run completed, in the order of their completion.
        skipped: Ids of the videos that were complete before, sorted.
        failed: Why each of the others could not be done, with its path as it was given.
        num_frames: Frames of the videos in `done`.
        seconds: Wall time.
    """

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: dict[str, str]
    num_frames: int
    seconds: float


def list_videos(source: datasets.Source) -> list[tuple[str, pathlib.Path]]:
    """Lists the videos of a data set, whatever the split.

    Without lists (`--dataset=folders`) these are all videos below the folder, in classes or not.

    Returns:
        Pairs of id and file.

    Raises:
        FileNotFoundError: If a listed video is missing and may not be, or there are none.
        ValueError: If the lists are missing or faulty.
    """
    available = datasets.find_videos(source.videos_dir)
    if source.dataset == "folders" and not source.classes:
        ids = sorted(available)
    else:
        listed = datasets.available_videos(
            datasets.load(source),
            available,
            where=f"--videos_dir={source.videos_dir}",
            allow_missing=source.allow_missing,
        )
        ids = [video.id for video in listed]
    if not ids:
        raise FileNotFoundError(f"There are no videos. Received: --videos_dir={source.videos_dir}.")
    return [(video_id, pathlib.Path(source.videos_dir, video_id)) for video_id in ids]


def run(
    videos: Sequence[tuple[str, str | os.PathLike[str]]],
    *,
    path: str,
    recipe: extraction.Recipe,
    effort: Effort,
) -> Report:
    """Computes frames and flow of videos into a store; skips what is complete.

    Videos that cannot be done are logged, listed in the store's `failed.csv` and left out.

    Args:
        videos: Pairs of id and file, each id once.
        path: The store, made if it does not exist.
        recipe: What to compute.
        effort: How.

    Returns:
        What was done.

    Raises:
        ValueError: If the store was made by another recipe.
        OSError: If the store cannot be written, or another process is writing to it.
    """
    try:
        with locks.exclusive(path):
            return _run(videos, store.Writer(path, recipe.settings()), recipe, effort)
    except tf.errors.OpError as error:
        raise OSError(f"The store {path} cannot be written: {error.message}") from error


def _run(
    videos: Sequence[tuple[str, str | os.PathLike[str]]],
    writer: store.Writer,
    recipe: extraction.Recipe,
    effort: Effort,
) -> Report:
    started = time.monotonic()
    complete = {video_id for video_id, _ in videos if writer.is_complete(video_id)}
    tasks = [
        extraction.Task(video_id, os.fspath(file), recipe)
        for video_id, file in videos
        if video_id not in complete
    ]
    progress = _Progress(writer, num_videos=len(videos), num_skipped=len(complete))
    progress.do(tasks, effort)
    paths = {task.video_id: task.path for task in tasks}
    writer.write_failed(  # No absolute path gets into a store.
        {id: reason.replace(paths[id], id) for id, reason in progress.failed.items()}
    )
    writer.write_index()
    return Report(
        done=tuple(progress.done),
        skipped=tuple(sorted(complete)),
        failed=progress.failed,
        num_frames=progress.num_frames,
        seconds=time.monotonic() - started,
    )


class _Progress:
    """The videos under way in this process, and what has come of the others."""

    def __init__(self, writer: store.Writer, *, num_videos: int, num_skipped: int):
        self.done: list[str] = []
        self.failed: dict[str, str] = {}
        self.num_frames = 0
        self._num_frames_seen = 0  # Also those of videos that are not complete yet.
        self._writer = writer
        self._open: dict[str, store.VideoWriter] = {}
        self._bar = tqdm.tqdm(
            total=num_videos,
            initial=num_skipped,
            unit="video",
            mininterval=1 if sys.stderr.isatty() else 30,  # Seconds; a log file needs fewer lines.
        )

    def do(self, tasks: Sequence[extraction.Task], effort: Effort) -> None:
        """Does all tasks; when interrupted, discards what is not complete."""
        decoding = workers.run(
            extraction.time_steps, tasks, num_workers=effort.num_processes, timeout=effort.timeout
        )
        events = decoding
        if tasks and tasks[0].recipe.method in flow.SOLVED:
            means = solving.find_means(
                memory=effort.flow_memory * 2**30, num_threads=effort.num_processes
            )
            events = solving.add_fields(decoding, means)
        try:
            for task, event in events:
                self._take(task, event)
        finally:
            events.close()
            decoding.close()
            for video in self._open.values():
                video.discard()
            self._bar.close()

    def _take(self, task: extraction.Task, event: workers.Event) -> None:
        video_id = task.video_id
        match event:
            case workers.Piece(step):
                if video_id not in self._open:
                    self._open[video_id] = self._writer.video(video_id)
                self._add(self._open[video_id], step)
            case workers.Done(summary):
                self._finish(self._open[video_id], task, summary)
                del self._open[video_id]
            case workers.Failed(reason):
                if video_id in self._open:
                    self._open.pop(video_id).discard()
                self._writer.discard(video_id)  # What a killed run left, if no frame came now.
                self.failed[video_id] = reason
                logging.warning("%s failed. %s", task.path, reason)
                self._advance()

    def _add(self, video: store.VideoWriter, step: extraction.TimeStep) -> None:
        video.add_rgb(step.rgb)
        for direction, field in step.fields.items():
            video.add_flow(direction, field.jpeg, field.range, field.mean)
        self._num_frames_seen += 1

    def _finish(
        self, video: store.VideoWriter, task: extraction.Task, summary: extraction.Summary
    ) -> None:
        video.finish(
            height=summary.height,
            width=summary.width,
            promised_frames=summary.promised_frames,
            fps=summary.fps,
        )
        if summary.promised_frames - summary.num_frames > 1:  # One less is normal (HMDB-51).
            logging.warning(
                "%s: %d frames decode of %d that its header promises; these are used.",
                task.path,
                summary.num_frames,
                summary.promised_frames,
            )
        self.done.append(task.video_id)
        self.num_frames += summary.num_frames
        self._advance()

    def _advance(self) -> None:
        rate = self._num_frames_seen / max(self._bar.format_dict["elapsed"], 1e-3)
        self._bar.set_postfix_str(f"{rate:.0f} frames/s", refresh=False)
        self._bar.update()
