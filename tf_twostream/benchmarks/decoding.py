"""How fast the input graph of the temporal stream is, compared with the limit of the machine.

The limit are bare loops that decode the same JPEG images from memory on the same cores, once with
OpenCV and once with TensorFlow's decoder.
"""

import concurrent.futures
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, inputs, store
from tf_twostream.figures import reports
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
    """Measures stacks per second of the input graph and of bare decoding.

    Args:
        reader: The store.
        recipe: Its L and its batch size count.
        seconds: How long to measure each of them, in seconds.

    Returns:
        A line, and a Markdown table with the ratios.
    """
    stacks = _stacks(reader, recipe.stack_length)
    size = statistics.mean(len(jpeg) for stack in stacks for jpeg in stack)
    cv2.setNumThreads(1)  # The loop has a thread per core, and more would get in their way.
    contenders = {
        "input graph": _graph(reader, recipe),
        "bare loop of OpenCV": _loop_of_opencv(stacks),
        "bare loop of TensorFlow": _loop_of_tensorflow(stacks),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):  # In turn, so that other work on the machine slows all of them down.
        for name, work in contenders.items():
            # Also uses up the batches that were prefetched while the others ran.
            _rate(work, WARM_UP_SECONDS)
            rates[name].append(_rate(work, seconds / ROUNDS))
    rows = []
    for name, values in rates.items():
        # Within a round, for the rounds of a busy machine differ more than the contenders.
        ratio = statistics.median(own / other for own, other in zip(rates["input graph"], values))
        rows.append([name, f"{statistics.median(values):.0f}", f"{ratio:.2f}"])
    return (
        f"stacks of {recipe.stack_length} fields, {size:,.0f} bytes each, {CORES} cores, "
        f"medians of {ROUNDS} rounds\n"
        + reports.markdown_table(["", "stacks/s", "input graph against it"], rows)
    )


def _rate(work: Iterator[int], seconds: float) -> float:
    """Returns units of work per second."""
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        done += next(work)
    return done / (time.perf_counter() - start)


def _stacks(reader: store.Reader, length: int) -> list[list[bytes]]:
    """Reads the JPEG images of some stacks into memory."""
    rng = np.random.default_rng(0)
    table = reader.table(reader.video_ids, "forward")
    stacks = []
    for video in rng.integers(0, len(reader.video_ids), STACKS):
        num_records = int(table.num_records[video])
        start = rng.integers(0, max(num_records - length, 0) + 1)
        window = records.read_records(
            tf.constant(table.path(video)),
            tf.constant(table.offsets(np.array([video]), np.array([start]))[0]),
            tf.constant(min(length, num_records), tf.int64),
        )
        stacks.append(records.parse_flow(window)["jpeg"].numpy().tolist())
    return stacks


def _opencv(jpeg: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)


def _decode(images: Sequence[bytes]) -> None:
    for jpeg in images:
        _opencv(jpeg)


def _tensorflow(jpeg: tf.Tensor) -> tf.Tensor:
    # The accurate DCT, as in the input graph: it gives OpenCV's pixels, at about the same cost.
    return tf.io.decode_jpeg(jpeg, channels=1, dct_method="INTEGER_ACCURATE")


def _loop_of_opencv(stacks: Sequence[Sequence[bytes]]) -> Iterator[int]:
    """Decodes stacks without end, with a thread per core; yields how many were decoded."""
    chunks = [list(itertools.chain.from_iterable(stacks[n::CORES])) for n in range(CORES)]
    # Threads and not processes, since OpenCV lets go of Python's lock while it decodes.
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        while True:
            list(pool.map(_decode, chunks))
            yield len(stacks)


def _loop_of_tensorflow(stacks: Sequence[Sequence[bytes]]) -> Iterator[int]:
    """Decodes stacks without end by TensorFlow; yields how many were decoded."""
    images = tf.data.Dataset.from_tensor_slices(list(itertools.chain.from_iterable(stacks)))
    # Only the shape goes on, so that nothing but decoding is measured: images are not copied.
    shapes = images.repeat().map(lambda jpeg: tf.shape(_tensorflow(jpeg)), num_parallel_calls=CORES)
    for _ in shapes.batch(sum(map(len, stacks))):
        yield len(stacks)


def _graph(reader: store.Reader, recipe: recipes.Recipe) -> Iterator[int]:
    """Draws batches of the real input graph without end."""
    windows = inputs.Windows(reader, made_up_split(reader).train, recipe)
    for _ in inputs.training(windows):
        yield recipe.batch_size
