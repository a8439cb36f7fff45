"""A variational method from coarse to fine, made of two filters of OpenCV, on the CPU.

Each level of a pyramid starts from the field of the coarser one and improves it by
`cv2.VariationalRefinement`, which minimises brightness and gradient constancy, each robust and each
divided by the size of the gradient, and smoothness (Weinzaepfel et al., "DeepFlow", ICCV 2013,
Sect. 4, without their matching). OpenCV's own `DeepFlow` does the same with 5 % between levels and
125 sweeps on each; few sweeps with more over-relaxation err as little in a quarter of the time.

A weighted median then moves the borders of motion to those of the image, as in Sun, Roth and
Black, "Secrets of Optical Flow Estimation" (CVPR 2010). It is taken at half the size, where it
reaches as far in a third of the time; what it changes is enlarged and added.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The numbers of the method; docs/flow.md says what they were chosen on.

    Weights hold for grey levels in [0, 255]; lengths are in pixels.

    Attributes:
        alpha: Weight of smoothness.
        gamma: Weight of gradient constancy.
        delta: Weight of brightness constancy.
        fixed_point_iterations: Per level of the pyramid.
        sor_iterations: Sweeps per fixed point iteration.
        omega: Over-relaxation of a sweep.
        sigma: Of the Gaussian that smooths the frames first.
        eta: Ratio of a level's size to that of the next finer one.
        smallest: No level has a shorter side.
        median_radius: Of the weighted median, at half the size.
    """

    alpha: float = 20.0
    gamma: float = 10.0
    delta: float = 5.0
    fixed_point_iterations: int = 4
    sor_iterations: int = 4
    omega: float = 1.9
    sigma: float = 0.6
    eta: float = 0.9
    smallest: int = 16
    median_radius: int = 4


_OURS = Parameters()


def estimator() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Makes an estimator of a pair of frames (see `opencv`)."""
    refinement = _refinement()

    def estimate(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        levels = _pyramid(first, second)
        field = np.zeros((*levels[-1][0].shape, 2), np.float32)
        for earlier, later in reversed(levels):
            field = refinement.calc(earlier, later, _enlarged(field, earlier.shape))
        return _with_median(field, first)

    return estimate


def parameters() -> dict[str, Any]:
    """Returns what decides the fields."""
    return {"opencv": cv2.__version__, **dataclasses.asdict(_OURS)}


def _refinement() -> cv2.VariationalRefinement:
    algorithm = cv2.VariationalRefinement.create()
    algorithm.setAlpha(_OURS.alpha)
    algorithm.setGamma(_OURS.gamma)
    algorithm.setDelta(_OURS.delta)
    algorithm.setOmega(_OURS.omega)
    algorithm.setFixedPointIterations(_OURS.fixed_point_iterations)
    algorithm.setSorIterations(_OURS.sor_iterations)
    return algorithm


def _pyramid(first: np.ndarray, second: np.ndarray) -> list[list[np.ndarray]]:
    """Returns both frames, `[H', W']` float32, at each level, the finest first."""
    height, width = first.shape
    levels = [
        [cv2.GaussianBlur(x.astype(np.float32), (0, 0), _OURS.sigma) for x in (first, second)]
    ]
    while _OURS.eta ** len(levels) * min(height, width) >= _OURS.smallest:
        size = [round(_OURS.eta ** len(levels) * side) for side in (width, height)]
        levels.append([cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in levels[-1]])
    return levels


def _enlarged(field: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Brings a field to another (height, width); displacements are in pixels of their level."""
    rise = np.divide(shape, field.shape[:2])
    enlarged: np.ndarray = cv2.resize(field, shape[::-1]) * rise[::-1].astype(np.float32)
    return enlarged


def _with_median(field: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Adds what a median changes, in which a pixel counts as much as its grey level is alike."""
    size = [(side + 1) // 2 for side in frame.shape[::-1]]
    small_frame, small = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (frame, field))
    change = [
        cv2.ximgproc.weightedMedianFilter(small_frame, component, _OURS.median_radius) - component
        for component in cv2.split(small)
    ]
    enlarged = cv2.resize(cv2.merge(change), frame.shape[::-1])
    return np.add(field, enlarged, dtype=np.float32)
