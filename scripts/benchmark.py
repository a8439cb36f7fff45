"""Measures what the project claims about its speed.

    python scripts/benchmark.py inputs --store=stores/ucf101
    python scripts/benchmark.py training --store=stores/ucf101 --stream=temporal --batch_size=256
    python scripts/benchmark.py flow --pairs=middlebury --pictures=pictures
    python scripts/benchmark.py volumes --batch_size=8

`inputs` compares the real input graph of the temporal stream with the raw limit of the machine:
bare loops that decode the same JPEG images, from memory, on the same cores, once with OpenCV and
once with TensorFlow's decoder. `training` times whole iterations, at one setting per call so that
peak memory is that setting's own. `flow` compares flow methods on pairs of frames: their errors,
their times on one thread, on all and, for those in TensorFlow, on a GPU if there is one. `volumes`
times what each input configuration (Sect. 3.1) costs on the device, on made-up fields of 341x256.
"""

import concurrent.futures
import dataclasses
import itertools
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import tensorflow as tf

from tf_twostream import cli, datasets, flow, inputs, paper, runs, store, training
from tf_twostream.benchmarks import flow_comparison, placement, trials
from tf_twostream.figures import reports
from tf_twostream.processes import workers  # fmt: skip
from tf_twostream.training import devices

ROUNDS = 5
NUM_CLASSES = 101
CORES = workers.count_cores()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure on, and which setting."""

    store: str = cli.knob("", "inputs, training: store written by data_tools/precompute_flow.py.")
    seconds: float = cli.knob(20.0, "Seconds to measure each of the things compared.")
    stream: Literal["spatial", "temporal"] = cli.knob("temporal", "Stream to train.")
    batch_size: int = cli.knob(64, "Samples per batch.")
    chunk_size: int = cli.knob(0, "Samples a device holds at once; 0: all.")
    stack_length: int = cli.knob(paper.STACK_LENGTH, "L, fields per stack.")
    crop_size: int = cli.knob(paper.CROP_SIZE, "Side of the network's input in pixels.")
    width: float = cli.knob(1.0, "Factor on the channels of the network.")
    precision: Literal["float32", "bfloat16"] = cli.knob("float32", "Arithmetic of the network.")
    jit_compile: bool = cli.knob(False, "Compile the network with XLA.")
    pairs: str = cli.knob(
        "", "flow: folder of SCENE/frame10.png, frame11.png and, if known, flow10.flo."
    )
    methods: tuple[str, ...] = cli.knob(flow_comparison.METHODS, "flow: methods to compare.")
    pictures: str = cli.knob(
        "", "flow: folder for SCENE/METHOD.png, the field beside the known one, and METHOD.flo."
    )


def _recipe(options: Options, stream: str) -> paper.Recipe:
    knobs: Any = {
        name: getattr(options, name) for name in ("batch_size", "crop_size", "width", "precision")
    }
    if stream == "spatial":
        return paper.SpatialRecipe(**knobs)
    return paper.TemporalRecipe(stack_length=options.stack_length, **knobs)


def _reader(options: Options) -> store.Reader:
    if not options.store:
        raise ValueError("`inputs` and `training` need a store. Received: no --store=DIR.")
    return store.Reader(options.store)


def _split(reader: store.Reader) -> datasets.Split:
    """All videos of a store, with made-up labels of as many classes as UCF-101 has."""
    ids = enumerate(reader.video_ids)
    videos = tuple(datasets.Video(video_id, n % NUM_CLASSES) for n, video_id in ids)
    return datasets.Split("benchmark", tuple(map(str, range(NUM_CLASSES))), videos, ())


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


def _loop_of_opencv(stacks: list[list[bytes]]) -> Iterator[int]:
    """Decodes stacks for ever, one thread per core; yields how many were decoded."""
    chunks = [stacks[n::CORES] for n in range(CORES)]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        while True:
            list(pool.map(_decode, chunks))
            yield len(stacks)


def _loop_of_tensorflow(stacks: list[list[bytes]]) -> Iterator[int]:
    """The same with TensorFlow's decoder, which is what an input graph has."""
    images = tf.data.Dataset.from_tensor_slices(list(itertools.chain.from_iterable(stacks)))
    decoded = images.repeat().map(
        lambda jpeg: tf.shape(tf.io.decode_jpeg(jpeg, channels=1, dct_method="INTEGER_ACCURATE")),
        num_parallel_calls=CORES,
    )
    total = sum(map(len, stacks))
    for _ in decoded.batch(total):
        yield len(stacks)


