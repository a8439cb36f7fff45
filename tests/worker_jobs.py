"""What the workers of the tests do, in a module that they can import."""

import os
import pathlib
import resource
import signal
import time

from tf_twostream.precompute import extraction, frames


def count(number):
    """Yields 0 ... number - 1, returns their sum."""
    yield from range(number)
    return sum(range(number))


def misbehave(how):
    """Yields once, then ends as it is told."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    yield how
    if how == "abort":
        os.abort()
    if how == "exit":
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "sleep":
        time.sleep(3600)
    if how == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if how == "raise":
        raise ValueError("the rule.\n  Received:   nonsense.")
    if how == "mistake":
        raise KeyError("absent")
    if how == "unpicklable":
        yield lambda: None
    return "fine"


def burn(path):
    """Writes its process id to a file and keeps a core busy for ever."""
    pathlib.Path(path).write_text(str(os.getpid()))
    yield None
    while True:
        pass


def pour(path):
    """Yields 50 pieces of 1 MB and keeps in a file how many the pipe took."""
    for number in range(50):
        pathlib.Path(path).write_text(str(number))
        yield bytes(1_000_000)


def abort_midway(job):
    """As `extraction.time_steps`, but aborts after three steps where the name says so."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, step in enumerate(extraction.time_steps(job)):
        if number == 3 and "bad" in job.video_id:
            os.abort()
        yield step
    return extraction.Summary(32, 42, number + 1, number + 1, 25.0, "")


def header_of_nothing(_):
    """As `extraction.header`, of a file that does not say how many frames it has."""
    yield from ()
    return frames.Header(0, 25.0)
