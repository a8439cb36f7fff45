"""The table of flow methods."""

import json
import pathlib

import cv2
import numpy as np
import pytest

from tf_twostream import flow
from tf_twostream.flow import presets


def test_parameters_are_recorded_for_each_method():
    recorded = {name: json.dumps(flow.parameters(name)) for name in flow.METHODS}
    assert len(set(recorded.values())) == len(recorded)
    assert all(
        cv2.__version__ in recorded[name]
        for name, method in flow.METHODS.items()
        if not method.solver
    )
    assert json.loads(recorded["brox_opencv"])["alpha"] == 0.197
    assert flow.parameters("dis")["FinestScale"] == 1  # The "medium" preset.


def test_unknown_method_is_refused():
    with pytest.raises(ValueError, match="farneback, brox, brox_opencv. Received: 'brocks'"):
        flow.parameters("brocks")
    with pytest.raises(ValueError, match="Received: 'brocks'"):
        next(flow.fields([], method="brocks"))


def test_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="forward or backward"):
        next(flow.fields([], method="dis", direction="sideways"))


def test_each_method_says_whether_tensorflow_solves_it():
    solved = {name: method.solver for name, method in flow.METHODS.items() if method.solver}
    assert solved == {"brox": presets.FAST, "brox_opencv": presets.OPENCV}


GREY = np.zeros((48, 64), np.uint8)


@pytest.mark.parametrize("method", ["dis", "brox"])
@pytest.mark.parametrize(
    ("frames", "received"),
    [
        ([np.zeros((48, 64, 3), np.uint8)] * 2, r"\[48, 64, 3\] uint8 as frame 0"),
        ([GREY.astype(np.float32)] * 2, r"\[48, 64\] float32 as frame 0"),
        ([GREY, GREY[:40]], r"\[40, 64\] uint8 as frame 1"),
        ("clip.avi", "the path clip.avi"),
        (pathlib.Path("clip.avi"), "the path clip.avi"),
        (["clip.avi"], r"\[\] <U8 as frame 0"),
    ],
)
def test_what_is_no_grey_video_is_refused(method, frames, received):
    with pytest.raises(ValueError, match=f"grey frames.*Received: {received}"):
        list(flow.fields(frames, method=method))
