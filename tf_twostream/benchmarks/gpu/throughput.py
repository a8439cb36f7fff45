"""How fast whole training steps are on a batch that the device has already.

The batch holds the bytes that a store would give, so that making the input counts; reading and
decoding do not (`feeding` adds them).
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from tf_twostream import inputs
from tf_twostream.benchmarks import iterations, made_up
from tf_twostream.benchmarks.gpu import machine
from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.benchmarks.gpu.setting import Setting
from tf_twostream.paper import recipes
from tf_twostream.training import devices

TABLE = "Training steps, without reading and decoding"


def measure(setting: Setting, *, precisions: tuple[str, ...]) -> Iterator[Finding]:
    """Measures both streams in some precisions, without XLA and with it.

    Args:
        setting: How large the networks are.
        precisions: Some of "float32", "TF32" and "bfloat16"; see `agreement.measure`.

    Yields:
        A row for each combination.
    """
    tf.config.experimental.enable_tensor_float_32_execution("TF32" in precisions)
    # What most people will use comes first, for time may run out.
    for jit_compile in (False, True):
        for precision in precisions:
            for stream in ("temporal", "spatial"):
                kept = "bfloat16" if precision == "bfloat16" else "float32"
                recipe = setting.recipe(stream, precision=kept)
                yield TABLE, _largest_that_fits(setting, recipe, precision, jit_compile)


def _largest_that_fits(
    setting: Setting, recipe: recipes.TowerRecipe, precision: str, jit_compile: bool
) -> dict[str, Any]:
    """Measures a batch, or halves of it until the memory suffices."""
    try:
        return _measure(setting, recipe, precision, jit_compile)
    except tf.errors.ResourceExhaustedError:
        if recipe.batch_size == 1:
            raise
        half = dataclasses.replace(recipe, batch_size=recipe.batch_size // 2)
        return _largest_that_fits(setting, half, precision, jit_compile)


def _measure(
    setting: Setting, recipe: recipes.TowerRecipe, precision: str, jit_compile: bool
) -> dict[str, Any]:
    size = setting.size
    strategy = devices.make_strategy()
    model, step = iterations.build(recipe, size.num_classes, strategy, jit_compile=jit_compile)
    batch = made_up.batch(recipe, size.frame, num_classes=size.num_classes)
    if setting.gpu:
        tf.config.experimental.reset_memory_stats("GPU:0")
        with tf.device("GPU:0"):
            batch = {name: tf.identity(value) for name, value in batch.items()}
    start = time.perf_counter()
    step((batch,))[0].numpy()
    first = time.perf_counter() - start
    prepare = tf.function(lambda batch: tf.reduce_max(inputs.prepare(batch, recipe)))
    own = seconds_per_call(lambda: prepare(batch), size.seconds / 2)
    took = seconds_per_call(lambda: step((batch,))[0], size.seconds)
    rate = flops_per_sample(model) * recipe.batch_size / took / 1e12
    row = {
        "stream": recipe.stream,
        "precision": precision,
        "XLA": "yes" if jit_compile else "no",
        "batch": recipe.batch_size,
        "ms": 1000 * took,
        "of it making the input": 1000 * own,
        "samples/s": recipe.batch_size / took,
        "TFLOP/s": rate,
        "first step, s": first,
    }
    if setting.gpu:
        memory = tf.config.experimental.get_memory_info("GPU:0")["peak"]
        peak = machine.peak(precision)
        row["share of the peak"] = f"{100 * rate / peak:.0f} %" if peak else "peak not known"
        row["peak memory, GiB"] = memory / 2**30
    return row


def seconds_per_call(call: Callable[[], tf.Tensor], seconds: float) -> float:
    """Measures how long a call takes, after one that does not count.

    Args:
        call: Returns a tensor that is there when all is done.
        seconds: How long to go on, in seconds; at least `iterations.FEWEST` times.
    """
    call().numpy()
    count, start = 0, time.perf_counter()
    while count < iterations.FEWEST or time.perf_counter() - start < seconds:
        last = call()
        count += 1
    last.numpy()  # A GPU works behind the program, which has to wait for it at the end.
    return (time.perf_counter() - start) / count


def flops_per_sample(model: keras.Model) -> float:
    """Counts the operations of convolutions and products in training, an addition as one.

    A pass forward costs two per weight and place, and so does each of the two passes backward: to
    the weights and, but for the first layer, to the layer before.
    """
    counts = []
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
            places = 1
            for side in layer.output.shape[1:-1]:
                places *= side
            counts.append(2.0 * tf.size(layer.kernel).numpy() * places)
    return 3 * sum(counts) - counts[0]
