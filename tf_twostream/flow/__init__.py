"""Optical flow: methods (`METHODS`, `SOLVED`), 8-bit codes, colours and `.flo` files.

A field `[H, W, 2]` float32 holds, per pixel of one frame, the displacement (u right, v down) in
pixels to where it lies in another frame. T frames have T - 1 fields a direction: forward field
t goes from frame t to t + 1, backward field t - 1 from frame t to t - 1 (paper, Sect. 3.1,
"Bi-directional optical flow").
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tf_twostream.flow import opencv, presets

Estimator = opencv.PairEstimator

METHODS: dict[str, Callable[[], Estimator]] = {  # Pair by pair, by OpenCV.
    "dis": opencv.dis,
    "tvl1": opencv.tvl1,
    "farneback": opencv.farneback,
}
PARAMETERS: dict[str, Callable[[], dict[str, object]]] = {
    "dis": opencv.dis_parameters,
    "tvl1": opencv.tvl1_parameters,
    "farneback": opencv.farneback_parameters,
}
SOLVED = {"brox": presets.FAST, "brox_opencv": presets.OPENCV}  # In batches, in TensorFlow.


def _check(method: str) -> None:
    if method not in METHODS.keys() | SOLVED.keys():
        raise ValueError(
            f"A flow method is one of {', '.join([*METHODS, *SOLVED])}. Received: {method!r}."
        )


def parameters(method: str) -> dict[str, object]:
    """Returns what decides the fields of a method (JSON-able): its settings, the library."""
    _check(method)
    return dataclasses.asdict(SOLVED[method]) if method in SOLVED else PARAMETERS[method]()


def fields(
    frames: Iterable[np.ndarray], *, method: str, direction: str = "forward"
) -> Iterator[np.ndarray]:
    """Estimates the fields of a video, as its frames come.

    The methods in `SOLVED` import TensorFlow and compile for a while before the first field.

    Args:
        frames: T grey frames `[H, W]` uint8.
        method: A name in `METHODS` or `SOLVED`.
        direction: "forward" or "backward".

    Yields:
        T - 1 fields `[H, W, 2]` float32 in pixels: from frame t to t + 1, or, backward, from
        frame t + 1 to t; t = 0, 1 ...
    """
    _check(method)
    if direction not in ("forward", "backward"):
        raise ValueError(f"A direction is forward or backward. Received: {direction!r}.")
    if method in SOLVED:
        from tf_twostream.flow import brox  # Here, for the workers do without TensorFlow.

        yield from brox.fields(frames, parameters=SOLVED[method], direction=direction)
        return
    estimate = METHODS[method]()
    for earlier, later in itertools.pairwise(frames):
        yield estimate(earlier, later) if direction == "forward" else estimate(later, earlier)
