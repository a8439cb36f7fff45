"""How fast Brox's flow is solved."""

import time
from collections.abc import Iterator
from typing import cast

import cv2
import tensorflow as tf

from tf_twostream import flow
from tf_twostream.benchmarks import trials
from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.benchmarks.gpu.setting import Setting
from tf_twostream.flow import brox


def measure(setting: Setting, *, method: str) -> Iterator[Finding]:
    """Measures one method on the first pair.

    Args:
        setting: The pairs, and the size to which they are rescaled.
        method: A name in `flow.METHODS` that TensorFlow solves.

    Yields:
        A row for the first pair of a process, compiling included, and one for each batch.
    """
    pair = trials.read_pairs(setting.pairs)[0]
    first, second = (
        cv2.resize(frame, setting.size.frame[::-1], interpolation=cv2.INTER_AREA)
        for frame in (pair.first, pair.second)
    )
    solver = cast(brox.Parameters, flow.METHODS[method].solver)
    start = time.perf_counter()
    next(brox.fields([first, second], parameters=solver))
    table = f"Flow of pairs of {first.shape[1]}x{first.shape[0]}"
    yield table, {"method": method, "batch": "first pair", "s": time.perf_counter() - start}
    for batch in setting.size.pairs_at_once:
        try:
            rate = trials.measure_batch(
                method, (first, second), batch=batch, seconds=setting.size.seconds
            )
        except tf.errors.ResourceExhaustedError:
            yield table, {"method": method, "batch": f"{batch}: no memory"}
            return
        row = {"method": method, "batch": batch, "pairs/s": rate.pairs_per_second}
        if setting.gpu:
            row["peak memory, GiB"] = rate.peak_memory / 2**30
        yield table, row
