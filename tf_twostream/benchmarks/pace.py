"""How long the training and the testing of a network take, from a few steps of each."""

import dataclasses
import functools
import statistics
import time

import keras
import tensorflow as tf

from tf_twostream import inputs, store
from tf_twostream.benchmarks import decoding, iterations
from tf_twostream.evaluation import scoring
from tf_twostream.models import counting
from tf_twostream.paper import recipes, testing
from tf_twostream.training import devices

MOST_SAMPLES = 16  # In an iteration that is measured on a CPU, where time grows with the batch.
ITERATIONS = 3  # That are measured, after the first one.
AT_ONCE = 5  # Frames, or volumes, that are tested at once.


@dataclasses.dataclass(frozen=True)
class Pace:
    """Seconds that a network takes.

    Attributes:
        iteration: Of one iteration of the training.
        window: Of testing one frame, or volume, in all its views.
        start: Until the first iteration is done.
        weights: Their number.
    """

    iteration: float
    window: float
    start: float
    weights: int


def measure(
    reader: store.Reader,
    recipe: recipes.TowerRecipe,
    protocol: testing.Testing,
    *,
    num_classes: int,
) -> Pace:
    """Trains and tests a network of random weights for a moment, with the real input graph.

    Args:
        reader: A store with a few videos, which need not have labels.
        recipe: The network and its training.
        protocol: How it is tested.
        num_classes: K.
    """
    begun = time.perf_counter()
    strategy = devices.make_strategy()
    on_cpu = not tf.config.list_physical_devices("GPU")
    batch_size = min(recipe.batch_size, MOST_SAMPLES) if on_cpu else recipe.batch_size
    # A fixed batch size, in whole samples for each device.
    batch_size = max(batch_size // strategy.num_replicas_in_sync, 1) * strategy.num_replicas_in_sync
    measured = dataclasses.replace(recipe, batch_size=batch_size)
    model, step = iterations.build(measured, num_classes, strategy)
    videos = decoding.made_up_split(reader, num_classes).train
    windows = inputs.Windows(reader, videos, measured)
    stream = devices.distribute(strategy, [functools.partial(inputs.training_in_parts, windows)], 0)
    step(next(stream))[0].numpy()
    start = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(ITERATIONS):
        losses = step(next(stream))[0]
    losses.numpy()  # A GPU works behind the program.
    iteration = (time.perf_counter() - begun) / ITERATIONS * recipe.batch_size / batch_size

    return Pace(iteration, _test(model, windows, protocol), start, counting.parameters(model))


def _test(model: keras.Model, windows: inputs.Windows, protocol: testing.Testing) -> float:
    """Returns the seconds that testing one window takes."""
    own = protocol.of(windows.recipe)
    # A network for whole frames is built anew for each of their sizes, and takes less than this.
    kind: testing.Views = "ten_views" if own.views == "dense" else own.views
    scorer = scoring.make_scorer(model, windows.recipe)
    stream = inputs.evaluation(windows, batch_size=AT_ONCE, num_windows=AT_ONCE, kind=kind)
    seconds = []
    begun = 0.0
    for batch in stream.take(1 + ITERATIONS):
        scorer(batch).numpy()
        seconds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    return statistics.median(seconds[1:]) / AT_ONCE
