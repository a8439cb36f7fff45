"""Displacement fields in the forms of other tools: 16-bit PNG, and 8-bit codes with one bound.

Middlebury's form is in `flo`, that of our stores in `codec`.
"""

import os

import cv2
import numpy as np

from tf_twostream.processes import files

KITTI_SCALE = 64.0  # Steps per pixel.
KITTI_ZERO = 2**15  # The code of no displacement.
# The code of no displacement in the formula of dense_flow and denseflow: the middle of [0, 255].
# Tools that add 127 or 128 to a rounded number have it there.
MIDDLE = 127.5


def encode_kitti(field: np.ndarray) -> bytes:
    """Writes a field as a PNG of 16 bits, as the KITTI benchmark has it.

    Args:
        field: `[H, W, 2]`, (u right, v down) in pixels; NaN where unknown.

    Returns:
        A PNG image: red is u, green is v, both in steps of 1/64 pixel around 2^15 and cut off at
        512 pixels; blue says whether they are known.

    Raises:
        ValueError: If the field has another shape.
    """
    if field.ndim != 3 or field.shape[2] != 2:
        raise ValueError(f"`field` must be [H, W, 2]. Received: shape {field.shape}.")
    known = np.isfinite(field).all(axis=2)
    steps = np.where(known[..., None], field, 0) * KITTI_SCALE + KITTI_ZERO
    u, v = np.moveaxis(np.clip(np.rint(steps), 0, 2**16 - 1).astype(np.uint16), 2, 0)
    # OpenCV has colours in the order blue, green, red.
    return cv2.imencode(".png", np.stack([known.astype(np.uint16), v, u], axis=2))[1].tobytes()


def write_kitti(path: str | os.PathLike[str], field: np.ndarray) -> None:
    """Writes what `encode_kitti` returns into a file."""
    files.write(path, encode_kitti(field))


def decode_kitti(png: bytes) -> np.ndarray:
    """Reads what `encode_kitti` writes.

    Returns:
        `[H, W, 2]` float32, (u right, v down) in pixels; NaN where unknown.

    Raises:
        ValueError: If it is no colour PNG of 16 bits.
    """
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) if png else None
    if image is None or image.dtype != np.uint16 or image.shape[2:] != (3,):
        raise ValueError(
            "A field of KITTI must be a colour PNG of 16 bits. Received: another file."
        )
    field = (image[..., :0:-1].astype(np.float32) - KITTI_ZERO) / np.float32(KITTI_SCALE)
    return np.where(image[..., :1] > 0, field, np.float32(np.nan))


def to_bounded(field: np.ndarray, bound: float) -> np.ndarray:
    """Turns displacements into codes with one bound, as dense_flow and denseflow do.

    Args:
        field: `[H, W, 2]`, (u right, v down) in pixels.
        bound: In pixels; what is longer is cut off.

    Returns:
        `[2, H, W]` uint8: 0 is -bound, 255 is +bound.
    """
    codes = np.rint((np.moveaxis(field, 2, 0) + bound) * (255 / (2 * bound)))
    return np.clip(codes, 0, 255).astype(np.uint8)


def bounded_ranges(bound: float, zero: float = MIDDLE) -> np.ndarray:
    """Returns the range of such codes, for `codec.restore`.

    Args:
        bound: In pixels.
        zero: The code of no displacement.

    Returns:
        `[2, 2]` float32, (minimum, maximum) of u and of v in pixels: what 0 and 255 stand for.
    """
    step = 2 * bound / 255
    return np.tile(np.array([-zero * step, (255 - zero) * step], np.float32), (2, 1))
