"""Runs steps, each once, and goes on where an interrupted run was.

`OUTPUT_DIR/steps/NAME.json` says that a step is done: its command, when it ended, and when the
steps before it did. A step is run again if its command is another, its output is gone or a step
before it has been run again. Training continues from its last checkpoint by itself.
"""

import datetime
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

from tf_twostream.experiments import chains
from tf_twostream.processes import files, signals

# As a module: there are no scripts beside a package that was installed from a wheel.
PROGRAM = (sys.executable, "-m", "tf_twostream.commands")


class StepError(RuntimeError):
    """A step did not end well."""


class ResultsError(ValueError):
    """An output folder holds results of other flags."""


class Runner:
    """Carries out steps, one at a time.

    Attributes:
        failed: Why each step that failed did; none of them is tried twice.
    """

    def __init__(self, output_dir: str):
        """Starts with what the output folder holds, which need not exist."""
        self.failed: dict[str, str] = {}
        self._output_dir = pathlib.Path(output_dir)

    def run(self, step: chains.Step) -> None:
        """Carries out a step and those before it, as far as they are not done.

        Args:
            step: The step.

        Raises:
            StepError: If it or one before it fails, now or earlier.
            signals.Ended: If the user asked to stop.
        """
        for earlier in step.after:
            self.run(earlier)
        if self.is_done(step):
            return
        if step.name not in self.failed:
            self._carry_out(step)
        if step.name in self.failed:
            raise StepError(f"{step.name} {self.failed[step.name]}")

    def is_done(self, step: chains.Step) -> bool:
        """Says whether a step and those before it are done, by these very commands."""
        if not step.output.exists() or not all(map(self.is_done, step.after)):
            return False
        # The output alone does not say by which flags, nor from which weights, it was made.
        record = self._read(step)
        return record.get("command") == step.record and record.get("after") == self._ends(step)

    def _carry_out(self, step: chains.Step) -> None:
        print(f"\n== {step.name}\n{step.line}", flush=True)
        start = time.monotonic()
        if step.clears and step.clears.exists():
            shutil.rmtree(step.clears)
        code = _call([*PROGRAM, *step.arguments])
        if code not in step.codes:
            self.failed[step.name] = f"ended with code {code}"
        elif not step.output.exists():
            self.failed[step.name] = f"wrote no {step.output}"
        else:
            record = {
                "command": step.record,
                "ended": datetime.datetime.now(datetime.UTC).isoformat(),
                "seconds": round(time.monotonic() - start, 1),
                "after": self._ends(step),
            }
            # After the output, so that a step that was killed in between runs again.
            files.write_json(self._path(step), record, indent=1)

    def _path(self, step: chains.Step) -> pathlib.Path:
        return self._output_dir / "steps" / f"{step.name}.json"

    def _read(self, step: chains.Step) -> dict[str, Any]:
        path = self._path(step)
        record = files.read_json(path) if path.exists() else {}
        # Before November 2026 the commands were called by their files.
        if old := re.match(r"python (?:scripts|data_tools)/(\w+)\.py\b", record.get("command", "")):
            record["command"] = (
                f"twostream {old[1].replace('_', '-')}{record['command'][old.end() :]}"
            )
        return record

    def _ends(self, step: chains.Step) -> dict[str, str]:
        """When the steps before a step ended, by their names."""
        return {earlier.name: self._read(earlier).get("ended", "") for earlier in step.after}


def _call(command: list[str]) -> int:
    """Runs a command and returns its exit code; a stop lets it first finish what it then does.

    Raises:
        signals.Ended: If the user asked to stop, after the command has ended.
    """
    stopped: list[int] = []
    process: subprocess.Popen | None = None

    def hand_on(number: int, frame: Any) -> None:
        # Some send SIGTERM to a process and then to its group, which is one request, not two.
        if process and not (number == signal.SIGTERM and number in stopped):
            process.send_signal(number)
        stopped.append(number)

    with signals.handled(hand_on):
        # A training writes a checkpoint when it is asked to stop, and stops at once when asked
        # twice. A terminal sends Ctrl-C to the whole group, so the command gets one of its own and
        # hears of it from here alone.
        process = subprocess.Popen(
            command,
            close_fds=False,  # The lock of the output folder lives as long as the command does.
            process_group=None if sys.platform == "win32" else 0,
        )
        for number in stopped:  # What came while the process was starting.
            process.send_signal(number)
        code = process.wait()
    if stopped:
        raise signals.Ended(stopped[0])
    return code


def keep_flags(output_dir: str, flags: dict[str, str]) -> None:
    """Notes the flags that an output folder belongs to, and refuses others.

    Args:
        output_dir: The output folder, which exists.
        flags: What decides the commands of the rows, by name. One that was empty may be given
            later, and so may more runs in `imagenet_run`: the first one that fits still counts.

    Raises:
        ResultsError: If the folder belongs to other flags.
    """
    path = pathlib.Path(output_dir, "flags.json")
    # A folder in which no step is done or begun has nothing to lose, and takes any flags.
    begun = any(pathlib.Path(output_dir, name).exists() for name in ("runs", "steps"))
    before = files.read_json(path) if begun and path.exists() else {}
    for name, value in flags.items():
        more = name == "imagenet_run" and value.startswith(f"{before.get(name)},")
        if before.get(name, "") not in ("", value) and not more:
            # With other flags the tables would lose the rows that are done.
            given = f"{name}={value!r}, {output_dir} with {name}={before[name]!r}"
            raise ResultsError(f"An output folder must keep its flags. Received: {given}.")
    files.write_json(path, flags, indent=1)
