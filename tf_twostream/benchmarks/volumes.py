"""What each input configuration (Sect. 3.1) costs on the device, on made-up fields of 341x256."""

import dataclasses
import functools
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Literal

import tensorflow as tf

from tf_twostream import inputs, paper
from tf_twostream.benchmarks import made_up
from tf_twostream.figures import reports
from tf_twostream.paper import recipes
from tf_twostream.training import devices

SIZE = (256, 341)  # Pixels, height and width: those of UCF-101, rescaled as in the paper.
STACKINGS: tuple[Literal["flow", "trajectory"], ...] = ("flow", "trajectory")
KINDS = tuple(itertools.product(STACKINGS, (False, True)))  # Whether in both directions.


def measure(recipe: recipes.TemporalRecipe, seconds: float) -> str:
    """Measures the milliseconds that a volume takes to be made, by stacking and direction.

    Args:
        recipe: Its L, its batch size and its crop count.
        seconds: How long to measure for each number of views, in seconds.

    Returns:
        A line, and a Markdown table.
    """
    rows = []
    for num_views in (1, paper.TEST_VIEWS):  # As in training, and as in testing.
        times = _measure(recipe, made_up.batch(recipe, SIZE, num_views=num_views), seconds)
        cells = [f"{1e3 * statistics.median(took) / recipe.batch_size:.1f}" for took in times]
        rows.append([f"{num_views}", *cells])
    names = [f"{kind}{', bi-directional' if both else ''}" for kind, both in KINDS]
    return (
        f"ms per volume on {devices.device_name()}: L = {recipe.stack_length}, "
        f"{SIZE[1]}x{SIZE[0]}, crop {recipe.crop_size}, batch {recipe.batch_size}\n"
        + reports.markdown_table(["views", *names], rows)
    )


def _measure(
    recipe: recipes.TemporalRecipe, batch: inputs.Element, seconds: float
) -> list[list[float]]:
    """Returns the seconds of each call, by kind."""
    steps: list[Callable[[inputs.Element], tf.Tensor]] = []
    for stacking, both in KINDS:
        own = dataclasses.replace(recipe, stacking=stacking, bidirectional=both)
        steps.append(tf.function(functools.partial(inputs.prepare, recipe=own)))
        steps[-1](batch)  # Traces, which does not count.
    times: list[list[float]] = [[] for _ in steps]
    while sum(map(sum, times)) < seconds:
        for step, took in zip(steps, times):  # In turn, since machines are noisy.
            start = time.perf_counter()
            # A single number: it waits for the device, and copying all of them would count.
            step(batch)[0, 0, 0, 0].numpy()
            took.append(time.perf_counter() - start)
    return times