def _graph(reader: store.Reader, recipe: paper.Recipe) -> Iterator[int]:
    """Draws batches for ever."""
    for _ in inputs.training(reader, _split(reader).train, recipe):
        yield recipe.batch_size


def measure_inputs(options: Options) -> None:
    """Prints stacks per second of the input graph, of bare decoding, and their ratio."""
    reader = _reader(options)
    stacks = _stacks(reader, 64, options.stack_length)
    size = statistics.mean(len(jpeg) for stack in stacks for jpeg in stack)
    cv2.setNumThreads(1)
    contenders = {
        "input graph": _graph(reader, _recipe(options, "temporal")),
        "bare loop of OpenCV": _loop_of_opencv(stacks),
        "bare loop of TensorFlow": _loop_of_tensorflow(stacks),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):  # In turn, so that a noisy machine is noisy to all.
        for name, work in contenders.items():
            _rate(work, 2.0)  # Warm-up; also uses up what was prefetched while the others ran.
            rates[name].append(_rate(work, options.seconds / ROUNDS))
    print(
        f"stacks of {options.stack_length} fields, {size:,.0f} bytes each, {CORES} cores, "
        f"medians of {ROUNDS} rounds"
    )
    rows = []
    for name, values in rates.items():
        ratio = statistics.median(own / other for own, other in zip(rates["input graph"], values))
        rows.append([name, f"{statistics.median(values):.0f}", f"{ratio:.2f}"])
    print(reports.markdown_table(["", "stacks/s", "input graph against it"], rows))


def measure_training(options: Options) -> None:
    """Prints seconds per iteration, samples per second, waiting time and peak memory."""
    reader = _reader(options)
    recipe = _recipe(options, options.stream)
    with tempfile.TemporaryDirectory() as folder:
        run = runs.Run(Path(folder), recipe, _split(reader), reader.settings)
        loop = training.Loop(
            run_dir=folder,
            store=options.store,
            chunk_size=options.chunk_size,
            jit_compile=options.jit_compile,
        )
        trainer = training.make_trainer(run, loop, devices.make_strategy())
        stream = training.batches(trainer, [reader])
        batch = next(stream)
        traced = tf.function(lambda x: inputs.prepare(x, recipe)).get_concrete_function(batch)
        start = time.perf_counter()
        trainer.step(batch)[0].numpy()
        compiled = time.perf_counter() - start
        waited, count, start = 0.0, 0, time.perf_counter()
        while count < 3 or time.perf_counter() - start < options.seconds:
            before = time.perf_counter()
            batch = next(stream)
            waited += time.perf_counter() - before
            loss = trainer.step(batch)[0]
            count += 1
        loss.numpy()  # Waits for the device.
        took = time.perf_counter() - start
    row = [
        f"{took / count:.3f}", f"{options.batch_size * count / took:.1f}",
        f"{100 * waited / took:.0f} %", f"{_peak_memory() / 2**30:.1f} GiB", f"{compiled:.1f} s",
    ]  # fmt: skip
    print(f"{options.stream} stream, batch {options.batch_size}, chunks of "
          f"{options.chunk_size or options.batch_size}, crop {options.crop_size}, width "
          f"{options.width:g}, {options.precision}, {'with' if options.jit_compile else 'without'} "
          f"XLA, on {trainer.strategy.num_replicas_in_sync} {devices.kind()}; ops of the input "
          f"without GPU kernel: {placement.ops_without_gpu_kernel(traced) or 'none'}")  # fmt: skip
    header = ["s/iteration", "samples/s", "waiting for input", "peak memory", "first iteration"]
    print(reports.markdown_table(header, [row]))


