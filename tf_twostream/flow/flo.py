"""Middlebury's `.flo` files: uncompressed displacement fields, as published with ground truth.

A tag, the width and the height as int32, then u and v of each pixel in turn, row by row, as
float32; all are little-endian.
"""

import os
import pathlib

import numpy as np

from tf_twostream.processes import files

TAG = np.float32(202021.25)  # Reads as the characters PIEH; wrong on a big-endian machine.


def read_flo(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads a displacement field.

    Args:
        path: A `.flo` file. Unknown pixels hold values above 1e9 there.

    Returns:
        `[H, W, 2]` float32, (u right, v down) in pixels; NaN where unknown.

    Raises:
        ValueError: If the file is no `.flo` file or not as long as its header says.
    """
    data = pathlib.Path(path).read_bytes()
    if len(data) < 12 or np.frombuffer(data, "<f4", count=1)[0] != TAG:
        raise ValueError(f"A .flo file must begin with {TAG} (PIEH). Received: {path}.")
    width, height = (int(n) for n in np.frombuffer(data, "<i4", count=2, offset=4))
    if len(data) != 12 + 8 * width * height:
        rule = f"A .flo file of {width}x{height} must have {12 + 8 * width * height} bytes"
        raise ValueError(f"{rule}. Received: {len(data)} bytes in {path}.")
    field = np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2).astype(np.float32)
    return np.where(np.abs(field).max(axis=2, keepdims=True) > 1e9, np.float32(np.nan), field)


def write_flo(path: str | os.PathLike[str], field: np.ndarray) -> None:
    """Writes a displacement field.

    Args:
        path: The `.flo` file.
        field: `[H, W, 2]`, (u right, v down) in pixels; NaN where unknown.

    Raises:
        ValueError: If the field has another shape.
    """
    if field.ndim != 3 or field.shape[2] != 2:
        raise ValueError(f"`field` must be [H, W, 2]. Received: shape {field.shape}.")
    height, width, _ = field.shape
    header = TAG.astype("<f4").tobytes() + np.array([width, height], "<i4").tobytes()
    # 1e10 is Middlebury's "unknown"; one unknown component makes the pixel unknown.
    known = np.where(np.isfinite(field).all(axis=2, keepdims=True), field, 1e10)
    files.write(path, header + known.astype("<f4").tobytes())
