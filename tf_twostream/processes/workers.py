"""One function over many jobs, each in a process of its own, so that none can harm another.

Decoders abort or hang on some videos and would take the whole run along. Here a crash, a hang
or an exception ends one job, with a reason, and the others go on. Pieces of a result are
streamed through a pipe as they come; a full pipe makes the worker wait, so memory stays bounded.

Workers never outlive the calling process, however that ends.
"""

import contextlib
import dataclasses
import math
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Job = TypeVar("Job")

MAX_SECONDS_TO_DIE = 10.0  # From the end of a worker's pipe to the end of its process.


@dataclasses.dataclass(frozen=True)
class Piece:
    """The next thing that a job yielded."""

    value: Any


@dataclasses.dataclass(frozen=True)
class Done:
    """A job reached its end; `value` is what its generator returned."""

    value: Any


@dataclasses.dataclass(frozen=True)
class Failed:
    """A job raised an exception, crashed or hung."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Crashed(Failed):
    """A job ended its process."""


@dataclasses.dataclass(frozen=True)
class Restarted:
    """A job that crashed begins anew, in another way: its pieces up to here are void."""


Event = Piece | Done | Failed | Restarted


def count_cores() -> int:
    """Counts the cores that this process may use, which can be fewer than there are."""
    # Containers and batch systems restrict a process; macOS has no such call.
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    return max(1, math.ceil(min(count, _quota())))


def _quota(root: str = "/sys/fs/cgroup") -> float:
    """Returns how many cores' time a container has, by its control group; or infinity."""
    folder = pathlib.Path(root)
    try:
        if (folder / "cpu.max").exists():
            most, period = (folder / "cpu.max").read_text().split()
        else:
            most, period = (
                (folder / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
            )
        # "max" or -1 is no limit.
        return float(most) / float(period) if float(most) > 0 else math.inf
    except (OSError, ValueError):
        return math.inf


def run(
    function: Callable[[Job], Generator[Any, None, Any]],
    jobs: Iterable[Job],
    *,
    num_workers: int,
    timeout: float,
    job_seconds: float = math.inf,
    again: Callable[[Job], Job | None] = lambda job: None,
    nested: bool = False,
) -> Generator[tuple[Job, Event], None, None]:
    """Runs a generator function on each job, in a new process per job.

    Closing the returned iterator (or an exception in the loop over it) kills the workers.

    Args:
        function: A generator function at the top level of a module that can be imported (not of
            the main script, which the workers do not import). What it yields and returns, and
            the jobs, must be picklable.
        jobs: Taken one by one as workers come free.
        num_workers: Most processes at a time.
        timeout: A worker that yields nothing for so long, in seconds, is killed.
        job_seconds: A worker whose job takes longer in all is killed.
        again: Returns the job to try in the place of one that crashed, or None to give it up.
        nested: Whether jobs may have workers of their own.

    Yields:
        Pairs of a job and an event, as they come: any number of `Piece`, then one `Done` or
        `Failed`; before that `Restarted` if it was tried again, always with the job as it was
        given. Events of different jobs interleave; those of one job keep their order.

    Raises:
        ValueError: If `num_workers` or `timeout` is not positive.
    """
    # Checked here, since a generator would tell only when its first event is asked for.
    if num_workers < 1 or not timeout > 0:
        given = f"num_workers={num_workers}, timeout={timeout}"
        raise ValueError(f"`num_workers` and `timeout` must be positive. Received: {given}.")
    return _run(function, iter(jobs), num_workers, timeout, job_seconds, again, nested)


def _run(
    function: Callable[[Job], Generator[Any, None, Any]],
    jobs: Iterator[Job],
    num_workers: int,
    timeout: float,
    job_seconds: float,
    again: Callable[[Job], Job | None],
    nested: bool,
) -> Generator[tuple[Job, Event], None, None]:
    context = _context(function.__module__)
    active: dict[Any, _Worker] = {}
    try:
        while True:
            # `zip` in this order takes no job when there is no free place for it.
            for _, job in zip(range(num_workers - len(active)), jobs):
                worker = _Worker(context, function, job, job, nested)
                active[worker.connection] = worker
            if not active:
                return
            # No longer than until the first worker is to be killed.
            deadline = min(
                min(worker.last_sign + timeout, worker.started + job_seconds)
                for worker in active.values()
            )
            seconds = max(0.0, deadline - time.monotonic())
            # One event of each that has sent something, so that no fast worker starves others.
            for connection in multiprocessing.connection.wait(list(active), timeout=seconds):
                worker = active[connection]
                event = worker.receive()
                if not isinstance(event, Piece):
                    active.pop(connection).end()
                if isinstance(event, Crashed) and (other := again(worker.tried)):
                    follower = _Worker(context, function, worker.job, other, nested)
                    active[follower.connection] = follower
                    event = Restarted()
                yield worker.job, event
            for worker in [worker for worker in active.values() if worker.is_hung(timeout)]:
                active.pop(worker.connection).kill()
                yield worker.job, Failed(f"hung: nothing came for {timeout:g} s")
            latest = time.monotonic() - job_seconds
            for worker in [worker for worker in active.values() if worker.started < latest]:
                active.pop(worker.connection).kill()
                yield worker.job, Failed(f"out of time: not done after {job_seconds:.0f} s")
    finally:
        for worker in active.values():
            worker.kill()


class _Worker:
    """The calling process's end of one worker."""

    def __init__(
        self, context: Any, function: Callable[[Any], Any], job: Any, tried: Any, nested: bool
    ):
        self.job, self.tried = job, tried  # As it was given, and as it is done.
        self._nested = nested
        self.connection, theirs = context.Pipe(duplex=False)
        # Daemons are ended at the latest when the calling process exits; they may have no children.
        self._process = context.Process(
            target=_serve, args=(function, tried, theirs), daemon=not nested
        )
        _start(self._process)
        theirs.close()  # Else the pipe would not end with the worker.
        self.started = self.last_sign = time.monotonic()

    def receive(self) -> Event:
        """Takes the next event; the end of the pipe before the job's end is a crash."""
        try:
            event = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(MAX_SECONDS_TO_DIE)  # Only then is its exit code known.
            return Crashed(f"crashed: {_describe(self._process.exitcode)}")
        self.last_sign = time.monotonic()
        return event

    def is_hung(self, timeout: float) -> bool:
        """Says whether nothing came for too long."""
        # What waits in the pipe came while the caller was slow to take it.
        silence = time.monotonic() - self.last_sign
        return silence > timeout and not self.connection.poll()

    def end(self) -> None:
        """Ends the process after its job."""
        if self._nested:  # What its own workers shared is still to be tidied up.
            self._process.join(MAX_SECONDS_TO_DIE)
        self.kill()

    def kill(self) -> None:
        """Ends the process, which at the end of its job has nothing left to do."""
        # SIGKILL, because a decoder that hangs in C never sees a milder signal.
        self._process.kill()
        self._process.join()
        self._process.close()
        self.connection.close()


def _describe(exitcode: int | None) -> str:
    if exitcode is None:
        return "the worker closed its pipe but went on"
    if exitcode >= 0:
        return f"the worker exited with code {exitcode}"
    name = signal.Signals(-exitcode).name
    return f"the worker was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def _context(module: str) -> Any:
    """Returns how processes are started: forked from a small server that has imported `module`."""
    # Forking the calling process itself would copy its threads' locks (TensorFlow has many).
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # A job then starts in 17 ms instead of 180. There is one server per process, and only what is
    # named before it starts is imported: jobs of a second module would work, but start slowly.
    context.set_forkserver_preload([module])
    return context


def _start(process: Any) -> None:
    """Starts a process, by a new server where the server that forks has been killed."""
    for seconds in (0.1, 1.0, None):
        try:
            with _hidden_main():
                process.start()
            return
        except (EOFError, ConnectionError) as error:
            if seconds is None:
                given = f"{type(error).__name__} from the server that forks them, three times"
                raise OSError(f"Worker processes must start. Received: {given}.") from error
            time.sleep(seconds)  # Until the system knows that it has ended.


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    """Hides the main script while a process starts."""
    # Each new process would import it again, and a script that imports TensorFlow costs seconds
    # and half a gigabyte per process.
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(function: Callable[[Any], Any], job: Any, connection: Connection) -> None:
    """Does a job in a worker: sends what it yields, then how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the caller ends us.
    threading.Thread(target=_die_with_caller, daemon=True).start()
    end: Event
    try:
        pieces = function(job)
        while True:  # Not `for`, which would lose what the generator returns.
            connection.send(Piece(next(pieces)))
    except StopIteration as stop:
        end = Done(stop.value)
    except Exception as error:  # Whatever goes wrong in here is a finding about the job.
        words = " ".join(str(error).split())
        # What is wrong with a file says so in words; of all else the class tells most.
        in_words = words and isinstance(error, (ValueError, OSError))
        end = Failed(words if in_words else f"{type(error).__name__}: {words}")
    connection.send(end)


def _die_with_caller() -> None:
    """Waits for the end of the process that started the workers, then ends this one at once."""
    # A killed caller can end nobody, and a worker that computes would notice only when it sends.
    caller = multiprocessing.parent_process()
    if caller is not None:
        caller.join()
        signal.raise_signal(signal.SIGKILL)
