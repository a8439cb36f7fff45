import itertools
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tf_twostream import flow
from tf_twostream.flow import flo

HEIGHT, WIDTH = 48, 64
INNER = np.s_[12:-12, 12:-12]  # Pixels whose surroundings are in both frames.


def view(left: int, top: int) -> np.ndarray:
    """A grey frame cut from a smooth random texture: at `left` + u the texture moves left by u."""
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT + 20, WIDTH + 20)).astype(np.uint8)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return texture[top : top + HEIGHT, left : left + WIDTH].copy()


OPENCV = sorted(name for name, method in flow.METHODS.items() if not method.solver)


@pytest.fixture(params=OPENCV)
def method(request) -> str:
    return request.param


def test_constant_motion_is_recovered(method):
    field = flow.METHODS[method].make()(view(10, 10), view(8, 11))
    assert field.shape == (HEIGHT, WIDTH, 2) and field.dtype == np.float32
    np.testing.assert_allclose(field[INNER].mean(axis=(0, 1)), [2, -1], atol=0.1)
    assert np.abs(field[INNER] - [2, -1]).mean() < 0.1


def test_rest_has_no_flow(method):
    assert np.abs(flow.METHODS[method].make()(view(5, 5), view(5, 5))).max() < 0.1


def test_flow_of_the_mirrored_is_the_mirrored_with_u_negated(method):
    estimate = flow.METHODS[method].make()
    first, second = view(10, 10), view(8, 11)
    mirrored = estimate(first[:, ::-1].copy(), second[:, ::-1].copy())
    expected = estimate(first, second)[:, ::-1] * [-1, 1]
    assert np.abs(mirrored - expected)[INNER].mean() < 0.1


def test_same_pair_gives_the_same_field_whatever_came_before(method):
    estimate = flow.METHODS[method].make()
    first = estimate(view(10, 10), view(8, 11))
    estimate(view(3, 3), view(5, 5))
    np.testing.assert_array_equal(estimate(view(10, 10), view(8, 11)), first)
    np.testing.assert_array_equal(flow.METHODS[method].make()(view(10, 10), view(8, 11)), first)


def test_video_of_t_frames_has_t_minus_1_fields(method):
    frames = [view(10 - t, 10) for t in range(4)]
    estimate = flow.METHODS[method].make()
    fields = list(flow.fields(frames, method=method))
    assert len(fields) == 3
    for t in range(3):
        np.testing.assert_array_equal(fields[t], estimate(frames[t], frames[t + 1]))


def test_backward_field_goes_from_the_later_frame_to_the_earlier():
    frames = [view(10, 10), view(8, 11), view(8, 9)]
    estimate = flow.METHODS["dis"].make()
    fields = list(flow.fields(frames, method="dis", direction="backward"))
    assert len(fields) == 2
    np.testing.assert_array_equal(fields[0], estimate(frames[1], frames[0]))
    np.testing.assert_array_equal(fields[1], estimate(frames[2], frames[1]))
    np.testing.assert_allclose(fields[0][INNER].mean(axis=(0, 1)), [-2, 1], atol=0.1)


def test_fields_are_estimated_as_frames_come():
    endless = (view(t % 7, 3) for t in itertools.count())
    assert next(flow.fields(endless, method="farneback")).shape == (HEIGHT, WIDTH, 2)


def test_methods_differ():
    fields = [flow.METHODS[name].make()(view(10, 10), view(8, 11)) for name in OPENCV]
    for one, other in itertools.combinations(fields, 2):
        assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("scene, limit", [("RubberWhale", 0.25), ("Dimetrodon", 0.2)])
def test_dis_is_near_the_ground_truth(shared_data, scene, limit):
    folder = shared_data / "flow_gt/middlebury" / scene
    first, second = (cv2.imread(str(folder / f"frame{n}.png"), 0) for n in (10, 11))
    error = np.linalg.norm(
        flow.METHODS["dis"].make()(first, second) - flo.read_flo(folder / "flow10.flo"), axis=2
    )
    assert np.nanmean(error) < limit  # Pixels; facts of the method, not of our wrapping.


def test_what_workers_import_is_free_of_tensorflow(root):
    code = (
        "import sys, tf_twostream.flow, tf_twostream.processes.workers\n"
        "import tf_twostream.precompute.extraction, tf_twostream.precompute.frames\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=60)
