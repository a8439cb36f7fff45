"""Optical flow by OpenCV: functions that make an estimator for pairs of grey frames.

An estimator takes two frames `[H, W]` uint8 and returns the displacement `[H, W, 2]` float32 of the
first frame's pixels, (u right, v down) in pixels. It keeps nothing from pair to pair, so that a
field does not depend on which video came before. Times are those of one thread.
"""

import functools
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

PairEstimator = Callable[[np.ndarray, np.ndarray], np.ndarray]

FARNEBACK: dict[str, Any] = {  # The values of OpenCV's own examples; OpenCV has no defaults here.
    "pyr_scale": 0.5,
    "levels": 3,
    "winsize": 15,
    "iterations": 3,
    "poly_n": 5,
    "poly_sigma": 1.2,
    "flags": 0,
}
# "Medium" errs by 0.60 pixels on eight Middlebury pairs and takes 14 ms; "ultrafast" 0.88 in 2 ms,
# "medium" down to the finest scale 0.49 in 50 ms, which did not help to recognise actions.
_create_dis = functools.partial(cv2.DISOpticalFlow.create, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def dis() -> PairEstimator:
    """Makes DIS with the "medium" preset (Kroeger et al., 2016): 14 ms a pair at 341x256."""
    algorithm = _create_dis()
    settings = _getters(algorithm)

    def estimate(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        nonlocal algorithm
        field = algorithm.calc(first, second, None)
        # For small frames it changes its own settings, which would decide the next field, too.
        if _getters(algorithm) != settings:
            algorithm = _create_dis()
        return field

    return estimate


def tvl1() -> PairEstimator:
    """Makes TV-L1 (Zach et al., 2007) with OpenCV's defaults: about a second a pair at 341x256."""
    algorithm = cv2.optflow.DualTVL1OpticalFlow.create()
    return lambda first, second: algorithm.calc(first, second, None)


def farneback() -> PairEstimator:
    """Makes Farneback's method (2003): 23 ms a pair at 341x256."""
    return lambda first, second: cv2.calcOpticalFlowFarneback(first, second, None, **FARNEBACK)


def dis_parameters() -> dict[str, object]:
    """Returns what decides the fields of `dis`."""
    return _getters(_create_dis())


def tvl1_parameters() -> dict[str, object]:
    """Returns what decides the fields of `tvl1`."""
    return _getters(cv2.optflow.DualTVL1OpticalFlow.create())


def farneback_parameters() -> dict[str, object]:
    """Returns what decides the fields of `farneback`."""
    return {"opencv": cv2.__version__, **FARNEBACK}


def _getters(algorithm: cv2.Algorithm) -> dict[str, object]:
    # All that the algorithm tells, not what we have set: a default that a release changes is seen.
    names = (name for name in dir(algorithm) if name.startswith("get") and name != "getDefaultName")
    values = {name.removeprefix("get"): getattr(algorithm, name)() for name in sorted(names)}
    return {"opencv": cv2.__version__, **values}
