"""Compares flow methods on pairs of frames: tables of errors and times, pictures of fields."""

import dataclasses
import pathlib
import statistics
from collections.abc import Callable, Generator, Sequence
from typing import Any

import cv2
import numpy as np

from tf_twostream import flow
from tf_twostream.benchmarks import trials
from tf_twostream.figures import pictures, reports
from tf_twostream.flow import color, errors, flo
from tf_twostream.processes import printing, workers

MAX_SILENCE = 3600.0  # Seconds between two fields of a method; there may be a compilation.
SIZE = (341, 256)  # Pixels, width and height, at which a GPU is tried: UCF-101's, as in the paper.


def measure(folder: str, methods: Sequence[str], *, seconds: float, output_dir: str = "") -> str:
    """Measures errors and times of flow methods on pairs of frames, and draws their fields.

    Args:
        folder: The pairs, see `trials.read_pairs`.
        methods: Names in `flow.METHODS`; those that TensorFlow solves are tried on a GPU, too.
        seconds: How long to measure each of them, in seconds.
        output_dir: Folder for the fields, see `compare`; empty for none.

    Returns:
        Lines, and Markdown tables.

    Raises:
        FileNotFoundError: If the folder or a frame is missing.
        ValueError: If there is no such method, or a file is damaged.
        ChildProcessError: If a method fails.
    """
    import tensorflow as tf  # Only to ask for a GPU: methods are tried in other processes.

    pairs = trials.read_pairs(folder)
    sizes = sorted({f"{pair.first.shape[1]}x{pair.first.shape[0]}" for pair in pairs})
    text = (
        f"{printing.count(len(pairs), 'pair')} of {', '.join(sizes)}: "
        "end-point error (px) / angular error (deg), "
        "warping error (grey levels), time of a process's first pair and later ones\n"
        + compare(pairs, methods, seconds=seconds, output_dir=output_dir)
    )
    solved = [method for method in methods if flow.METHODS[method].solver]
    if solved and (gpus := tf.config.list_physical_devices("GPU")):
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
        text += (
            f"\n{name} at {'x'.join(map(str, SIZE))}: pairs/s (peak memory) by pairs per batch, "
            "distance from the fields of the CPU\n"
            + compare_with_gpu(pairs, solved, seconds=seconds)
        )
    return text


def compare(
    pairs: Sequence[trials.Pair], methods: Sequence[str], *, seconds: float, output_dir: str = ""
) -> str:
    """Tries methods on the CPU, on one thread and on all.

    Args:
        pairs: The pairs of frames.
        methods: Names in `flow.METHODS`.
        seconds: How long to measure each method's time, for each number of threads, in seconds.
        output_dir: Folder for SCENE/METHOD.png, the field (left) and the known one in one scale of
            colours, and for SCENE/METHOD.flo; empty for none.

    Returns:
        A Markdown table: a row per method, with the errors of each scene whose flow is known as
        "end-point / angular" and their mean, the mean warping error, and the times.

    Raises:
        ValueError: If there is no such method.
        ChildProcessError: If a method fails.
    """
    for method in methods:
        flow.parameters(method)  # Refuses an unknown one before hours are spent on the others.
    frames = [(pair.first, pair.second) for pair in pairs]
    cores = workers.count_cores()
    # A method must beat the guess that nothing moves.
    rest = [np.zeros((*pair.first.shape, 2), np.float32) for pair in pairs]
    rows = [["no flow", *_error_cells(pairs, rest), "", "", ""]]
    for method in methods:
        trial = trials.Trial(method=method, frames=frames, seconds=seconds, threads=1)
        *fields, alone = _run(trials.run, trial)
        *_, together = _run(trials.run, dataclasses.replace(trial, threads=cores))
        times = [f"{1000 * times.per_pair:.1f}" for times in (alone, together)]
        rows.append([method, *_error_cells(pairs, fields), f"{alone.first_pair:.2f}", *times])
        if output_dir:
            _draw(pairs, fields, method, pathlib.Path(output_dir))
    known = [pair.scene for pair in pairs if pair.truth is not None]
    header = ["", *known, *(["mean"] if known else []), "warping error", "first pair, s"]
    return reports.markdown_table([*header, "1 thread, ms", f"{cores} threads, ms"], rows)


