"""Flow methods tried on pairs of frames: their fields, and how long they take.

A trial runs in a process of its own (by `workers`), because libraries want to know the number of
threads before they start, and because the first pair's time is that of a fresh process.
"""

import dataclasses
import itertools
import os
import pathlib
import statistics
import time
from collections.abc import Generator, Iterator, Sequence
from typing import cast

import cv2
import numpy as np

from tf_twostream import flow
from tf_twostream.flow import flo

BATCHES = (1, 16, 64)  # Pairs that are solved at once, to see when a GPU is busy.


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two successive frames, as Middlebury's data set has them.

    Attributes:
        scene: Name.
        first: `[H, W]` uint8 grey frame.
        second: The next one.
        truth: `[H, W, 2]` float32, the known displacement of the first frame's pixels, NaN where
            unknown; None if there is none.
    """

    scene: str
    first: np.ndarray
    second: np.ndarray
    truth: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """What a process is to measure.

    Attributes:
        method: A name in `flow.METHODS`.
        frames: The first and the second frame of each pair, `[H, W]` uint8.
        seconds: How long to go on measuring, in seconds.
        threads: Threads that a library may use on the CPU.
        gpu: Whether a method that TensorFlow solves may use a GPU.
    """

    method: str
    frames: Sequence[tuple[np.ndarray, np.ndarray]]
    seconds: float
    threads: int
    gpu: bool = False


@dataclasses.dataclass(frozen=True)
class Times:
    """How long a method takes.

    Attributes:
        first_pair: Seconds from the call to the first field, without imports.
        per_pair: Seconds per pair afterwards: medians over repetitions, averaged over the pairs.
    """

    first_pair: float
    per_pair: float


@dataclasses.dataclass(frozen=True)
class Rate:
    """How fast a method solves batches of pairs.

    Attributes:
        pairs_per_second: From uint8 frames in memory to fields in memory.
        peak_memory: Of the GPU in bytes; 0 on a CPU.
    """

    pairs_per_second: float
    peak_memory: int


def read_pairs(folder: str | os.PathLike[str]) -> list[Pair]:
    """Reads FOLDER/SCENE/frame10.png, frame11.png and, where there is one, flow10.flo.

    Args:
        folder: Each folder in it is a scene.

    Returns:
        The pairs in order of their scenes' names; colours are turned to grey.

    Raises:
        FileNotFoundError: If the folder or a frame is missing.
        ValueError: If there is no scene, a file is damaged, or sizes within a scene differ.
    """
    root = pathlib.Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(
            f"Pairs must lie in folders, SCENE/frame10.png. Received: {folder}."
        )
    scenes = sorted(path for path in root.iterdir() if path.is_dir())
    if not scenes:
        rule = "Pairs must be SCENE/frame10.png and SCENE/frame11.png"
        raise ValueError(f"{rule}. Received: no scene in {folder}.")
    return [_read_pair(path) for path in scenes]


def _read_pair(scene: pathlib.Path) -> Pair:
    first, second = (_read_grey(scene / f"frame{number}.png") for number in (10, 11))
    known = scene / "flow10.flo"
    truth = flo.read_flo(known) if known.is_file() else None
    sizes = [first.shape, second.shape, *([] if truth is None else [truth.shape[:2]])]
    if len(set(sizes)) > 1:
        given = " and ".join(f"{width}x{height}" for height, width in sizes)
        rule = "The frames of a scene and their flow must be of one size"
        raise ValueError(f"{rule}. Received: {given} in {scene}.")
    return Pair(scene.name, first, second, truth)


def _read_grey(path: pathlib.Path) -> np.ndarray:
    # Not by `imread`, which answers a missing file and a damaged one alike, with None.
    content = np.frombuffer(path.read_bytes(), np.uint8)
    frame = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
    if frame is None:
        raise ValueError(f"A frame must be a picture. Received: {path}, which does not decode.")
    return frame


def run(trial: Trial) -> Generator[np.ndarray, None, Times]:
    """Measures a method in this process, which must not have used TensorFlow before.

    Args:
        trial: What to measure.

    Yields:
        The field of each pair, `[H, W, 2]` float32 in pixels.

    Returns:
        The times.
    """
    _prepare(trial)
    return (yield from measure(trial.method, trial.frames, seconds=trial.seconds))


def run_batches(trial: Trial) -> Generator[Rate, None, None]:
    """Measures batches of the first pair as `run` does; yields a rate for each of `BATCHES`."""
    _prepare(trial)
    for batch in BATCHES:
        yield measure_batch(trial.method, trial.frames[0], batch=batch, seconds=trial.seconds)


def _prepare(trial: Trial) -> None:
    """Tells the libraries how many threads they may use, and TensorFlow which devices."""
    cv2.setNumThreads(trial.threads)
    if flow.METHODS[trial.method].solver:
        # Without the cache of compiled code, that a first pair takes as long as on a new machine.
        os.environ.pop("TF_XLA_FLAGS", None)
        import tensorflow as tf  # Only here: OpenCV's trials do not wait for it.

        tf.config.threading.set_intra_op_parallelism_threads(trial.threads)
        tf.config.threading.set_inter_op_parallelism_threads(trial.threads)
        if not trial.gpu:
            tf.config.set_visible_devices([], "GPU")


def measure(
    method: str, pairs: Sequence[tuple[np.ndarray, np.ndarray]], *, seconds: float
) -> Generator[np.ndarray, None, Times]:
    """Measures a method on pairs of frames.

    Args:
        method: A name in `flow.METHODS`.
        pairs: First and second frames, `[H, W]` uint8.
        seconds: How long to go on, in seconds; at least once more after each pair's first time.

    Yields:
        The field of each pair, `[H, W, 2]` float32 in pixels.

    Returns:
        The times.
    """
    # Back and forth between the frames of a pair, so that a video of it never ends.
    videos = [flow.fields(itertools.cycle(pair), method=method) for pair in pairs]
    first_pair = 0.0
    for video in videos:
        field, took = _timed(video)
        first_pair = first_pair or took
        yield field
    times: list[list[float]] = [[] for _ in videos]
    # In turn, so that other work on the machine slows all pairs down alike.
    start = time.perf_counter()
    while not times[0] or time.perf_counter() - start < seconds:
        for video, own in zip(videos, times):
            own.append(_timed(video)[1])
    return Times(first_pair, statistics.mean(map(statistics.median, times)))


def _timed(video: Iterator[np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    return next(video), time.perf_counter() - start


def measure_batch(
    method: str, pair: tuple[np.ndarray, np.ndarray], *, batch: int, seconds: float
) -> Rate:
    """Measures how fast batches are solved, in TensorFlow, on the first GPU if it is visible.

    Args:
        method: The name of a method that TensorFlow solves.
        pair: First and second frame, `[H, W]` uint8; the batch goes back and forth between them.
        batch: Pairs that are solved at once.
        seconds: How long to go on, in seconds; at least three batches after the first.

    Returns:
        The rate, and the peak memory.
    """
    import tensorflow as tf

    from tf_twostream.flow import brox

    has_gpu = bool(tf.config.list_logical_devices("GPU"))
    if has_gpu:
        tf.config.experimental.reset_memory_stats("GPU:0")
    solver = cast(brox.Parameters, flow.METHODS[method].solver)
    fields = brox.fields(itertools.cycle(pair), parameters=solver, pairs_per_call=batch)
    next(itertools.islice(fields, batch - 1, None))  # Compiles.
    count, start = 0, time.perf_counter()
    while count < 3 or time.perf_counter() - start < seconds:
        next(itertools.islice(fields, batch - 1, None))
        count += 1
    took = time.perf_counter() - start
    peak = tf.config.experimental.get_memory_info("GPU:0")["peak"] if has_gpu else 0
    return Rate(count * batch / took, peak)
