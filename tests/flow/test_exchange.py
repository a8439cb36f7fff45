"""Fields in the forms of other tools come back within half a step."""

import cv2
import numpy as np
import pytest

from tf_twostream.flow import codec, exchange


@pytest.fixture
def field():
    return np.random.default_rng(0).normal(0, 6, (9, 14, 2)).astype(np.float32)


def test_kitti_errs_by_half_a_step_and_keeps_what_is_unknown(field):
    field[3, 4, 1] = np.nan
    back = exchange.decode_kitti(exchange.encode_kitti(field))
    assert np.isnan(back[3, 4]).all() and np.isnan(back).sum() == 2
    known = np.isfinite(back)
    assert np.abs(back - field)[known].max() <= 0.5 / 64 + 1e-6


def test_kitti_has_u_in_red_and_what_is_known_in_blue(field):
    image = cv2.imdecode(
        np.frombuffer(exchange.encode_kitti(field), np.uint8), cv2.IMREAD_UNCHANGED
    )
    blue, green, red = np.moveaxis(image.astype(float), 2, 0)
    np.testing.assert_allclose((red - 2**15) / 64, field[..., 0], atol=0.01)
    np.testing.assert_allclose((green - 2**15) / 64, field[..., 1], atol=0.01)
    assert (blue == 1).all()


@pytest.mark.parametrize("data", [b"", b"no image", cv2.imencode(".png", np.zeros((4, 4)))[1]])
def test_another_file_is_not_of_kitti(data):
    with pytest.raises(ValueError, match="16 bits"):
        exchange.decode_kitti(bytes(data))


def test_codes_with_a_bound_err_by_half_a_step_within_it(field):
    codes = exchange.to_bounded(field, 20.0)
    back = codec.restore(codes, exchange.bounded_ranges(20.0))
    assert np.abs(back - field).max() <= 20 / 255 + 1e-5
    cut = codec.restore(exchange.to_bounded(field, 5.0), exchange.bounded_ranges(5.0))
    np.testing.assert_allclose(cut, np.clip(field, -5, 5), atol=5 / 255 + 1e-5)


@pytest.mark.parametrize("zero", [127, 127.5, 128])
def test_the_code_of_rest_is_rest(zero):
    codes = np.full((2, 3, 3), round(zero), np.uint8)
    back = codec.restore(codes, exchange.bounded_ranges(20.0, zero))
    assert np.abs(back).max() <= (1e-5 if zero != 127.5 else 20 / 255 + 1e-5)
    # One code more is as far as ever.
    step = codec.restore(codes + np.uint8(1), exchange.bounded_ranges(20.0, zero)) - back
    np.testing.assert_allclose(step, 40 / 255, rtol=1e-5)


def test_a_field_has_two_components(field):
    with pytest.raises(ValueError, match=r"\[H, W, 2\]"):
        exchange.encode_kitti(field[..., 0])
