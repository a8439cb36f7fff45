"""The stage between the workers and the store that solves Brox's flow, in TensorFlow.

Workers only decode. Their frames are gathered here into batches of successive pairs of one video,
and solved by a thread per GPU, or per core where there is none, while the next ones come in.
Batches never mix videos, so a field does not depend on what else is done.
"""

import collections
import concurrent.futures
import dataclasses
import queue
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tf_twostream.flow import brox
from tf_twostream.precompute import extraction
from tf_twostream.processes import printing, workers

Event = tuple[extraction.Job, workers.Event]
Stage = workers.Event | concurrent.futures.Future[list[workers.Event]]
Steps = list[extraction.Unsolved]

# Per batch on a GPU. By our estimate (docs/flow.md) an H100 solves 64 pairs of 341x256 at 72 % of
# the rate that its memory allows, 16 pairs at 42 %.
MAX_PAIRS = 64
# Per thread, waiting or being solved, before the first of them is taken: two, so that a thread
# that has solved one finds the next.
BATCHES_AHEAD = 2


@dataclasses.dataclass(frozen=True)
class Solvers:
    """What solves: the devices, one thread each, and the memory of a batch on each in bytes."""

    devices: Sequence[str]
    memory: float

    def num_pairs(self, height: int, width: int) -> int:
        """Returns how many pairs of frames of a size in pixels make a batch: a power of 2."""
        # On a CPU more are not faster, and each number of pairs would be compiled anew.
        if "CPU" in self.devices[0]:
            return 1
        fitting = int(self.memory // (brox.BYTES_PER_PIXEL * height * width))
        return 1 << (max(1, min(fitting, MAX_PAIRS)).bit_length() - 1)


def find_solvers(*, memory: float, num_threads: int) -> Solvers:
    """Finds the GPUs, or takes threads on the CPU where there is none.

    Args:
        memory: Of a batch on each GPU, in bytes.
        num_threads: How many threads to take on the CPU: XLA makes nothing of a second core.
    """
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    return Solvers(gpus or ["CPU:0"] * num_threads, memory)


def add_fields(events: Iterable[Event], solvers: Solvers) -> Generator[Event, None, None]:
    """Adds the fields to the time steps of videos that are under way at the same time.

    Args:
        events: Jobs and their events, as `workers.run` yields them for `extraction.time_steps`.
        solvers: What solves.

    Yields:
        The same events with each `Unsolved` as a `TimeStep`, those of a job in their order. Where
        a batch cannot be solved, one `Failed` ends the job.
    """
    idle: queue.SimpleQueue[str] = queue.SimpleQueue()
    for device in solvers.devices:
        idle.put(device)
    pool = concurrent.futures.ThreadPoolExecutor(len(solvers.devices))
    # In the order in which they came: the end of a video waits for its last batch.
    stages: collections.deque[tuple[extraction.Job, Stage]] = collections.deque()
    lost: set[str] = set()
    try:
        for job, stage in _batches(events, solvers):
            solving = isinstance(stage, list)
            stages.append((job, pool.submit(_solve, stage, job, idle) if solving else stage))
            # Without a limit the frames of all videos would gather here, for decoding is faster.
            while len(stages) > BATCHES_AHEAD * len(solvers.devices):
                yield from _finished(*stages.popleft(), lost)
        while stages:
            yield from _finished(*stages.popleft(), lost)
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(job: extraction.Job, stage: Stage, lost: set[str]) -> Iterator[Event]:
    """Yields an event as it is, or waits for a batch and yields its events."""
    for event in stage.result() if isinstance(stage, concurrent.futures.Future) else [stage]:
        # Of a video that cannot be solved the worker decodes on, since nobody tells it.
        if job.video_id not in lost:
            yield job, event
        if isinstance(event, workers.Failed):
            lost.add(job.video_id)


def _batches(events: Iterable[Event], solvers: Solvers) -> Iterator[tuple[extraction.Job, Any]]:
    """Yields (job, time steps) for each batch of a video, and at its end (job, event).

    N pairs of frames need N + 1 time steps; the last one is also the first of the next batch.
    Frames without a grey image, of which no field is needed, end a batch.
    """
    gathered: dict[str, Steps] = {}
    for job, event in events:
        steps = gathered.pop(job.video_id, [])
        if isinstance(event, workers.Piece):
            step = event.value
            if steps and (steps[-1].grey is None or step.grey is None):
                yield from _end(job, steps, extraction.EMPTY)
                steps = []
            steps.append(step)
            if step.grey is not None and len(steps) > solvers.num_pairs(*step.grey.shape):
                yield job, steps
                # The last frame of a pair is the first one of the next pair.
                steps = steps[-1:]
            gathered[job.video_id] = steps
            continue
        if isinstance(event, workers.Done):
            yield from _end(job, steps, None)
        yield job, event


def _end(
    job: extraction.Job, steps: Steps, field: extraction.CodedField | None
) -> Iterator[tuple[extraction.Job, Any]]:
    """Yields what is left of successive frames: a batch, and the last of them on its own."""
    if len(steps) > 1:
        yield job, steps
    if steps:
        yield job, _unsolved(job, steps[-1], field)


def _unsolved(
    job: extraction.Job, step: extraction.Unsolved, field: extraction.CodedField | None
) -> workers.Piece:
    """Returns a time step without flow; the last frame of a video has no field, not even empty."""
    fields = dict.fromkeys(job.directions, field) if field else {}
    return workers.Piece(extraction.TimeStep(step.rgb, fields))


def _solve(steps: Steps, job: extraction.Job, idle: queue.SimpleQueue[str]) -> list[workers.Event]:
    """Returns the events of a batch; runs in a thread of the pool."""
    device = idle.get()
    try:
        with tf.device(device):
            return [workers.Piece(step) for step in _solved(steps, job)]
    except tf.errors.ResourceExhaustedError:
        rule = "`flow_memory` must leave memory for everything else"
        given = f"no memory for {printing.count(len(steps) - 1, 'pair')} on {device}"
        return [workers.Failed(f"flow: {rule}. Received: {given}.")]
    except (ValueError, tf.errors.OpError) as error:
        # TensorFlow adds lines on where in the graph it happened.
        first_line = str(getattr(error, "message", error)).strip().splitlines()[0]
        return [workers.Failed(f"flow: {first_line}")]
    finally:
        idle.put(device)


def _solved(steps: Steps, job: extraction.Job) -> Iterator[extraction.TimeStep]:
    """Yields all time steps but the last, with their fields."""
    streams = {
        direction: brox.fields(
            [cast(np.ndarray, step.grey) for step in steps],
            parameters=cast(brox.Parameters, job.solver),
            backward=direction == "backward",
            # The end of a video is filled up to a power of 2: few shapes to compile.
            pairs_per_call=1 << (len(steps) - 2).bit_length(),
        )
        for direction in job.directions
    }
    # Of a batch of N + 1 frames N fields come, with which `zip` ends.
    for fields, step in zip(zip(*streams.values()), steps):
        coded: dict[str, extraction.CodedField] = {
            name: extraction.code_field(field, job.settings.flow_coding)
            for name, field in zip(streams, fields)
        }
        yield extraction.TimeStep(step.rgb, coded)
