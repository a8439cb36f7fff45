"""How fast the input graphs are, compared with the limit of the machine and with another loader.

The limit are bare loops that decode the same JPEG images from memory on the same cores, once with
OpenCV and once with TensorFlow's decoder. The other loader is that of `image_files`, which also
cuts and makes floats; the input graph leaves both to the device.
"""

import concurrent.futures
import itertools
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, inputs, store
from tf_twostream.benchmarks import image_files
from tf_twostream.figures import reports
from tf_twostream.flow import codec
from tf_twostream.inputs import streams
from tf_twostream.inputs.parts import SHARE
from tf_twostream.paper import recipes
from tf_twostream.processes import workers
from tf_twostream.store import records

ROUNDS = 5
WARM_UP_SECONDS = 2.0
STACKS = 64  # That the bare loops decode over and over; drawn, as stacks differ in bytes.
NUM_CLASSES = 101
CORES = workers.count_cores()


def made_up_split(reader: store.Reader, num_classes: int = NUM_CLASSES) -> datasets.Split:
    """Makes a split of all videos of a store, with made-up labels.

    Args:
        reader: The store, whose videos need not have labels for a benchmark.
        num_classes: K.

    Returns:
        The split: by default as many classes as UCF-101 has, and no test videos.
    """
    ids = enumerate(reader.video_ids)
    videos = tuple(datasets.Video(video_id, n % num_classes) for n, video_id in ids)
    return datasets.Split("benchmark", tuple(map(str, range(num_classes))), videos, ())


def measure(reader: store.Reader, recipe: recipes.TemporalRecipe, seconds: float) -> str:
    """Measures stacks per second of the input graph and of bare decoding, and the same of frames.

    Args:
        reader: The store.
        recipe: Its L, its crop and its batch size count.
        seconds: How long to measure each of them, in seconds.

    Returns:
        Lines, and Markdown tables with the ratios; the last one is of the stages that one thread
        goes through alone, so that no number of cores makes the graph faster than they are.

    Raises:
        ValueError: If the store's flow is not in JPEG.
    """
    if reader.settings.flow_coding != "jpeg":
        given = f"{reader.path} with {reader.settings.flow_coding} codes"
        raise ValueError(f"Bare loops decode JPEG images. Received: {given}.")
    length = recipe.stack_length
    stacks = _images(reader, "forward", length)
    size = statistics.mean(len(jpeg) for stack in stacks for jpeg in stack)
    frames = _images(reader, "rgb", 1)
    spatial = recipes.SpatialRecipe(crop_size=recipe.crop_size, batch_size=recipe.batch_size)
    cv2.setNumThreads(1)  # The loop has a thread per core, and more would get in their way.
    with tempfile.TemporaryDirectory(prefix="twostream_") as folder:
        whole = [stack for stack in stacks if len(stack) == length]
        decoded = ([_opencv(jpeg) for jpeg in stack] for stack in whole)
        image_files.write(pathlib.Path(folder), decoded, codec.QUALITY)
        loader = _Loader(folder, recipe)
        flow = _compare(
            {
                "input graph": _timed(_graph(reader, recipe)),
                "bare loop of OpenCV": _timed(_loop_of_opencv(stacks)),
                "bare loop of TensorFlow": _timed(_loop_of_tensorflow(stacks, 1)),
                "loader of image files": loader.rate,
            },
            seconds,
            "stacks/s",
        )
    rgb = _compare(
        {
            "input graph": _timed(_graph(reader, spatial)),
            "bare loop of TensorFlow": _timed(_loop_of_tensorflow(frames, 3)),
        },
        seconds,
        "frames/s",
    )
    return (
        f"stacks of {length} fields, {size:,.0f} bytes each, {CORES} cores, medians of {ROUNDS} "
        f"rounds; image files: {CORES} processes of {loader.name}\n{flow}\n"
        f"RGB frames\n{rgb}\n"
        f"stages that are one thread's, alone; there is a thread for every {SHARE} cores\n"
        + reports.markdown_table(
            ["", "stacks/s of a thread", "for each core"], _serial_stages(reader, recipe, seconds)
        )
    )