def measure_flow(options: Options) -> None:
    """Prints errors and times of flow methods on pairs of frames, and draws their fields."""
    if not options.pairs:
        raise ValueError("`flow` needs pairs of frames. Received: no --pairs=DIR.")
    pairs = trials.read_pairs(options.pairs)
    sizes = sorted({f"{pair.first.shape[1]}x{pair.first.shape[0]}" for pair in pairs})
    print(f"{len(pairs)} pairs of {', '.join(sizes)}: end-point error (px) / angular error (deg), "
          "warping error (grey levels), time of a process's first pair and later ones")  # fmt: skip
    print(flow_comparison.compare(
        pairs, options.methods, seconds=options.seconds, pictures=options.pictures
    ))  # fmt: skip
    solved = [method for method in options.methods if method in flow.SOLVED]
    if solved and tf.config.list_physical_devices("GPU"):
        print(f"{devices.kind()} at {'x'.join(map(str, flow_comparison.SIZE))}: pairs/s (peak "
              "memory) by pairs per batch, distance from the fields of the CPU")  # fmt: skip
        print(flow_comparison.compare_with_gpu(pairs, solved, seconds=options.seconds))


def _made_up_batch(options: Options, num_views: int) -> inputs.Element:
    """A batch of smooth motion at 341x256, as `inputs` yields them."""
    rng = np.random.default_rng(0)
    (height, width), count, length = (256, 341), options.batch_size, options.stack_length
    y, x = np.mgrid[:height, :width] / 100
    phase = rng.uniform(0, 6, (count, length, 2, 1, 1))
    rest = [height - options.crop_size + 1, width - options.crop_size + 1, 2]
    return {
        "codes": tf.constant((127.5 + 127 * np.sin(x + y + phase)).astype(np.uint8)),
        "ranges": tf.tile(tf.constant([[[[-8.0, 8.0]]]]), [count, length, 2, 1]),
        "means": tf.zeros([count, length, 2]),
        "size": tf.constant([[height, width]] * count),
        "views": tf.constant(rng.integers(0, rest, (count, num_views, 3)), tf.int32),
    }


def measure_volumes(options: Options) -> None:
    """Prints the milliseconds that a volume takes to be made, by stacking and direction."""
    kinds = list(itertools.product(("flow", "trajectory"), (False, True)))
    rows = []
    for num_views in (1, paper.TEST_VIEWS):
        batch = _made_up_batch(options, num_views)
        steps = []
        for stacking, bidirectional in kinds:
            recipe = dataclasses.replace(
                _recipe(options, "temporal"), stacking=stacking, bidirectional=bidirectional
            )  # type: ignore[call-arg]
            steps.append(tf.function(lambda batch, r=recipe: inputs.prepare(batch, r)))
            steps[-1](batch)
        times: list[list[float]] = [[] for _ in steps]
        while sum(map(sum, times)) < options.seconds:
            for step, took in zip(steps, times):  # In turn, since machines are noisy.
                start = time.perf_counter()
                step(batch)[0, 0, 0, 0].numpy()
                took.append(time.perf_counter() - start)
        cells = [f"{1e3 * statistics.median(took) / options.batch_size:.1f}" for took in times]
        rows.append([f"{num_views}", *cells])
    print(f"ms per volume on {devices.kind()}: L = {options.stack_length}, 341x256, crop "
          f"{options.crop_size}, batch {options.batch_size}")  # fmt: skip
    names = [f"{kind}{', bi-directional' if both else ''}" for kind, both in kinds]
    print(reports.markdown_table(["views", *names], rows))


def _peak_memory() -> int:
    """Bytes, of the first GPU, or of this process on a CPU."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


MEASUREMENTS = {
    "inputs": measure_inputs,
    "training": measure_training,
    "flow": measure_flow,
    "volumes": measure_volumes,
}

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
