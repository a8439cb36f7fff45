"""Optical flow: estimators (`METHODS`), the 8-bit codes of a store, colours and `.flo` files.

A field `[H, W, 2]` float32 holds, per pixel of one frame, the displacement (u right, v down) in
pixels to where it lies in another frame. T frames have T - 1 fields a direction: forward field
t goes from frame t to t + 1, backward field t - 1 from frame t to t - 1 (paper, Sect. 3.1,
"Bi-directional optical flow").
"""

import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tf_twostream.flow import opencv

Estimator = opencv.PairEstimator

METHODS: dict[str, Callable[[], Estimator]] = {
    "dis": opencv.dis,
    "tvl1": opencv.tvl1,
    "farneback": opencv.farneback,
}
PARAMETERS: dict[str, Callable[[], dict[str, object]]] = {
    "dis": opencv.dis_parameters,
    "tvl1": opencv.tvl1_parameters,
    "farneback": opencv.farneback_parameters,
}


def _check(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"A flow method is one of {', '.join(METHODS)}. Received: {method!r}.")


def create(method: str) -> Estimator:
    """Makes an estimator.

    Args:
        method: A name in `METHODS`.

    Returns:
        A function of two grey frames `[H, W]` uint8 that returns the displacement
        `[H, W, 2]` float32 of the first one's pixels. One thread, one estimator.
    """
    _check(method)
    return METHODS[method]()


def parameters(method: str) -> dict[str, object]:
    """Returns what decides the fields of a method (JSON-able): its settings, the library."""
    _check(method)
    return PARAMETERS[method]()


def fields(
    frames: Iterable[np.ndarray], *, method: str, direction: str = "forward"
) -> Iterator[np.ndarray]:
    """Estimates the fields of a video, as its frames come.

    Args:
        frames: T grey frames `[H, W]` uint8.
        method: A name in `METHODS`.
        direction: "forward" or "backward".

    Yields:
        T - 1 fields `[H, W, 2]` float32 in pixels: from frame t to t + 1, or, backward, from
        frame t + 1 to t; t = 0, 1 ...
    """
    if direction not in ("forward", "backward"):
        raise ValueError(f"A direction is forward or backward. Received: {direction!r}.")
    estimate = create(method)
    for earlier, later in itertools.pairwise(frames):
        yield estimate(earlier, later) if direction == "forward" else estimate(later, earlier)
