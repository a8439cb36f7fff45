"""How far a displacement field is from the known one, or from what the frames show.

End-point and angular error as in Baker et al., "A Database and Evaluation Methodology for Optical
Flow" (2011). The warping error needs no known field, but says less: a field may carry every pixel
to one of the right grey level and yet not be the motion.
"""

import cv2
import numpy as np


def end_point_error(field: np.ndarray, truth: np.ndarray) -> float:
    """Computes the mean distance between the ends of two displacements.

    Args:
        field: `[H, W, 2]`, (u right, v down) in pixels.
        truth: `[H, W, 2]`, the known field; pixels with a NaN are unknown and do not count.

    Returns:
        The error in pixels.

    Raises:
        ValueError: If the shapes are others, or no pixel is known.
    """
    field, truth = _known(field, truth)
    return float(np.linalg.norm(field - truth, axis=1).mean())


def angular_error(field: np.ndarray, truth: np.ndarray) -> float:
    """Computes the mean angle in space and time between (u, v, 1) and the known (u, v, 1).

    Args:
        field: `[H, W, 2]`, (u right, v down) in pixels.
        truth: `[H, W, 2]`, the known field; pixels with a NaN are unknown and do not count.

    Returns:
        The error in degrees.

    Raises:
        ValueError: If the shapes are others, or no pixel is known.
    """
    field, truth = (np.insert(part, 2, 1, axis=1) for part in _known(field, truth))
    # By the tangent: the cosine would lose half of its digits at small angles.
    sine = np.linalg.norm(np.cross(field, truth), axis=1)
    return float(np.degrees(np.arctan2(sine, (field * truth).sum(axis=1))).mean())


def warping_error(first: np.ndarray, second: np.ndarray, field: np.ndarray) -> float:
    """Computes the mean absolute difference of the first frame and the second one warped back.

    The second frame is read at (x + u, y + v), bilinearly.

    Args:
        first: `[H, W]` grey frame.
        second: `[H, W]`, the next frame.
        field: `[H, W, 2]`, the displacements of the first frame's pixels, in pixels.

    Returns:
        The error in grey levels, over the pixels that stay in the frame; NaN if none does.

    Raises:
        ValueError: If the shapes are others.
    """
    if first.ndim != 2 or second.shape != first.shape or field.shape != (*first.shape, 2):
        got = f"shapes {first.shape}, {second.shape} and {field.shape}"
        raise ValueError(f"Two frames must be [H, W], their field [H, W, 2]. Received: {got}.")
    height, width = first.shape
    row, column = np.mgrid[:height, :width]
    x, y = column + field[..., 0], row + field[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    if not inside.any():
        return float("nan")
    warped = cv2.remap(
        second.astype(np.float32), x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR
    )
    return float(np.abs(warped - first)[inside].mean(dtype=np.float64))


def _known(field: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns both at the known pixels, `[N, 2]` float64."""
    if truth.ndim != 3 or truth.shape[2] != 2 or field.shape != truth.shape:
        got = f"shapes {field.shape} and {truth.shape}"
        raise ValueError(f"`field` and `truth` must be [H, W, 2]. Received: {got}.")
    known = np.isfinite(truth).all(axis=2)
    if not known.any():
        raise ValueError(f"A pixel of `truth` must be known. Received: none of {known.size}.")
    return field[known].astype(np.float64), truth[known].astype(np.float64)
