"""How soon a clip has its label: from the start of a process, for each further clip, and live."""

import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import cast

import numpy as np
import tensorflow as tf

from tf_twostream import datasets, runs, store
from tf_twostream.benchmarks import live
from tf_twostream.datasets import drawn_scenes
from tf_twostream.evaluation import two_stream
from tf_twostream.figures import reports
from tf_twostream.paper import recipes
from tf_twostream.precompute import frames
from tf_twostream.runs import checkpoint_files
from tf_twostream.training import devices

SIZE = (240, 320)  # Pixels, height and width of the clips: those of UCF-101.
SECONDS = 5  # Of a clip.
FURTHER = 10  # Clips after the first one.
NUM_CLASSES = 101
# Of networks that have not learnt; the paper takes crops of 224 from a shorter side of 256.
SIDE_OF_CROP = 256 / 224


def measure(
    paths: Sequence[str], untrained: Sequence[recipes.TowerRecipe], *, seconds: float
) -> str:
    """Measures with the centre view, 25 frames of a clip and 10 of a second of a live source.

    Args:
        paths: The run folders of a spatial stream, a temporal one, or both in this order.
        untrained: What networks to make instead if there are none.
        seconds: How long each live source lasts.

    Returns:
        A line, and two Markdown tables.
    """
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="twostream_") as folder:
        runs_given = [*paths] or [make_run(f"{folder}/{r.stream}", r) for r in untrained]
        clips = draw_clips(folder, seconds)
        model = two_stream.TwoStream(
            [runs.load(path) for path in runs_given], protocol=live.PROTOCOL
        )
        whole, by_window = _measure_command(runs_given, clips[:-1])
        found = live.measure(model, clips[-1])
    return (
        f"{_describe(model)}, on {devices.device_name()} (load before: {load:.1f}); clips of "
        f"{SECONDS} s, {SIZE[1]}x{SIZE[0]}\n\n"
        + reports.markdown_table(
            ["predict", "start to first label, s", "each further clip, s"],
            [
                [name, f"{first:.1f}", f"{further:.2f}"]
                for name, (first, further) in (("whole clips", whole), ("windows", by_window))
            ],
        )
        + "\n"
        + reports.markdown_table(
            ["over time", "frames/s", "dropped", "latency, s: median", "worst"], found
        )
    )


def _describe(model: two_stream.TwoStream) -> str:
    """Words the networks."""
    own = [cast(recipes.TowerRecipe, run.recipe) for run in model.streams]
    return "; ".join(f"{r.stream}: width {r.width:g}, crop {r.crop_size}" for r in own) + (
        f"; {model.settings.method} flow, shorter side {model.settings.shorter_side}"
    )


def make_run(path: str, recipe: recipes.TowerRecipe) -> str:
    """Writes a run with random weights; returns its folder."""
    names = tuple(f"class {number:03d}" for number in range(NUM_CLASSES))
    settings = store.Settings.of("dis", shorter_side=round(SIDE_OF_CROP * recipe.crop_size))
    task = runs.Task(
        name="",
        split=datasets.Split("made up", names, (), ()),
        settings=settings,
        batch_size=recipe.batch_size,
        divisor=recipe.batch_size,
    )
    run = runs.Run(pathlib.Path(path), recipe, (task,))
    runs.create(run)
    checkpoint = tf.train.Checkpoint(
        model=runs.build_model(run), iteration=tf.Variable(0, dtype=tf.int64)
    )
    checkpoint_files.write(checkpoint, run.checkpoints, 0)
    return path


def draw_clips(folder: str, seconds: float) -> list[str]:
    """Draws a clip; returns as many files of it as are labelled, and one that lasts longer."""
    rng = np.random.default_rng(0)
    group = drawn_scenes.draw_group(rng, height=SIZE[0], width=SIZE[1])
    drawn = list(
        drawn_scenes.draw_frames(
            group,
            drawn_scenes.draw_clip(rng),
            appearance=next(iter(drawn_scenes.APPEARANCES)),
            motion=drawn_scenes.MOTIONS[0],
            num_frames=live.FPS * SECONDS,
        )
    )
    clips = [f"{folder}/{number}.avi" for number in range(1 + FURTHER)]
    frames.write_mjpeg(clips[0], drawn, fps=live.FPS, quality=90)
    for clip in clips[1:]:
        os.link(clips[0], clip)
    # To and fro, for a clip that began anew would jump.
    long = itertools.islice(itertools.cycle([*drawn, *drawn[::-1]]), round(live.FPS * seconds))
    frames.write_mjpeg(f"{folder}/long.avi", long, fps=live.FPS, quality=90)
    return [*clips, f"{folder}/long.avi"]


def _measure_command(
    run_dirs: Sequence[str], clips: Sequence[str]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Returns seconds to the first label and for each further one: of whole clips, of windows."""
    named = [f"--{runs.load(path).recipe.stream}_run={path}" for path in run_dirs]
    flags = ["--test=center", "--top=1", *named]
    # Labels of whole clips come together, so that two processes are compared.
    [alone] = label_times([*flags, clips[0]])
    last = label_times([*flags, *clips])[-1]
    times = label_times([*flags, f"--window_seconds={SECONDS}", *clips])
    count = len(clips) - 1
    return (alone, (last - alone) / count), (times[0], (times[-1] - times[0]) / count)


def label_times(arguments: Sequence[str]) -> list[float]:
    """Returns the seconds from the start of predict to each of its labels.

    Raises:
        OSError: If it fails.
    """
    command = [sys.executable, "-m", "tf_twostream.commands", "predict", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    began, times = time.monotonic(), []
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment
        ) as process,
    ):
        for line in process.stdout or ():
            if line.startswith("  "):  # Those of labels are indented.
                times.append(time.monotonic() - began)
        if process.wait() or not times:
            said.seek(0)
            raise OSError(f"predict must give a label. Received: {said.readlines()[-1:]}.")
    return times
