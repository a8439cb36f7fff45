"""Whether the input graph keeps up with the device: whole iterations on batches from a store."""

import functools
import pathlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tf_twostream import inputs, store
from tf_twostream.benchmarks import decoding, iterations
from tf_twostream.benchmarks.gpu import machine, throughput
from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.benchmarks.gpu.setting import Setting
from tf_twostream.inputs import parallel, streams
from tf_twostream.training import devices, steps

PROFILED = 10  # Iterations.


def measure(setting: Setting, *, stream: str) -> Iterator[Finding]:
    """Measures one stream.

    Args:
        setting: The store, and how large the network is.
        stream: "spatial" or "temporal".

    Yields:
        Rows of rates: of the input graph up to each of its stages, of the step on a batch that the
        device has, and of both together, with what limits them. A profile of some iterations is
        written beside.
    """
    size = setting.size
    recipe = setting.recipe(stream)
    reader = store.Reader(setting.store)
    windows = inputs.Windows(reader, decoding.made_up_split(reader).train, recipe)
    rates: dict[str, float] = {}
    for stage, dataset, count in _stages(windows):
        rates[stage] = _rate(iter(dataset), count, size.seconds)
        yield _row(stream, f"input graph: {stage}", rates[stage])
    strategy = devices.make_strategy()
    _, step = iterations.build(recipe, decoding.NUM_CLASSES, strategy)
    batches = devices.distribute(
        strategy, [functools.partial(inputs.training_in_parts, windows)], 0
    )
    batch = next(batches)
    took = throughput.seconds_per_call(lambda: step(batch)[0], size.seconds)
    rates["step"] = recipe.batch_size / took
    yield _row(stream, "step on one batch", rates["step"])
    with _Utilisation() as utilisation:
        both, waiting = _together(step, batches, recipe.batch_size, 2 * size.seconds)
    first = devices.first_replica(batch[0], strategy)
    bytes_per_sample = sum(t.numpy().nbytes for t in first.values()) / recipe.batch_size
    slower = [stage for stage in rates if stage != "step" and rates[stage] < rates["step"]]
    yield _row(
        stream,
        "both together",
        both,
        **{
            "waiting for input": f"{100 * waiting:.0f} %",
            "GPU in use": utilisation.describe(),
            "MB/s to the device": both * bytes_per_sample / 1e6,
            "limit": f"input, from {slower[0]} on" if slower else "the step",
        },
    )
    folder = pathlib.Path(setting.output_dir, "profile", stream)
    tf.profiler.experimental.start(str(folder))
    for number in range(PROFILED):
        with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
            losses = step(next(batches))[0]
    losses.numpy()
    tf.profiler.experimental.stop()


def _stages(windows: inputs.Windows) -> Iterator[tuple[str, tf.data.Dataset, int]]:
    """Yields the input graph up to each stage: its name, the graph, and samples per element."""
    places = streams.draw(windows)
    yield "drawing samples", places, 1
    yield "reading records", places.map(windows.records, num_parallel_calls=parallel.CALLS), 1
    yield "decoding", places.map(windows.read, num_parallel_calls=parallel.CALLS), 1
    yield "batching", inputs.training_in_parts(windows), windows.recipe.batch_size


def _rate(elements: Iterator[Any], count: int, seconds: float) -> float:
    """Returns samples per second, after some that do not count."""
    warm = time.perf_counter() + seconds / 2
    next(elements)
    while time.perf_counter() < warm:
        next(elements)
    done, start = 0, time.perf_counter()
    while not done or time.perf_counter() - start < seconds:
        next(elements)
        done += count
    return done / (time.perf_counter() - start)


def _together(
    step: steps.Step, batches: Iterator[steps.Batches], batch_size: int, seconds: float
) -> tuple[float, float]:
    """Returns samples per second, and the share of the time that passed in waiting for input."""
    step(next(batches))[0].numpy()
    waited, count, start = 0.0, 0, time.perf_counter()
    while count < iterations.FEWEST or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - before
        losses = step(batch)[0]
        # Without it the program would run ahead of the device and wait for no batch.
        losses.numpy()
        count += 1
    took = time.perf_counter() - start
    return batch_size * count / took, waited / took


class _Utilisation:
    """Asks the driver again and again, while its block runs, how busy the first GPU is."""

    def __enter__(self) -> "_Utilisation":
        self._seen: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            answer = machine.ask("utilization.gpu")
            if not answer.isdigit():
                return
            self._seen.append(float(answer))

    def describe(self) -> str:
        """Words the mean; empty where the driver does not answer."""
        return f"{sum(self._seen) / len(self._seen):.0f} %" if self._seen else ""


def _row(stream: str, what: str, rate: float, **more: Any) -> Finding:
    return "Input and step", {"stream": stream, "what": what, "samples/s": rate, **more}
