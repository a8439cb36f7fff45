"""Stacking, restoring and mean subtraction, against slow twins written from the paper."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import volumes
from tf_twostream.flow import codec

RNG = np.random.default_rng(0)


def stack_slowly(fields):
    """Equation 1, with k counted from 1; fields [L, H, W, 2]."""
    length, height, width, _ = fields.shape
    volume = np.zeros((height, width, 2 * length), fields.dtype)
    for k in range(1, length + 1):
        volume[..., 2 * k - 2] = fields[k - 1, ..., 0]
        volume[..., 2 * k - 1] = fields[k - 1, ..., 1]
    return volume


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_stacking_is_equation_1(dtype, jit_compile):
    fields = RNG.integers(0, 255, (2, 3, 5, 7, 2)).astype(dtype)  # [B, L, H, W, 2]
    planes = tf.constant(np.moveaxis(fields, -1, 2))
    result = tf.function(volumes.stack_flow, jit_compile=jit_compile)(planes).numpy()
    np.testing.assert_array_equal(result, [stack_slowly(sample) for sample in fields])


def test_fields_need_two_components():
    with pytest.raises(ValueError, match=r"two components.*\(1, 2, 3, 4, 5\)"):
        volumes.stack_flow(tf.zeros((1, 2, 3, 4, 5)))


@pytest.fixture
def coded():
    """Fields [B, L, H, W, 2] with their codes, ranges and means."""
    fields = RNG.normal(0, 3, (2, 3, 6, 8, 2)).astype(np.float32)
    fields[0, 1] = [1.5, -2.0]  # A constant field has no range to speak of.
    pairs = [[codec.quantise(field) for field in sample] for sample in fields]
    codes = np.array([[code for code, _ in sample] for sample in pairs])
    ranges = np.array([[limits for _, limits in sample] for sample in pairs])
    return fields, codes, ranges, fields.mean((2, 3))


def test_restoring_errs_by_at_most_half_a_step(coded):
    fields, codes, ranges, _ = coded
    stacked = volumes.stack_flow(tf.constant(codes))
    result = volumes.restore(stacked, tf.constant(ranges)).numpy()
    half = (ranges[..., 1] - ranges[..., 0]).reshape(2, 1, 1, 6) / 255 / 2
    wanted = np.stack([stack_slowly(sample) for sample in fields])
    assert np.all(np.abs(result - wanted) <= half + 1e-5)


def test_the_device_restores_what_numpy_restores(coded):
    _, codes, ranges, _ = coded
    stacked = volumes.stack_flow(tf.constant(codes))
    result = volumes.restore(stacked, tf.constant(ranges)).numpy()
    wanted = [stack_slowly(sample) for sample in codec.restore(codes, ranges)]
    np.testing.assert_allclose(result, wanted, atol=1e-5)


def test_a_constant_field_is_restored_exactly(coded):
    _, codes, ranges, _ = coded
    stacked = volumes.stack_flow(tf.constant(codes))
    result = volumes.restore(stacked, tf.constant(ranges)).numpy()
    np.testing.assert_array_equal(result[0, ..., 2], 1.5)
    np.testing.assert_array_equal(result[0, ..., 3], -2.0)


def test_mean_subtraction_takes_each_fields_own_mean_vector(coded):
    _, codes, ranges, means = coded
    stacked, ranges = volumes.stack_flow(tf.constant(codes)), tf.constant(ranges)
    plain = volumes.restore(stacked, ranges).numpy()
    centred = volumes.restore(stacked, ranges, means=tf.constant(means)).numpy()
    difference = np.broadcast_to(means.reshape(2, 1, 1, 6), plain.shape)
    np.testing.assert_allclose(plain - centred, difference, atol=1e-5)
    assert np.abs(centred.mean((1, 2))).max() < 0.05


def test_signs_are_those_of_u_and_v_of_every_field(coded):
    _, codes, ranges, means = coded
    stacked, knobs = volumes.stack_flow(tf.constant(codes)), {"means": tf.constant(means)}
    plain = volumes.restore(stacked, tf.constant(ranges), **knobs).numpy()
    signs = tf.constant([[[-1.0, 1.0]], [[1.0, 1.0]]])
    signed = volumes.restore(stacked, tf.constant(ranges), signs=signs, **knobs).numpy()
    np.testing.assert_allclose(signed[0, ..., 0::2], -plain[0, ..., 0::2], atol=1e-6)
    np.testing.assert_allclose(signed[0, ..., 1::2], plain[0, ..., 1::2], atol=1e-6)
    np.testing.assert_array_equal(signed[1], plain[1])
