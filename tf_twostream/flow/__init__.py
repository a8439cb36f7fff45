"""Optical flow: methods (`METHODS`), 8-bit codes, colours and `.flo` files.

A field `[H, W, 2]` float32 holds, per pixel of one frame, the displacement (u right, v down) in
pixels to where it lies in another frame. T frames have T - 1 fields a direction: forward field
t goes from frame t to t + 1, backward field t - 1 from frame t to t - 1 (paper, Sect. 3.1,
"Bi-directional optical flow").
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tf_twostream.flow.methods import METHODS, Method
from tf_twostream.flow.opencv import PairEstimator
from tf_twostream.flow.presets import Parameters

__all__ = [
    "DIRECTIONS",
    "METHODS",
    "Method",
    "PairEstimator",
    "Parameters",
    "fields",
    "parameters",
]

DIRECTIONS = ("forward", "backward")


def _find(method: str) -> Method:
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}. Received: {method!r}.")
    return METHODS[method]


def parameters(method: str) -> dict[str, Any]:
    """Returns what decides the fields of a method, for a store to keep.

    Args:
        method: A name in `METHODS`.

    Returns:
        The method's settings and the version of its library, JSON-able.

    Raises:
        ValueError: If there is no such method.
    """
    return _find(method).parameters()


def fields(
    frames: Iterable[np.ndarray], *, method: str, direction: str = "forward"
) -> Iterator[np.ndarray]:
    """Estimates the fields of a video, as its frames come.

    Brox's method imports TensorFlow and compiles for some seconds before the first field.

    Example:
        >>> import numpy as np
        >>> from tf_twostream import flow
        >>> texture = np.random.default_rng(0).integers(0, 255, (60, 90)).astype(np.uint8)
        >>> frames = [texture[:48, t : t + 64].copy() for t in range(3)]  # Moves left.
        >>> [field.shape for field in flow.fields(frames, method="dis")]
        [(48, 64, 2), (48, 64, 2)]

    Args:
        frames: T grey frames `[H, W]` uint8.
        method: A name in `METHODS`.
        direction: "forward" or "backward".

    Yields:
        T - 1 fields `[H, W, 2]` float32 in pixels: from frame t to t + 1, or, backward, from
        frame t + 1 to t; t = 0, 1 ...

    Raises:
        ValueError: If there is no such method or direction, or the frames are no grey frames of one
            size.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"`direction` must be forward or backward. Received: {direction!r}.")
    yield from _find(method).fields(frames, backward=direction == "backward")