def compare_with_gpu(
    pairs: Sequence[trials.Pair], methods: Sequence[str], *, seconds: float
) -> str:
    """Tries methods on the GPU, at `SIZE`, and how far their fields are from those of the CPU.

    Args:
        pairs: The pairs of frames; they are rescaled.
        methods: Names of methods that TensorFlow solves.
        seconds: How long to measure each rate, in seconds.

    Returns:
        A Markdown table: a row per method, with the pairs/s (and the GPU's peak memory) for each
        number of pairs in `trials.BATCHES`.

    Raises:
        ChildProcessError: If a method fails.
    """
    # One size: each shape is compiled anew, and the distances are taken over all pairs at once.
    frames = [(_rescaled(pair.first), _rescaled(pair.second)) for pair in pairs]
    cores, rows = workers.count_cores(), []
    for method in methods:
        on_cpu = trials.Trial(method=method, frames=frames, seconds=0, threads=cores)
        on_gpu = dataclasses.replace(on_cpu, gpu=True)
        *expected, _ = _run(trials.run, on_cpu)
        *fields, times = _run(trials.run, on_gpu)
        *rates, _ = _run(trials.run_batches, dataclasses.replace(on_gpu, seconds=seconds))
        distance = np.linalg.norm(np.subtract(fields, expected), axis=-1)
        cells = [f"{r.pairs_per_second:.0f} ({r.peak_memory / 2**30:.2f} GiB)" for r in rates]
        distances = [f"{np.max(distance):.4f}", f"{np.mean(distance):.5f}"]
        rows.append([method, f"{times.first_pair:.1f}", *cells, *distances])
    batches = [f"batch {batch}, pairs/s" for batch in trials.BATCHES]
    header = ["", "first pair, s", *batches, "largest distance, px", "mean distance, px"]
    return reports.markdown_table(header, rows)


def _run(
    function: Callable[[trials.Trial], Generator[Any, None, Any]], trial: trials.Trial
) -> list[Any]:
    """Lists what a trial yields in a process of its own and, last, what it returns."""
    values = []
    for _, event in workers.run(function, [trial], num_workers=1, timeout=MAX_SILENCE):
        if isinstance(event, workers.Failed):
            raise ChildProcessError(f"{trial.method} could not be tried: {event.reason}.")
        if isinstance(event, (workers.Piece, workers.Done)):
            values.append(event.value)
    return values


def _error_cells(pairs: Sequence[trials.Pair], fields: Sequence[np.ndarray]) -> list[str]:
    """Words the errors of each scene with truth, their mean, and the mean warping error of all."""
    found = [
        (errors.end_point_error(field, pair.truth), errors.angular_error(field, pair.truth))
        for pair, field in zip(pairs, fields)
        if pair.truth is not None
    ]
    if found:
        found.append(tuple(np.mean(found, axis=0)))
    warping = statistics.mean(
        errors.warping_error(pair.first, pair.second, field) for pair, field in zip(pairs, fields)
    )
    return [*(f"{pixels:.3f} / {degrees:.2f}" for pixels, degrees in found), f"{warping:.3f}"]


def _draw(
    pairs: Sequence[trials.Pair], fields: Sequence[np.ndarray], method: str, folder: pathlib.Path
) -> None:
    """Writes fields and their pictures."""
    for pair, field in zip(pairs, fields):
        shown, longest = [field], None
        if pair.truth is not None:
            shown.append(pair.truth)
            # One scale for both, the known field's, or a field twice too long would look right;
            # what is longer than all of that is painted darker.
            longest = np.nanmax(np.linalg.norm(pair.truth, axis=2)) or None
        picture = np.hstack([color.colorize(part, longest) for part in shown])
        path = folder / pair.scene / method
        pictures.write_png(path.with_suffix(".png"), picture)
        flo.write_flo(path.with_suffix(".flo"), field)


def _rescaled(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA)
