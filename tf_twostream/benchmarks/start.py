"""How long a process takes from its start to its first training step, and to its first label."""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import cast

from tf_twostream import runs
from tf_twostream.benchmarks import iterations, labels, made_up, pace
from tf_twostream.figures import reports
from tf_twostream.paper import recipes
from tf_twostream.training import devices

PROCESSES = 3  # Of each kind; their medians are told.
STAGES = ("import", "load of the run", "first training step", "second step")
HEADER = ("", *(f"{stage}, s" for stage in STAGES), "predict: start to first label, s")
_PROGRAM = "from tf_twostream.benchmarks import start; start.report({!r}, {!r})"


def measure(paths: Sequence[str], untrained: Sequence[recipes.TowerRecipe]) -> str:
    """Measures each run in processes of their own.

    Args:
        paths: The run folders of streams.
        untrained: What networks to make instead if there are none.

    Returns:
        A line, and a Markdown table.
    """
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="twostream_") as folder:
        given = [*paths] or [labels.make_run(f"{folder}/{r.stream}", r) for r in untrained]
        clip = labels.draw_clips(folder, labels.SECONDS)[0]
        rows = [_measure_run(path, clip) for path in given]
    return (
        f"medians of {PROCESSES} processes on {devices.device_name()} (load before: {load:.1f}); "
        f"steps of at most {pace.MOST_SAMPLES} made-up samples, the centre view of a clip\n\n"
        + reports.markdown_table(HEADER, rows)
    )


def _measure_run(path: str, clip: str) -> list[str]:
    """Returns the cells of a row."""
    recipe = cast(recipes.TowerRecipe, runs.load(path).recipe)
    named = f"--{recipe.stream}_run={path}"
    # In turn, so that other work on the machine slows both kinds of process down alike.
    times = [
        [*_stage_times(path), *labels.label_times(["--test=center", "--top=1", named, clip])]
        for _ in range(PROCESSES)
    ]
    medians = [f"{statistics.median(column):.2f}" for column in zip(*times, strict=True)]
    return [f"{recipe.stream}, width {recipe.width:g}, crop {recipe.crop_size}", *medians]


def _stage_times(path: str) -> list[float]:
    """Returns the seconds of each stage in a new process.

    Raises:
        OSError: If it fails.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    program = _PROGRAM.format(path, time.monotonic())  # This clock is that of all processes.
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        said = done.stderr.splitlines()[-1:]
        raise OSError(f"A process that is timed must end well. Received: {said}.")
    return json.loads(done.stdout.splitlines()[-1])


def report(path: str, began: float) -> None:
    """Goes through all stages in this process, which has just imported this, and prints seconds.

    Args:
        path: The run folder.
        began: When the process was started, in seconds of `time.monotonic`.
    """
    ends = [began, time.monotonic()]
    run = runs.load(path)
    runs.load_model(run)
    ends.append(time.monotonic())
    known = cast(recipes.TowerRecipe, run.recipe)
    recipe = dataclasses.replace(known, batch_size=min(known.batch_size, pace.MOST_SAMPLES))
    num_classes, side = len(run.split.class_names), run.task.settings.shorter_side
    batch = made_up.batch(recipe, (side, side * 4 // 3), num_classes=num_classes)
    drawn = time.monotonic() - ends[-1]  # Does not count.
    _, step = iterations.build(recipe, num_classes, devices.of_this_host())
    for _ in range(2):
        step((batch,))[0].numpy()
        ends.append(time.monotonic() - drawn)
    print(json.dumps([end - start for start, end in zip(ends, ends[1:])]))
