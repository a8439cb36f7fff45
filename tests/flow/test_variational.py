import cv2
import numpy as np
import pytest

from tf_twostream import flow
from tf_twostream.flow import errors, flo, variational


@pytest.mark.parametrize("size", [(16, 16), (17, 200), (48, 31)])
def test_frames_of_any_size_have_a_finite_field(size):
    pair = np.random.default_rng(0).integers(0, 255, (2, *size)).astype(np.uint8)
    field = variational.estimator()(*pair)
    assert field.shape == (*size, 2) and field.dtype == np.float32
    assert np.isfinite(field).all()


def test_threads_do_not_change_a_field():
    pair = np.random.default_rng(0).integers(0, 255, (2, 60, 80)).astype(np.uint8)
    threads, fields = cv2.getNumThreads(), []
    for count in (1, 2):
        cv2.setNumThreads(count)
        fields.append(variational.estimator()(*pair))
    cv2.setNumThreads(threads)
    np.testing.assert_array_equal(*fields)


def test_the_median_moves_a_border_of_motion_to_that_of_the_image():
    column = np.arange(64)
    frame = np.where(column < 32, 50, 200).astype(np.uint8) * np.ones((48, 1), np.uint8)
    # Half of a step in the field, up to four pixels beside that of the frame.
    field = np.zeros((48, 64, 2), np.float32)
    field[:, 36:, 0] = 4
    found = variational._with_median(field, frame)[..., 0]
    before, after = (np.abs(u - 4 * (column >= 32)).mean() for u in (field[..., 0], found))
    assert after < 0.5 * before


def test_all_numbers_are_recorded():
    kept = flow.parameters("variational")
    assert kept == {"opencv": cv2.__version__, **vars(variational.Parameters())}


def test_it_is_nearer_to_the_ground_truth_than_brox(shared_data):
    folder = shared_data / "flow_gt/middlebury/Venus"
    frames = [cv2.imread(str(folder / f"frame{n}.png"), 0) for n in (10, 11)]
    field = variational.estimator()(*frames)
    # Pixels; `brox` errs by 0.37. A fact of the method, which a version of OpenCV may change.
    assert errors.end_point_error(field, flo.read_flo(folder / "flow10.flo")) < 0.29
