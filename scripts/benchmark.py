"""Measures what the project claims about its speed.

    python scripts/benchmark.py inputs --store=stores/ucf101
    python scripts/benchmark.py training --store=stores/ucf101 --batch_size=32

`inputs` compares the real input graph of the temporal stream with the raw limit of the machine:
a bare loop that decodes the same JPEG images, from memory, on the same cores. `training` times
whole iterations and says which ops of an iteration have no GPU kernel.
"""

import concurrent.futures
import dataclasses
import itertools
import os
import resource
import statistics
import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from tf_twostream import cli, datasets, inputs, paper, reports, steps, store
from tf_twostream.models import cnn_m

ROUNDS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure on."""

    store: str = cli.knob(cli.REQUIRED, "Store written by data_tools/precompute_flow.py.")
    seconds: float = cli.knob(20.0, "Seconds to measure each of the things compared.")
    batch_size: int = cli.knob(64, "Samples per batch.")
    stack_length: int = cli.knob(paper.STACK_LENGTH, "L, fields per stack.")
    crop_size: int = cli.knob(paper.CROP_SIZE, "Side of the network's input in pixels.")
    width: float = cli.knob(1.0, "Factor on the channels of the network.")


def _recipes(options: Options) -> list[paper.Recipe]:
    sizes: Any = {
        "batch_size": options.batch_size,
        "crop_size": options.crop_size,
        "width": options.width,
    }
    return [
        paper.SpatialRecipe(**sizes),
        paper.TemporalRecipe(stack_length=options.stack_length, **sizes),
    ]


def _videos(reader: store.Reader) -> list[datasets.Video]:
    return [datasets.Video(video_id, n % 2) for n, video_id in enumerate(reader.video_ids)]


def _rate(work: Iterator[int], seconds: float) -> float:
    """Units of work per second."""
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        done += next(work)
    return done / (time.perf_counter() - start)


def _stacks(reader: store.Reader, count: int, length: int) -> list[list[bytes]]:
    """The JPEG images of some stacks, in memory."""
    rng = np.random.default_rng(0)
    table = reader.table(reader.video_ids, "forward")
    stacks = []
    for video in rng.integers(0, len(reader.video_ids), count):
        num_records = int(table["num_records"][video])
        start = rng.integers(0, max(num_records - length, 0) + 1)
        records = store.read_records(
            tf.constant(table["path"][video]),
            tf.constant(table["offsets"][table["first"][video] + start]),
            tf.constant(min(length, num_records), tf.int64),
        )
        stacks.append(store.parse_flow(records)["jpeg"].numpy().tolist())
    return stacks


def _decode(stacks: list[list[bytes]]) -> None:
    for jpeg in itertools.chain.from_iterable(stacks):
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)


def _bare_loop(stacks: list[list[bytes]]) -> Iterator[int]:
    """Decodes stacks for ever, one thread per core; yields how many were decoded."""
    chunks = [stacks[n :: os.cpu_count() or 1] for n in range(os.cpu_count() or 1)]
    with concurrent.futures.ThreadPoolExecutor(len(chunks)) as pool:
        while True:
            list(pool.map(_decode, chunks))
            yield len(stacks)


def _graph(reader: store.Reader, recipe: paper.Recipe) -> Iterator[int]:
    """Draws batches for ever."""
    for _ in inputs.training(reader, _videos(reader), recipe):
        yield recipe.batch_size


def measure_inputs(options: Options) -> None:
    """Prints stacks per second of the input graph, of bare decoding, and their ratio."""
    reader = store.Reader(options.store)
    recipe = _recipes(options)[1]
    stacks = _stacks(reader, 64, options.stack_length)
    size = sum(len(jpeg) for stack in stacks for jpeg in stack) / len(stacks)
    cv2.setNumThreads(1)
    contenders = {
        "input graph": _graph(reader, recipe),
        "bare loop": _bare_loop(stacks),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):  # In turn, so that a noisy machine is noisy to all.
        for name, work in contenders.items():
            _rate(work, 2.0)  # Warm-up; also uses up what was prefetched while the other ran.
            rates[name].append(_rate(work, options.seconds / ROUNDS))
    print(
        f"{options.stack_length} fields of {size / options.stack_length:,.0f} bytes per stack, "
        f"{os.cpu_count()} cores, medians of {ROUNDS} rounds"
    )
    rows = []
    for name, values in rates.items():
        ratios = [own / other for own, other in zip(rates["input graph"], values)]
        rows.append([name, f"{statistics.median(values):.0f}", f"{statistics.median(ratios):.2f}"])
    print(reports.markdown_table(["", "stacks/s", "input graph against it"], rows))


def _without_gpu_kernel(step: tf.types.experimental.GenericFunction, batch: inputs.Element) -> str:
    """Names the ops of a step for which TensorFlow has no GPU kernel."""
    from tensorflow.python.framework import kernels  # Not public; only asked here.

    graph = step.get_concrete_function(batch).graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    free = {"NoOp", "Placeholder", "_Arg", "_Retval", "PartitionedCall", "StatefulPartitionedCall"}
    missing = set()
    for op in {node.op for node in nodes} - free:
        devices = {k.device_type for k in kernels.get_registered_kernels_for_op(op).kernel}
        if devices and not devices & {"GPU", "DEFAULT"}:
            missing.add(op)
    return ", ".join(sorted(missing)) or "none"


def measure_training(options: Options) -> None:
    """Prints seconds per iteration and samples per second of both streams, at several settings."""
    reader = store.Reader(options.store)
    gpu = bool(tf.config.list_physical_devices("GPU"))
    rows = []
    for recipe in _recipes(options):
        for precision in ("float32", "bfloat16"):
            for jit_compile in (False, True):
                setting = dataclasses.replace(recipe, precision=precision)
                rows.append(_time_training(reader, setting, options.seconds, jit_compile, gpu))
    header = ["stream", "precision", "XLA", "s/iteration", "samples/s", "waiting for input",
              "peak memory", "ops without GPU kernel"]  # fmt: skip
    print(f"batch {options.batch_size}, crop {options.crop_size}, width {options.width:g}, "
          f"on {'a GPU' if gpu else f'{os.cpu_count()} CPU cores'}")  # fmt: skip
    print(reports.markdown_table(header, rows))


def _time_training(
    reader: store.Reader, recipe: paper.Recipe, seconds: float, jit_compile: bool, gpu: bool
) -> list[str]:
    model = cnn_m.build(recipe, 101)
    optimizer = steps.make_optimizer(recipe)
    optimizer.build(model.trainable_variables)
    step = tf.function(
        steps.make_step(model, optimizer, recipe, jit_compile=jit_compile), reduce_retracing=True
    )
    batches = iter(inputs.training(reader, _videos(reader), recipe))
    batch = next(batches)
    missing = _without_gpu_kernel(step, batch)
    float(step(batch)[0])  # Warm-up, with compilation.
    if gpu:
        tf.config.experimental.reset_memory_stats("GPU:0")
    waited, count, start = 0.0, 0, time.perf_counter()
    while count < 3 or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - before
        loss = step(batch)[0]
        count += 1
    float(loss)  # Waits for the device.
    took = time.perf_counter() - start
    memory = (
        tf.config.experimental.get_memory_info("GPU:0")["peak"]
        if gpu
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    return [
        recipe.stream, recipe.precision, "yes" if jit_compile else "no", f"{took / count:.3f}",
        f"{recipe.batch_size * count / took:.1f}", f"{100 * waited / took:.0f} %",
        f"{memory / 2**30:.1f} GiB", missing,
    ]  # fmt: skip


MEASUREMENTS = {"inputs": measure_inputs, "training": measure_training}

cli.define(Options)


def main(names: list[str]) -> None:
    """Measures what is named."""
    for name in names:
        if name not in MEASUREMENTS:
            raise ValueError(f"Measure one of {', '.join(MEASUREMENTS)}. Received: {name!r}.")
    for name in names:
        MEASUREMENTS[name](cli.parse(Options))


if __name__ == "__main__":
    cli.run(main, positional=" or ".join(MEASUREMENTS))
