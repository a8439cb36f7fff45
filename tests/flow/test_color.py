import numpy as np
import pytest

from tf_twostream.flow import color


def paint(u: float, v: float, **kwargs) -> list[int]:
    """The colour of a motion (u, v) beside one of length 1."""
    return color.colorize(np.array([[[u, v], [0, 1]]]), **kwargs)[0, 0].tolist()


def test_directions_have_the_colours_of_middlebury():
    assert paint(1, 0) == [255, 0, 0]  # Right: red.
    assert paint(0, 1) == [255, 229, 0]  # Down: yellow.
    assert paint(-1, 0) == [0, 209, 255]  # Left: cyan.
    assert paint(0, -1) == [88, 0, 255]  # Up: violet.


def test_rest_is_white_and_unknown_is_black():
    assert paint(0, 0) == [255, 255, 255]
    assert paint(np.nan, 0) == [0, 0, 0]
    assert paint(0, np.inf) == [0, 0, 0]


def test_shorter_motion_is_paler():
    assert paint(0.5, 0) == [255, 127, 127]


def test_motion_beyond_the_maximum_is_darker():
    assert paint(1, 0, max_magnitude=0.5) == [191, 0, 0]


def test_field_at_rest_is_white():
    assert (color.colorize(np.zeros((3, 4, 2))) == 255).all()


def test_wheel_has_55_different_hues():
    wheel = color.color_wheel()
    assert wheel.shape == (55, 3)
    assert len(np.unique(wheel, axis=0)) == 55
    assert (wheel.max(axis=1) == 1).all() and (wheel.min(axis=1) == 0).all()


@pytest.mark.parametrize("maximum", [0, -1, np.nan])
def test_maximum_must_be_positive(maximum):
    with pytest.raises(ValueError, match="Received"):
        color.colorize(np.zeros((3, 4, 2)), maximum)
