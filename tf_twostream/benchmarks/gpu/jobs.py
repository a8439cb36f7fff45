"""Runs what measures in a process of its own, until it is done or its time is over."""

import dataclasses
import importlib
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from tf_twostream.benchmarks.gpu.setting import Setting
from tf_twostream.processes import workers

Finding = tuple[str, dict[str, Any]]  # The title of a table, and a row of it by column.

LEFT_OUT = "Left out"  # The table of what could not be measured, and why.
_GRACE = 30.0  # Seconds that a command which was asked to stop has for its last checkpoint.


@dataclasses.dataclass(frozen=True)
class Job:
    """A function that measures: `measure` of a module of this package.

    Attributes:
        module: Its name.
        setting: Its first argument.
        options: Its further arguments, by name.
    """

    module: str
    setting: Setting
    options: dict[str, Any]


def run(job: Job) -> Generator[Finding, None, None]:
    """Measures in this process; TensorFlow is imported only here, with the module."""
    module = importlib.import_module(f"tf_twostream.benchmarks.gpu.{job.module}")
    yield from module.measure(job.setting, **job.options)


def alone(
    module: str, setting: Setting, deadline: float, *, what: str, **options: Any
) -> Iterator[Finding]:
    """Measures in a process of its own.

    Args:
        module: A module of this package that has a function `measure`.
        setting: What is measured.
        deadline: When to give up, on the clock of `time.monotonic`.
        what: What it measures, for the table of what was left out.
        **options: For its `measure`.

    Yields:
        What it finds; at last, if it fails or takes too long, a row of what was left out.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        yield LEFT_OUT, {"what": what, "why": "no time was left"}
        return
    job = Job(module, setting, options)
    # Only the whole time counts: compiling is silent for long.
    events = workers.run(run, [job], num_workers=1, timeout=2 * seconds, job_seconds=seconds)
    for _, event in events:
        match event:
            case workers.Piece(finding):
                yield finding
            case workers.Failed(reason):
                yield LEFT_OUT, {"what": what, "why": reason}


def command(arguments: Sequence[str], *, seconds: float, log: str) -> tuple[int, float]:
    """Runs one of the project's commands, and asks it to stop when its time is over.

    Args:
        arguments: The name of the command and its flags.
        seconds: How long it may take, in seconds.
        log: The file that gets what it prints.

    Returns:
        Its exit code, and the seconds that it took.
    """
    pathlib.Path(log).parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tf_twostream.commands", *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            # As a folder of packages that was only unpacked finds itself.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)  # A training writes a checkpoint.
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    return process.returncode, time.monotonic() - start
