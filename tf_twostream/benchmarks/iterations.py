"""How long whole iterations of a training take, with the real input graph."""

import functools
import resource
import time
from collections.abc import Iterator

import keras
import tensorflow as tf

from tf_twostream import inputs, models, store
from tf_twostream.benchmarks import decoding, placement
from tf_twostream.figures import reports
from tf_twostream.paper import recipes
from tf_twostream.training import devices, steps

FEWEST = 3  # Iterations to measure, however long they take.
HEADER = ("s/iteration", "samples/s", "waiting for input", "peak memory", "first iteration")


def measure(
    reader: store.Reader,
    recipe: recipes.TowerRecipe,
    *,
    chunk_size: int = 0,
    jit_compile: bool = False,
    seconds: float,
) -> str:
    """Measures seconds per iteration, samples per second, waiting time and peak memory.

    Args:
        reader: The store.
        recipe: The network.
        chunk_size: Samples that a device holds at once; 0 for all.
        jit_compile: Whether to compile the network with XLA.
        seconds: How long to measure, in seconds.

    Returns:
        A line that names the setting, and a Markdown table.
    """
    strategy = devices.make_strategy()
    _, step = build(
        recipe, decoding.NUM_CLASSES, strategy, chunk_size=chunk_size, jit_compile=jit_compile
    )
    windows = inputs.Windows(reader, decoding.made_up_split(reader).train, recipe)
    stream = devices.distribute(strategy, [functools.partial(inputs.training_in_parts, windows)], 0)
    batch = devices.first_replica(next(stream)[0], strategy)
    traced = tf.function(lambda x: inputs.prepare(x, recipe)).get_concrete_function(batch)
    row = _time(step, stream, recipe.batch_size, seconds)
    return (
        f"{recipe.stream} stream, batch {recipe.batch_size}, chunks of "
        f"{chunk_size or recipe.batch_size}, crop {recipe.crop_size}, width {recipe.width:g}, "
        f"{recipe.precision}, {'with' if jit_compile else 'without'} XLA, on "
        f"{strategy.num_replicas_in_sync} {devices.device_name()}; ops of the input without "
        f"GPU kernel: {placement.ops_without_gpu_kernel(traced) or 'none'}\n"
        + reports.markdown_table(HEADER, [row])
    )


def build(
    recipe: recipes.TowerRecipe,
    num_classes: int,
    strategy: tf.distribute.Strategy,
    *,
    chunk_size: int = 0,
    jit_compile: bool = False,
) -> tuple[keras.Model, steps.Step]:
    """Builds a network and its training step on the devices of a strategy.

    Args:
        recipe: The recipe of the network.
        num_classes: K.
        strategy: The devices.
        chunk_size: As for `measure`.
        jit_compile: As for `measure`.
    """
    with strategy.scope():  # Only weights that are made here have a copy on each device.
        model = models.build(recipe, num_classes)
        variables = model.trainable_variables
        optimizer = steps.make_optimizer(recipe, variables)
    replica_step = steps.make_step(
        [steps.Head(model, recipe.batch_size)],
        variables,
        optimizer,
        recipe,
        chunk_size=chunk_size,
        jit_compile=jit_compile,
    )
    return model, steps.on_all_replicas(replica_step, strategy)


def _time(
    step: steps.Step, stream: Iterator[steps.Batches], batch_size: int, seconds: float
) -> list[str]:
    """Times iterations and returns the cells of the table."""
    batches = next(stream)
    start = time.perf_counter()
    step(batches)[0].numpy()  # Traces and, with XLA, compiles, which a training pays once.
    first = time.perf_counter() - start
    waited, count, start = 0.0, 0, time.perf_counter()
    while count < FEWEST or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        batches = next(stream)
        waited += time.perf_counter() - before
        losses = step(batches)[0]
        count += 1
    losses.numpy()  # A GPU works behind the program, which has to wait for it at the end.
    took = time.perf_counter() - start
    return [
        f"{took / count:.3f}",
        f"{batch_size * count / took:.1f}",
        f"{100 * waited / took:.0f} %",
        f"{_peak_memory() / 2**30:.1f} GiB",
        f"{first:.1f} s",
    ]


def _peak_memory() -> int:
    """Returns the bytes of the first GPU, or of this process on a CPU."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB.
