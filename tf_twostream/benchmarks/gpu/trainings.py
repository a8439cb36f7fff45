"""The project's own commands on the clips at hand: flow, training and testing, as a user does it.

This module imports no TensorFlow; what it reads are files.
"""

import pathlib
import re
import time
from collections.abc import Iterator

from tf_twostream.benchmarks.gpu import clips, jobs
from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.benchmarks.gpu.setting import Setting
from tf_twostream.scores import metrics, score_files

_SECONDS_TO_TEST = 12.0  # At least; to start takes most of it.
_STOPPED = 130  # The exit code of a training that was asked to stop, and wrote a checkpoint.


def compute_flow(setting: Setting, deadline: float) -> Iterator[Finding]:
    """Computes the paper's flow of the clips, from video files to a store.

    Args:
        setting: The store whose clips are taken.
        deadline: When to give up, on the clock of `time.monotonic`.

    Yields:
        A row with the frames per second, starting and compiling included.
    """
    what = "precompute-flow on the clips"
    num_frames = 0
    for table, row in jobs.alone("clips", setting, deadline, what=what):
        num_frames = row.get("frames as videos", 0)
        yield table, row
    if not num_frames:
        return
    folder = pathlib.Path(setting.output_dir)
    code, took = jobs.command(
        [
            "precompute-flow",
            "--dataset=folders",
            f"--videos_dir={folder / clips.VIDEOS}",
            f"--store={folder / 'store'}",
            f"--shorter_side={setting.size.frame[0]}",
        ],
        seconds=deadline - time.monotonic(),
        log=str(folder / "logs" / "precompute-flow.log"),
    )
    if code:
        yield jobs.LEFT_OUT, {"what": what, "why": f"exit code {code}, see logs/"}
    else:
        row = {"command": "precompute-flow", "frames": num_frames, "s": took}
        yield "A whole store", row | {"frames/s": num_frames / took}


def train(setting: Setting, deadline: float) -> Iterator[Finding]:
    """Trains both streams on the clips for the time that is left, and tests them, 25 x 10.

    Args:
        setting: The store whose clips are taken, as `clips` lists them.
        deadline: When the last test should be over, on the clock of `time.monotonic`.

    Yields:
        A row for each stream.
    """
    folder, table = pathlib.Path(setting.output_dir), "Trainings of the clips, tested 25 x 10"
    listed = (folder / clips.LIST).read_text() if (folder / clips.LIST).exists() else ""
    if ",test" not in listed:
        why = "no class has two clips, as folders of the store say"
        yield jobs.LEFT_OUT, {"what": "trainings", "why": why}
        return
    size = setting.size
    knobs = [f"--width={size.width:g}", f"--crop_size={size.crop_size}"]
    # Narrow networks do not learn with the paper's dropout and diverge at its rate.
    knobs += ["--dropout_rate=0.5", f"--learning_rate={size.learning_rate:g}"]
    knobs += [f"--batch_size={size.batch_size}", "--log_every=5"]
    deadline = min(deadline, time.monotonic() + size.training_seconds)
    for number, stream in enumerate(("temporal", "spatial")):
        share = (deadline - time.monotonic()) / (2 - number)
        testing = max(0.2 * share, _SECONDS_TO_TEST)
        run, scores = folder / stream, folder / f"{stream}.npz"
        own = [f"--stack_length={size.stack_length}"] if stream == "temporal" else []
        data = ["--dataset=csv", f"--annotations={folder / clips.LIST}", f"--store={setting.store}"]
        code, took = jobs.command(
            [f"train-{stream}", *data, f"--run_dir={run}", *knobs, *own],
            seconds=share - testing,
            log=str(folder / "logs" / f"train-{stream}.log"),
        )
        if code not in (0, _STOPPED):
            yield jobs.LEFT_OUT, {"what": f"train-{stream}", "why": f"exit code {code}, see logs/"}
            continue
        log = folder / "logs" / f"evaluate-{stream}.log"
        code, tested = jobs.command(
            ["evaluate", f"--run_dir={run}", f"--store={setting.store}", f"--scores={scores}"],
            seconds=2 * testing,
            log=str(log),
        )
        if code:
            yield jobs.LEFT_OUT, {"what": f"evaluate {stream}", "why": f"exit code {code}"}
            continue
        kept = score_files.load_scores(scores)
        done = re.search(r"after ([\d,]+) iterations", log.read_text())
        yield (
            table,
            {
                "stream": stream,
                "iterations": done[1] if done else "",
                "s, starting included": took,
                "test clips": len(kept.labels),
                "s for testing": tested,
                "accuracy": f"{100 * metrics.accuracy(kept.scores, kept.labels):.0f} %",
            },
        )
