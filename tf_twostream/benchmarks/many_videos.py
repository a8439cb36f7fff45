"""How long many videos take from opening their store to the first batch, and how much memory.

Everything is made up: the index says that there are N videos of 50 to 250 frames, and all files
of the first batch are one and the same.
"""

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from tf_twostream import datasets, store
from tf_twostream.figures import reports
from tf_twostream.flow import codec
from tf_twostream.paper import recipes
from tf_twostream.processes import files, quiet_import, workers
from tf_twostream.store import index, layout

NUM_CLASSES = 400
FRAMES = (50, 250)  # Fewest and most of a video.
SIZE = (256, 341)  # Pixels, height and width.
FEW = 1000  # Videos of the store that the large one is compared with.
TIMEOUT = 600.0  # Seconds.


@dataclasses.dataclass(frozen=True)
class Job:
    """A made-up store to open.

    Attributes:
        path: Its folder.
        split: All of its videos, to train on.
        recipe: What to make batches for.
    """

    path: str
    split: datasets.Split
    recipe: recipes.TemporalRecipe


def measure(recipe: recipes.TemporalRecipe, num_videos: int) -> str:
    """Measures a store of many videos and one of few, in turn.

    Args:
        recipe: L, the batch size and the crop count.
        num_videos: N.

    Returns:
        A line, and a Markdown table: seconds of each step, and memory.

    Raises:
        ChildProcessError: If a batch cannot be made.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="twostream_") as folder:
        for count in (FEW, num_videos):
            found = _in_a_process(make(f"{folder}/{count}", recipe, count))
            rows.append([f"{count:,}", *(f"{value:.2f}" for value in found.values())])
    ratio = float(rows[1][-3]) / float(rows[0][-3])
    line = f"{num_videos:,} videos take {ratio:.1f} times as long as {FEW:,}\n\n"
    return line + reports.markdown_table(["videos", *found], rows)


def make(path: str, recipe: recipes.TemporalRecipe, num_videos: int) -> Job:
    """Makes up the index of a store, and the files that the first batch reads.

    Args:
        path: The folder.
        recipe: What batches are made for.
        num_videos: N.
    """
    from tf_twostream import inputs
    from tf_twostream.inputs import streams

    settings = store.Settings.of("dis")
    writer = store.Writer(path, settings)
    jpeg = codec.encode(np.full((2, *SIZE), 128, np.uint8))
    with writer.video("longest") as video:
        for t in range(FRAMES[1]):
            video.add_rgb(jpeg)
            if t:
                video.add_flow("forward", jpeg, np.array([[-1, 1], [-1, 1]]), np.zeros(2))
        video.finish(height=SIZE[0], width=SIZE[1], promised_frames=FRAMES[1], fps=25.0)
    info = layout.read_video(path, "longest")
    names = [f"class_{n % NUM_CLASSES:03d}/clip_{n:07d}.mp4" for n in range(num_videos)]
    num_frames = np.random.default_rng(0).integers(FRAMES[0], FRAMES[1] + 1, num_videos)

    def same(value: Any) -> np.ndarray:
        return np.full(num_videos, value)

    made_up = index.Index(
        video_ids=np.array(sorted(names)),
        num_frames=num_frames,
        height=same(SIZE[0]),
        width=same(SIZE[1]),
        promised_frames=num_frames,
        fps=same(25.0),
        sources=same(f"1:{'0' * 64}"),
        lengths={
            kind: np.full(
                layout.num_records(num_frames, kind).sum(), info.lengths[kind][0], np.int32
            )
            for kind in settings.kinds
        },
    )
    index.write(path, made_up)
    videos = tuple(datasets.Video(name, n % NUM_CLASSES) for n, name in enumerate(names))
    split = datasets.Split("made up", tuple(map(str, range(NUM_CLASSES))), videos, ())
    places = streams.draw(inputs.Windows(store.Reader(path), videos, recipe))
    for place in places.take(recipe.batch_size).as_numpy_iterator():
        for drawn in place["path"]:
            # All records are as long, so that each file may be that of the longest video.
            files.link(layout.records_path(path, "longest", "forward"), os.fsdecode(drawn))
    return Job(path, split, recipe)


def first_batch(job: Job) -> Generator[None, None, dict[str, float]]:
    """Makes the first batch, in a process of its own (by `workers`).

    Returns:
        Seconds of each step and of all, and GB of memory at the beginning and at most.
    """
    yield from ()  # Makes it the generator that a job has to be.
    quiet_import.install()
    from tf_twostream import inputs

    before, clock = _memory("VmRSS"), _Clock()
    reader = clock.time("open", lambda: store.Reader(job.path))
    split = clock.time(
        "compare with the lists",
        lambda: datasets.keep_available(
            job.split, reader.video_ids, where=job.path, allow_missing=False
        ),
    )
    windows = clock.time("find windows", lambda: inputs.find(reader, split.train, job.recipe))
    clock.time("first batch", lambda: next(iter(inputs.training(windows))))
    seconds = {f"{name}, s": value for name, value in clock.seconds.items()}
    memory = {"GB before": before, "GB at most": _memory("VmHWM")}
    return {**seconds, "together, s": sum(clock.seconds.values()), **memory}


class _Clock:
    """Times steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, step: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        value = step()
        self.seconds[name] = time.perf_counter() - began
        return value


def _memory(name: str) -> float:
    """Returns what Linux says of the memory of this process in GB; NaN elsewhere."""
    if not os.path.exists("/proc/self/status"):
        return float("nan")
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024 / 1e9


def _in_a_process(job: Job) -> dict[str, float]:
    for _, event in workers.run(first_batch, [job], num_workers=1, timeout=TIMEOUT):
        if isinstance(event, workers.Done):
            return event.value
        if isinstance(event, workers.Failed):
            raise ChildProcessError(f"There must be a first batch. Received: {event.reason}.")
    raise ChildProcessError("There must be a first batch. Received: none.")
