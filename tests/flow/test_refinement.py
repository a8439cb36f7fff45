import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.flow import refinement

MARGIN = refinement.MARGIN


def test_features_of_a_polynomial_are_its_derivatives():
    y, x = np.mgrid[-MARGIN : 6 + MARGIN, -MARGIN : 8 + MARGIN].astype(np.float32)
    image = 0.5 * x * x + 2 * x * y - y * y + 3 * x
    features = refinement.features(tf.constant(image[None])).numpy()[0]
    inner = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    expected = [image, x + 2 * y + 3, 2 * x - 2 * y, 1 + 0 * x, 2 + 0 * x, -2 + 0 * x]
    for feature, derivative in zip(features, expected, strict=True):
        np.testing.assert_allclose(feature, derivative[inner], atol=1e-4)


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_diffusivity_is_psi_prime_of_the_gradient(slope):
    u = tf.constant(slope * np.mgrid[:6, :8][1][None], tf.float32)
    size = tf.constant([5, 7])  # Of a canvas of 6 by 8.
    left, up = refinement.diffusivities(u, 0 * u, size, tf.constant(1e-3))
    expected = 0.5 / np.sqrt(slope**2 + 1e-6)
    np.testing.assert_allclose(left[0, :5, 2:6], expected, rtol=1e-4)
    np.testing.assert_allclose(up[0, 1:5, 1:6], expected, rtol=1e-4)
    for outside in (left[0, :, 0], left[0, 5], left[0, :, 7], up[0, 0], up[0, 5], up[0, :, 7]):
        assert not outside.numpy().any()


def test_pixels_from_outside_carry_no_data():
    size, moved = tf.constant([4, 6]), tf.fill([1, 4, 6], 2.0)
    features = tf.constant(np.random.default_rng(0).random((1, 6, 4, 6)).astype(np.float32))
    warped, inside = refinement.warp(features, moved, 0 * moved, size)
    assert inside.numpy()[0, :, :4].all() and not inside.numpy()[0, :, 4:].any()
    np.testing.assert_array_equal(warped[:, :, :, :4], features[:, :, :, 2:])
    data = refinement.linearise(features, warped, inside, 0.0)
    for part in data:
        whole = tf.reshape(tf.stack([part[0], part[1]], axis=3), [4, 3, 2])
        assert not whole.numpy()[:, 2].any() and whole.numpy()[:, :2].any()
