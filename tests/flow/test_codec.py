import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.flow import codec


@pytest.fixture
def field() -> np.ndarray:
    """A smooth field of 33x50 pixels; u spans 5.1 px, v 510 px."""
    y, x = np.mgrid[0:33, 0:50] / 50
    return np.stack([-1.3 + 5.1 * np.sin(x + y), 255 * np.cos(3 * x * y)], axis=2).astype("f4")


def test_quantising_errs_by_at_most_half_a_step(field):
    codes, ranges = codec.quantise(field)
    half_step = (ranges[:, 1] - ranges[:, 0]) / 510
    error = np.abs(codec.restore(codes, ranges) - field).max(axis=(0, 1))
    assert (error <= half_step * (1 + 1e-4)).all()
    assert (error > 0.9 * half_step).all()  # And it is not kept by other means.


def test_quantising_uses_all_codes_and_keeps_both_ends(field):
    codes, ranges = codec.quantise(field)
    assert codes.dtype == np.uint8 and ranges.dtype == np.float32
    assert codes.min(axis=(1, 2)).tolist() == [0, 0]
    assert codes.max(axis=(1, 2)).tolist() == [255, 255]
    np.testing.assert_array_equal(ranges[:, 0], field.min(axis=(0, 1)))
    np.testing.assert_array_equal(ranges[:, 1], field.max(axis=(0, 1)))


def test_u_is_coded_above_v(field):
    codes, ranges = codec.quantise(field)
    np.testing.assert_array_equal(codec.quantise(field[..., ::-1])[0], codes[::-1])
    assert ranges[0, 1] - ranges[0, 0] < 6 < 100 < ranges[1, 1] - ranges[1, 0]


@pytest.mark.parametrize("constant", [0.0, -2.7, 1e-30, 12345.678])
def test_constant_component_is_restored_exactly(field, constant):
    field[..., 0] = constant
    codes, ranges = codec.quantise(field)
    jpeg = codec.encode(codes)
    np.testing.assert_array_equal(codec.restore(codec.decode(jpeg), ranges)[..., 0], field[..., 0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_flow_that_is_not_finite_is_refused(field, bad):
    field[3, 4, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        codec.quantise(field)


def test_field_of_another_shape_is_refused(field):
    with pytest.raises(ValueError, match=r"Received: shape \(2, 33, 50\)"):
        codec.quantise(np.moveaxis(field, 2, 0))


def test_restore_takes_any_leading_axes(field):
    codes, ranges = codec.quantise(field)
    many = codec.restore(np.tile(codes, (3, 4, 1, 1, 1)), np.tile(ranges, (3, 4, 1, 1)))
    assert many.shape == (3, 4, 33, 50, 2)
    np.testing.assert_array_equal(many[2, 1], codec.restore(codes, ranges))


def test_jpeg_costs_little_accuracy(field):
    codes, _ = codec.quantise(field)
    decoded = codec.decode(codec.encode(codes))
    assert decoded.shape == codes.shape
    assert np.abs(decoded.astype(int) - codes).mean() < 1.5  # Of 255 levels.


def test_tensorflow_decodes_the_same_codes(field):
    codes, _ = codec.quantise(field)
    jpeg = codec.encode(codes)
    image = tf.io.decode_jpeg(jpeg, channels=1, dct_method="INTEGER_ACCURATE")
    np.testing.assert_array_equal(image.numpy().reshape(2, 33, 50), codec.decode(jpeg))


@pytest.mark.parametrize("data", [b"", b"no JPEG"])
def test_what_is_no_jpeg_is_refused(data):
    with pytest.raises(ValueError, match="JPEG"):
        codec.decode(data)


@pytest.mark.parametrize("name", codec.CODINGS)
def test_what_is_encoded_is_decoded(field, name):
    codes, _ = codec.quantise(field)
    coding = codec.CODINGS[name]
    decoded = coding.decode(coding.encode(codes), codes.shape[1:])
    assert decoded.shape == codes.shape
    assert np.abs(decoded.astype(int) - codes).max() <= (0 if coding.quality is None else 40)


def test_raw_codes_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"of \[2, 3, 4\]. Received: 23"):
        codec.CODINGS["raw"].decode(bytes(23), (3, 4))
