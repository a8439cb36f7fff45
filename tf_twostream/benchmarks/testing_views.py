"""What testing costs: ten views, whole frames (`dense`) and the centre of the same windows."""

import statistics
import time
from typing import get_args

import numpy as np

from tf_twostream import inputs, models, store
from tf_twostream.benchmarks import decoding
from tf_twostream.evaluation import scoring
from tf_twostream.figures import reports
from tf_twostream.paper import TEST_FRAMES, recipes, testing
from tf_twostream.training import devices

AT_ONCE = 5  # Windows.
FEWEST = 3  # Times that each is measured, however long it takes.
# Videos of its three splits together (ucfTrainTestlist); an SVM learns from those for training.
UCF101 = {"test": 3783 + 3734 + 3696, "training": 9537 + 9586 + 9624}


def measure(reader: store.Reader, recipe: recipes.TowerRecipe, seconds: float) -> str:
    """Measures seconds of processor time that testing takes.

    Args:
        reader: A store; the windows are those of its videos of the commonest size.
        recipe: The network, whose weights are random.
        seconds: How long to measure all of them together, in seconds.

    Returns:
        A line, and a Markdown table: what a window takes, how many times as fast as ten views that
        is, and what the parts of UCF-101 take by this count.
    """
    every = inputs.Windows(reader, decoding.made_up_split(reader).train, recipe)
    sizes, counts = np.unique(every.sizes(), axis=0, return_counts=True)
    frame = sizes[np.argmax(counts)]
    alike = np.flatnonzero((every.sizes() == frame).all(axis=1))
    windows = inputs.Windows(reader, [every.videos[n] for n in alike[:1]], recipe)
    model = models.build(recipe, decoding.NUM_CLASSES)
    twin = models.build(recipe, decoding.NUM_CLASSES, frame=(int(frame[0]), int(frame[1])))
    kinds: tuple[testing.Views, ...] = get_args(testing.Views)
    steps, batches = {}, {}
    for kind in kinds:
        network = models.as_dense(model, twin) if kind == "dense" else model
        steps[kind] = scoring.make_scorer(network, recipe)
        stream = inputs.evaluation(windows, batch_size=AT_ONCE, num_windows=AT_ONCE, kind=kind)
        batches[kind] = next(iter(stream))
        steps[kind](batches[kind]).numpy()  # Traces, which does not count.
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    start = time.perf_counter()
    while len(took[kinds[-1]]) < FEWEST or time.perf_counter() - start < seconds:
        for kind in kinds:  # In turn, so that other work on the machine slows all of them down.
            # Of the processor: time of a machine that others use says less.
            before = time.process_time()
            steps[kind](batches[kind]).numpy()
            took[kind].append((time.process_time() - before) / AT_ONCE)
    rows = []
    for name, values in took.items():
        cost = statistics.median(values)
        faster = statistics.median(ten / own for ten, own in zip(took["ten_views"], values))
        hours = [f"{cost * TEST_FRAMES * count / 3600:,.1f}" for count in UCF101.values()]
        rows.append([name, f"{1000 * cost:.0f}", f"{faster:.2f}", *hours])
    return (
        f"{recipe.stream} stream, width {recipe.width:g}, crop {recipe.crop_size}, frames of "
        f"{frame[1]}x{frame[0]}, on {devices.device_name()}; processor time, and by it core-hours "
        f"of {TEST_FRAMES} windows of each video in the three splits of UCF-101\n"
        + reports.markdown_table(
            ["", "ms per window", "times as fast", *(f"UCF-101, {part}, h" for part in UCF101)],
            rows,
        )
    )
