"""Where the videos of a store are decoded and their flow is solved: here, or on a Ray cluster.

Either way the process that fills the store is the only one that writes to it. So a machine of the
cluster that dies, or is cut off and works on, can leave nothing half done behind.
"""

import contextlib
import dataclasses
import itertools
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from tf_twostream.precompute import extraction
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import compiled_code, workers

Events = Generator[tuple[extraction.Job, workers.Event], None, None]
Backend = Callable[[Sequence[extraction.Job], Resources], Events]

# Of a video whose machine or process is lost, before it fails; machines at a lower price end often.
RETRIES = 5
# Videos per core of the cluster that are under way or wait for a core. So a core finds the next one
# at once, and what the driver has not fetched yet stays little.
VIDEOS_PER_CORE = 2
# Videos that share a GPU, where flow is solved in TensorFlow: one core decodes fewer frames per
# second than a GPU solves (docs/flow.md).
VIDEOS_PER_GPU = 4
SECONDS_TO_ANSWER = 10.0


class NoRayError(OSError):
    """The package of the cluster is not installed."""


class RayClusterError(OSError):
    """The cluster does not answer, or its machines cannot do the work."""


def local(jobs: Sequence[extraction.Job], resources: Resources) -> Events:
    """Yields what the workers of this machine send, with flow solved in TensorFlow where needed.

    Args:
        jobs: The videos.
        resources: What the machine may spend on them.
    """
    count = resources.num_processes
    decoding = workers.run(
        extraction.time_steps,
        jobs,
        num_workers=count,
        timeout=resources.timeout,
        again=extraction.by_other_decoder,
    )
    with contextlib.closing(decoding):  # Ends the workers, however the loop ends.
        if not any(job.solver for job in jobs):
            yield from decoding
            return
        from tf_twostream.precompute import solving

        memory = resources.flow_memory * 2**30
        solvers = solving.find_solvers(memory=memory, num_threads=count)
        with contextlib.closing(solving.add_fields(decoding, solvers)) as solved:
            yield from solved


def on_ray(jobs: Sequence[extraction.Job], resources: Resources) -> Events:
    """Yields what a Ray cluster sends: a task per video, on one core, and on a part of a GPU.

    The cluster is the one that RAY_ADDRESS names, or that this machine belongs to; where there is
    none, Ray makes one of this machine. Ray does again what was lost with a machine.

    Args:
        jobs: The videos, which must have the same paths on all machines.
        resources: `timeout` and `flow_memory` hold for each task; the cluster knows its cores.

    Raises:
        NoRayError: If Ray is not installed.
        RayClusterError: If the cluster does not answer, or a machine lacks this program.
    """
    with _cluster() as ray:
        uses_gpu = "GPU" in ray.cluster_resources() and any(job.solver for job in jobs)
        task = ray.remote(
            num_cpus=1,
            num_gpus=1 / VIDEOS_PER_GPU if uses_gpu else 0,
            max_calls=0,  # Else each video on a GPU would import TensorFlow and compile anew.
            max_retries=RETRIES,
        )(one_video)
        waiting, tasks = iter(jobs), dict[Any, extraction.Job]()
        while True:
            # Asked each time: machines come and go.
            most = VIDEOS_PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))
            for job in itertools.islice(waiting, max(0, most - len(tasks))):
                tasks[task.remote(job, resources)] = job
            if not tasks:
                return
            [ready], _ = ray.wait([*tasks])
            job = tasks.pop(ready)
            for event in _fetch(ray, ready):
                yield job, event


BACKENDS: dict[str, Backend] = {"local": local, "ray": on_ray}


def one_video(job: extraction.Job, resources: Resources) -> list[workers.Event]:
    """Does one video, as this machine would do it alone; runs on a machine of the cluster.

    Args:
        job: The video.
        resources: As given to `on_ray`.

    Returns:
        Its time steps, and how it ended.
    """
    # What `cli.run` does for the process of a command, before TensorFlow is imported.
    compiled_code.keep()
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    events: list[workers.Event] = []
    # A worker of its own all the same: a decoder that crashes or hangs costs no attempt of Ray's.
    for _, event in local([job], dataclasses.replace(resources, num_workers=1)):
        if isinstance(event, workers.Restarted | workers.Failed):
            events.clear()
        if not isinstance(event, workers.Restarted):
            events.append(event)
    return events


def _fetch(ray: Any, task: Any) -> list[workers.Event]:
    """Returns the events of a task that has ended in any way."""
    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:  # Such as a module that is missing there.
        rule = "All machines of the cluster must be able to run this program"
        raise RayClusterError(f"{rule}. Received: {_last_line(error)}.") from error
    except ray.exceptions.RayError as error:
        reason = f"lost {RETRIES + 1} times by the cluster ({type(error).__name__})"
        return [workers.Failed(reason)]


@contextlib.contextmanager
def _cluster() -> Iterator[Any]:
    """Joins the cluster, as `ray`; leaves it at the end, which ends what is still under way there.

    Raises:
        NoRayError: If Ray is not installed.
        RayClusterError: If it does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # It would tell its makers.
    try:
        import ray
    except ImportError as error:
        raise NoRayError("A cluster is reached with ray. Received: no such package.") from error
    _check_answers(os.environ.get("RAY_ADDRESS", ""))
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(log_to_driver=False, logging_level="WARNING", include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise RayClusterError(f"Ray must start. Received: {_last_line(error)}.") from error
    # Ray ends the process at SIGTERM in a way of its own, with another exit code.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_term)
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Checks that something listens at "host:port"; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", or ray://: other ways to find a cluster.
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER).close()
    except OSError as error:
        rule = "The cluster that RAY_ADDRESS names must answer"
        given = f"{address} ({error.strerror or error})"
        raise RayClusterError(f"{rule}. Received: {given}.") from error


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip().rstrip(".")
