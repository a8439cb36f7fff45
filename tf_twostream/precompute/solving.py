"""The stage between the workers and the store that solves flow in TensorFlow (`flow.SOLVED`).

Workers only decode. Their frames are gathered here into batches of successive pairs of one video,
and solved by a thread per GPU, or per core where there is none, while the next ones come in.
Batches never mix videos, so a field does not depend on what else is done.
"""

import collections
import concurrent.futures
import dataclasses
import queue
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tf_twostream import flow
from tf_twostream.flow import brox
from tf_twostream.precompute import extraction
from tf_twostream.processes import workers

Event = tuple[extraction.Task, workers.Event]
Stage = workers.Event | concurrent.futures.Future[list[extraction.TimeStep]]

MAX_PAIRS = 64  # Per batch on a GPU.
BATCHES_AHEAD = 2  # Per thread: so many wait or are solved before the first of them is taken.


@dataclasses.dataclass(frozen=True)
class Means:
    """What solves: the devices, one thread each, and the memory of a batch on each in bytes."""

    devices: Sequence[str]
    memory: float

    def num_pairs(self, height: int, width: int) -> int:
        """Returns how many pairs of frames of a size in pixels make a batch: a power of 2.

        One on a CPU: more are not faster, and each number of pairs would be compiled anew.
        """
        if "CPU" in self.devices[0]:
            return 1
        fitting = int(self.memory // (brox.BYTES_PER_PIXEL * height * width))
        return 1 << (max(1, min(fitting, MAX_PAIRS)).bit_length() - 1)


def find_means(*, memory: float, num_threads: int) -> Means:
    """Finds the GPUs, or takes `num_threads` threads on the CPU."""
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    return Means(gpus or ["CPU:0"] * num_threads, memory)


def add_fields(events: Iterable[Event], means: Means) -> Generator[Event, None, None]:
    """Adds the fields to the time steps of videos that are under way at the same time.

    Args:
        events: Tasks and their events, as `workers.run` yields them for `extraction.time_steps`.
        means: What solves.

    Yields:
        The same events with each `Unsolved` as a `TimeStep`, those of a task in their order. Where
        a batch cannot be solved, one `Failed` ends the task.
    """
    idle: queue.SimpleQueue[str] = queue.SimpleQueue()
    for device in means.devices:
        idle.put(device)
    pool = concurrent.futures.ThreadPoolExecutor(len(means.devices))
    stages: collections.deque[tuple[extraction.Task, Stage]] = collections.deque()
    lost: set[str] = set()
    try:
        for task, stage in _batches(events, means):
            solving = isinstance(stage, list)
            stages.append((task, pool.submit(_solve, stage, task, idle) if solving else stage))
            while len(stages) > BATCHES_AHEAD * len(means.devices):
                yield from _finished(*stages.popleft(), lost)
        while stages:
            yield from _finished(*stages.popleft(), lost)
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(task: extraction.Task, stage: Stage, lost: set[str]) -> Iterator[Event]:
    """Yields an event as it is, or waits for a batch and yields its time steps.

    Of the videos in `lost` a batch could not be solved, and nothing more is said.
    """
    if task.video_id in lost:
        return
    if not isinstance(stage, concurrent.futures.Future):
        yield task, stage
        return
    try:
        steps = stage.result()
    except (ValueError, OSError, tf.errors.OpError) as error:
        lost.add(task.video_id)
        first_line = str(getattr(error, "message", error)).strip().splitlines()[0]
        yield task, workers.Failed(f"flow: {first_line}")
        return
    for step in steps:
        yield task, workers.Piece(step)


def _batches(events: Iterable[Event], means: Means) -> Iterator[tuple[extraction.Task, Any]]:
    """Yields each task with lists of time steps to solve (and the one after), and its end."""
    gathered: dict[str, list[extraction.Unsolved]] = {}
    for task, event in events:
        if isinstance(event, workers.Piece):
            steps = gathered.setdefault(task.video_id, [])
            steps.append(event.value)
            if len(steps) > means.num_pairs(*steps[0].grey.shape):
                yield task, steps
                gathered[task.video_id] = steps[-1:]
            continue
        steps = gathered.pop(task.video_id, [])
        if isinstance(event, workers.Done):
            if len(steps) > 1:
                yield task, steps
            yield task, workers.Piece(extraction.TimeStep(steps[-1].rgb, {}))
        yield task, event


def _solve(
    steps: list[extraction.Unsolved], task: extraction.Task, idle: "queue.SimpleQueue[str]"
) -> list[extraction.TimeStep]:
    """Returns all time steps but the last, with their fields; runs in a thread of the pool."""
    num_pairs = len(steps) - 1
    device = idle.get()
    try:
        with tf.device(device):
            solved = {
                direction: brox.fields(
                    [step.grey for step in steps],
                    parameters=flow.SOLVED[task.recipe.method],
                    direction=direction,
                    # The end of a video is filled up to a power of 2: few shapes to compile.
                    pairs_per_call=1 << (num_pairs - 1).bit_length(),
                )
                for direction in task.recipe.directions
            }
            return [
                extraction.TimeStep(
                    step.rgb,
                    {name: extraction.code_field(field) for name, field in zip(solved, fields)},
                )
                for step, *fields in zip(steps, *solved.values())
            ]
    except tf.errors.ResourceExhaustedError as error:
        raise OSError(
            f"A batch of {num_pairs} pairs does not fit into the memory of {device}. "
            "Try a smaller --flow_memory."
        ) from error
    finally:
        idle.put(device)