def _compare(contenders: dict[str, Callable[[float], float]], seconds: float, unit: str) -> str:
    """Measures what takes turns; the first of them is compared with each."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):  # In turn, so that other work on the machine slows all of them down.
        for name, rate in contenders.items():
            rates[name].append(rate(seconds / ROUNDS))
    [own, *_], rows = rates.values(), []
    for name, values in rates.items():
        # Within a round, for the rounds of a busy machine differ more than the contenders.
        ratio = statistics.median(first / other for first, other in zip(own, values))
        rows.append([name, f"{statistics.median(values):.0f}", f"{ratio:.2f}"])
    return reports.markdown_table(["", unit, "input graph against it"], rows)


def _timed(work: Iterator[int]) -> Callable[[float], float]:
    """Returns the function that measures the rate of some work for so many seconds."""

    def rate(seconds: float) -> float:
        # Also uses up the batches that were prefetched while the others ran.
        _rate(work, WARM_UP_SECONDS)
        return _rate(work, seconds)

    return rate


class _Loader:
    """The loader of image files, which runs as a program of its own."""

    name = ""  # Of the library whose processes it has.

    def __init__(self, folder: str, recipe: recipes.TemporalRecipe):
        sizes = (recipe.stack_length, recipe.crop_size, recipe.batch_size, CORES)
        self._command = [sys.executable, "-m", image_files.__name__, folder, *map(str, sizes)]

    def rate(self, seconds: float) -> float:
        """Measures it for so many seconds."""
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        said = subprocess.run(
            [*self._command, str(seconds)],
            env={**os.environ, **paths},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        rate, self.name = said.split()
        return float(rate)


def _serial_stages(
    reader: store.Reader, recipe: recipes.TemporalRecipe, seconds: float
) -> list[list[str]]:
    """Measures the stages of a stream that one thread goes through."""
    windows = inputs.Windows(reader, made_up_split(reader).train, recipe)
    each = recipe.batch_size
    places = streams.draw(windows)
    sample = next(iter(places.map(windows.read)))
    stages = {
        "drawing": places.batch(each),
        "batching": windows.batch(tf.data.Dataset.from_tensors(sample).repeat(), each),
    }
    rows = []
    for name, batches in stages.items():
        work, done = iter(batches), 0
        next(work)
        # Of the processor: it is the time of that one thread, whatever else the machine does.
        begun = time.process_time()
        while not done or time.process_time() - begun < seconds / ROUNDS:
            next(work)
            done += each
        rate = done / (time.process_time() - begun)
        rows.append([name, f"{rate:.0f}", f"{rate / SHARE:.0f}"])
    return rows


def _rate(work: Iterator[int], seconds: float) -> float:
    """Returns units of work per second."""
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        done += next(work)
    return done / (time.perf_counter() - start)


def _images(reader: store.Reader, kind: recipes.Kind, length: int) -> list[list[bytes]]:
    """Reads the JPEG images of some windows into memory."""
    rng = np.random.default_rng(0)
    table = reader.table(reader.video_ids, kind)
    stacks = []
    for video in rng.integers(0, len(reader.video_ids), STACKS):
        num_records = int(table.num_records[video])
        start = rng.integers(0, max(num_records - length, 0) + 1)
        window = records.read_records(
            tf.constant(table.path(video)),
            tf.constant(table.offsets(np.array([video]), np.array([start]))[0]),
            tf.constant(min(length, num_records), tf.int64),
        )
        parsed = records.parse_rgb(window)  # Of a field it leaves the ranges alone.
        stacks.append(parsed["jpeg"].numpy().tolist())
    return stacks


def _opencv(jpeg: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)


def _decode(images: Sequence[bytes]) -> None:
    for jpeg in images:
        _opencv(jpeg)


def _tensorflow(jpeg: tf.Tensor, channels: int = 1) -> tf.Tensor:
    # The accurate DCT, as in the input graph: it gives OpenCV's pixels, at about the same cost.
    return tf.io.decode_jpeg(jpeg, channels=channels, dct_method="INTEGER_ACCURATE")


def _loop_of_opencv(stacks: Sequence[Sequence[bytes]]) -> Iterator[int]:
    """Decodes stacks without end, with a thread per core; yields how many were decoded."""
    chunks = [list(itertools.chain.from_iterable(stacks[n::CORES])) for n in range(CORES)]
    # Threads and not processes, since OpenCV lets go of Python's lock while it decodes.
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        while True:
            list(pool.map(_decode, chunks))
            yield len(stacks)


def _loop_of_tensorflow(stacks: Sequence[Sequence[bytes]], channels: int) -> Iterator[int]:
    """Decodes stacks without end by TensorFlow; yields how many were decoded."""
    images = tf.data.Dataset.from_tensor_slices(list(itertools.chain.from_iterable(stacks)))
    # Only the shape goes on, so that nothing but decoding is measured: images are not copied.
    shapes = images.repeat().map(
        lambda jpeg: tf.shape(_tensorflow(jpeg, channels)), num_parallel_calls=CORES
    )
    for _ in shapes.batch(sum(map(len, stacks))):
        yield len(stacks)


def _graph(reader: store.Reader, recipe: recipes.Recipe) -> Iterator[int]:
    """Draws batches of the real input graph without end."""
    windows = inputs.Windows(reader, made_up_split(reader).train, recipe)
    for _ in inputs.training_in_parts(windows):
        yield recipe.batch_size
