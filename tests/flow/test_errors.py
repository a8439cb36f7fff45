import numpy as np
import pytest

from tf_twostream.flow import errors

MEASURES = [errors.end_point_error, errors.angular_error]


def field_of(*vectors):
    """A field `[1, W, 2]` of some displacements."""
    return np.array([vectors], np.float32)


def test_end_point_error_is_the_mean_distance():
    assert errors.end_point_error(
        field_of((3, 4), (1, 1)), field_of((0, 0), (1, 0))
    ) == pytest.approx((5 + 1) / 2)


@pytest.mark.parametrize(
    "vector, known, degrees",
    [
        ((1, 0), (0, 0), 45),  # (1, 0, 1) and (0, 0, 1).
        ((1, 0), (-1, 0), 90),
        ((1, 0), (0, 1), 60),  # cos = 1 / (sqrt 2 sqrt 2).
        ((np.sqrt(3), 0), (0, 0), 60),
        ((5, -7), (5, -7), 0),
        ((1e-4, 0), (0, 0), np.degrees(1e-4)),
        ((3, 4), (0, 0), np.degrees(np.arctan(5))),
    ],
)
def test_angular_error_is_that_of_vectors_in_space_and_time(vector, known, degrees):
    measured = errors.angular_error(field_of(vector), field_of(known))
    assert measured == pytest.approx(degrees, rel=1e-5, abs=1e-9)


def test_angular_error_is_the_mean_over_pixels():
    measured = errors.angular_error(field_of((1, 0), (0, 0)), field_of((0, 0), (0, 0)))
    assert measured == pytest.approx(22.5)


@pytest.mark.parametrize("measure", MEASURES)
def test_unknown_pixels_do_not_count(measure):
    nan = np.nan
    truth = field_of((nan, nan), (0, 0), (nan, 0), (0, nan))
    field = field_of((99, 99), (1, 0), (nan, 99), (99, 99))
    assert measure(field, truth) == pytest.approx(measure(field_of((1, 0)), field_of((0, 0))))


@pytest.mark.parametrize("measure", MEASURES)
def test_a_field_that_is_no_number_where_it_should_be_is_no_number(measure):
    assert np.isnan(measure(field_of((np.nan, 0), (0, 0)), field_of((0, 0), (0, 0))))


RAMP = np.tile(10 * np.arange(6, dtype=np.uint8), (4, 1))  # 10 grey levels per pixel.


def still(u, v, size=RAMP.shape):
    return np.broadcast_to(np.float32([u, v]), (*size, 2))


def test_warping_error_without_flow_is_the_difference_of_the_frames():
    assert errors.warping_error(RAMP, RAMP + 7, still(0, 0)) == pytest.approx(7)


@pytest.mark.parametrize("u", [1, -1, 0.5, 0.25])
def test_the_right_field_has_no_warping_error(u):
    second = (RAMP.astype(np.float32) - 10 * u).clip(-99, 99)  # Moved right by u.
    assert errors.warping_error(RAMP, second, still(u, 0)) == pytest.approx(0, abs=1e-4)


def test_the_warped_frame_is_read_bilinearly_across_and_down():
    frame = np.array([[0, 40], [80, 200]], np.uint8)
    field = np.full((2, 2, 2), 5, np.float32)  # Pixels that leave.
    field[0, 0] = (0.25, 0.5)
    expected = 0.5 * (0.75 * 0 + 0.25 * 40) + 0.5 * (0.75 * 80 + 0.25 * 200)
    zeros = np.zeros_like(frame)
    assert errors.warping_error(zeros, frame, field) == pytest.approx(expected, abs=0.01)


def test_pixels_that_leave_the_frame_do_not_count():
    # All read the pixel two to the right; of six columns, four still lie inside.
    assert errors.warping_error(RAMP, RAMP, still(2, 0)) == pytest.approx(20)
    spoilt = np.where(np.arange(6) < 4, RAMP, 255)  # The first frame, where its pixels leave.
    assert errors.warping_error(spoilt, RAMP, still(2, 0)) == pytest.approx(20)
    assert np.isnan(errors.warping_error(RAMP, RAMP, still(0, 4)))
    assert np.isnan(errors.warping_error(RAMP, RAMP, still(np.nan, 0)))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    "field, truth",
    [
        (np.zeros((4, 6, 2)), np.zeros((4, 5, 2))),
        (np.zeros((4, 6)), np.zeros((4, 6))),
        (np.zeros((4, 6, 3)), np.zeros((4, 6, 3))),
        (np.zeros((4, 6, 2)), np.full((4, 6, 2), np.nan)),
    ],
)
def test_fields_of_other_shapes_and_no_known_pixel_are_refused(measure, field, truth):
    with pytest.raises(ValueError, match="Received"):
        measure(field, truth)


@pytest.mark.parametrize(
    "second, field",
    [(RAMP[:3], still(0, 0)), (RAMP, still(0, 0)[:, :5]), (RAMP, still(0, 0)[..., 0])],
)
def test_frames_and_a_field_of_different_sizes_are_refused(second, field):
    with pytest.raises(ValueError, match="Received: shapes"):
        errors.warping_error(RAMP, second, field)


def test_frames_with_colours_are_refused():
    colours = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(ValueError, match="Received: shapes"):
        errors.warping_error(colours, colours, still(0, 0))
