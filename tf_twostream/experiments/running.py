"""Runs steps, each once, and goes on where an interrupted run was.

`OUTPUT_DIR/steps/NAME.json` says that a step is done: its command, when it ended, and when the
steps before it did. A step is run again if its command is another, its output is gone or a step
before it has been run again. Training continues from its last checkpoint by itself.
"""

import datetime
import json
import pathlib
import signal
import subprocess
import sys
import time
from typing import Any

from tf_twostream.experiments import plans


class StepError(RuntimeError):
    """A step that did not end well."""


class Runner:
    """Carries out steps, one at a time.

    Attributes:
        failed: Why each step that failed did; none of them is tried twice.
    """

    def __init__(self, output_dir: str, root: pathlib.Path):
        """Starts with what the output folder holds.

        Args:
            output_dir: The output folder.
            root: The folder that holds `scripts/`.
        """
        self.failed: dict[str, str] = {}
        self._output_dir = pathlib.Path(output_dir)
        self._root = root

    def run(self, step: plans.Step) -> None:
        """Carries out a step and those before it, as far as they are not done.

        Raises:
            StepError: If it or one before it fails, now or earlier.
            KeyboardInterrupt: If the user asked to stop.
        """
        for earlier in step.after:
            self.run(earlier)
        if self.is_done(step):
            return
        if step.name not in self.failed:
            self._carry_out(step)
        if step.name in self.failed:
            raise StepError(f"{step.name} {self.failed[step.name]}")

    def is_done(self, step: plans.Step) -> bool:
        """Says whether a step and those before it are done, by these very commands."""
        if not step.output.exists() or not all(map(self.is_done, step.after)):
            return False
        record = self._read(step)
        return record.get("command") == step.record and record.get("after") == self._ends(step)

    def _carry_out(self, step: plans.Step) -> None:
        print(f"\n== {step.name}\n{step.line}", flush=True)
        script, *flags = step.typed
        start = time.monotonic()
        code = _call([sys.executable, str(self._root / script), *flags])
        if code:
            self.failed[step.name] = f"ended with code {code}"
            return
        if not step.output.exists():
            self.failed[step.name] = f"wrote no {step.output}"
            return
        record = {
            "command": step.record,
            "ended": datetime.datetime.now(datetime.UTC).isoformat(),
            "seconds": round(time.monotonic() - start, 1),
            "after": self._ends(step),
        }
        path = self._path(step)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)

    def _path(self, step: plans.Step) -> pathlib.Path:
        return self._output_dir / "steps" / f"{step.name}.json"

    def _read(self, step: plans.Step) -> dict[str, Any]:
        path = self._path(step)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def _ends(self, step: plans.Step) -> dict[str, str]:
        """When the steps before a step ended, by their names."""
        return {earlier.name: self._read(earlier).get("ended", "") for earlier in step.after}


def _call(command: list[str]) -> int:
    """Runs a command and returns its exit code; it may first finish what Ctrl-C makes it do.

    A training writes a checkpoint when it is asked to stop, and stops at once when asked twice. So
    the command has a process group of its own and is told by nobody else; SIGTERM, which some send
    to a process and to its group, is handed on once.

    Raises:
        KeyboardInterrupt: If the user asked to stop, after the command has ended.
    """
    stopped: list[int] = []
    process: subprocess.Popen | None = None

    def hand_on(number: int, frame: Any) -> None:
        if process and not (number == signal.SIGTERM and number in stopped):
            process.send_signal(number)
        stopped.append(number)

    before = {n: signal.signal(n, hand_on) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen(
            command,
            close_fds=False,  # The lock of the output folder lives as long as it does.
            process_group=None if sys.platform == "win32" else 0,
        )
        for number in stopped:
            process.send_signal(number)
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stopped:
        raise KeyboardInterrupt
    return code


def keep_flags(output_dir: str, flags: dict[str, str]) -> None:
    """Notes the flags that an output folder belongs to, and refuses others.

    With other flags a table would lose what stands in it. A flag that was empty may be given later,
    and a folder in which no step is done or begun takes any.

    Args:
        output_dir: The output folder, which exists.
        flags: What decides the commands of the rows, by name.

    Raises:
        ValueError: If the folder belongs to other flags.
    """
    path = pathlib.Path(output_dir, "flags.json")
    begun = any(pathlib.Path(output_dir, name).exists() for name in ("runs", "steps"))
    before = json.loads(path.read_text(encoding="utf-8")) if begun and path.exists() else {}
    for name, value in flags.items():
        if before.get(name, "") not in ("", value):
            raise ValueError(
                f"{output_dir} holds results with --{name}={before[name]}. Received: "
                f"--{name}={value}. Give the same flag, or choose another --output_dir."
            )
    path.write_text(json.dumps(flags, indent=1) + "\n", encoding="utf-8")
