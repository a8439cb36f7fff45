"""The field of OpenCV's test pair by `brox.OPENCV`, kept to be compared with OpenCV's own.

`brox_opencv_frame0_frame1.npy` is the field from opencv_extra's frame0.png to frame1.png (grey,
divided by 255), `[388, 584, 2]` in pixels, as float16: rounded by at most 0.001 px.
"""

import hashlib
import pathlib

import cv2
import numpy as np
import pytest

from tf_twostream.flow import brox, errors

PATH = pathlib.Path(__file__).with_name("brox_opencv_frame0_frame1.npy")
SHA256 = "8be342e5fd69a3959040f7304ea3e2a85488f4330d120f6cb2058b34609e6ff9"
STATISTICS = {  # Of u and of v, in pixels.
    "mean": (-0.0495, -0.0063),
    "std": (0.8465, 0.2805),
    "min": (-2.4551, -1.4033),
    "max": (1.3652, 1.7949),
}


def test_the_field_that_is_kept_is_the_one_described():
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() == SHA256
    field = np.load(PATH)
    assert field.shape == (388, 584, 2) and field.dtype == np.float16
    for name, expected in STATISTICS.items():
        found = getattr(field.astype(np.float64), name)(axis=(0, 1))
        np.testing.assert_allclose(found, expected, atol=5e-5)


@pytest.mark.slow
def test_the_field_that_is_kept_is_computed_again(shared_data):
    folder = shared_data / "flow_gt/opencv_extra"
    frames = [cv2.imread(str(folder / f"frame{n}.png"), cv2.IMREAD_GRAYSCALE) for n in (0, 1)]
    [field] = brox.fields(frames, parameters=brox.OPENCV)
    # At omega 1.99 rounding errors grow: without XLA the field is 0.006 px away on average, and
    # 0.6 px at most.
    assert errors.end_point_error(field, np.load(PATH)) < 0.02
