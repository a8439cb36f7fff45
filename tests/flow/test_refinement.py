import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.flow import refinement, sor

MARGIN = refinement.MARGIN


def test_features_of_a_polynomial_are_its_derivatives():
    y, x = np.mgrid[-MARGIN : 6 + MARGIN, -MARGIN : 8 + MARGIN].astype(np.float32)
    image = 0.5 * x * x + 2 * x * y - y * y + 3 * x
    features = refinement.features(tf.constant(image[None])).numpy()[:, 0]
    inner = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    expected = [image, x + 2 * y + 3, 2 * x - 2 * y, 1 + 0 * x, 2 + 0 * x, -2 + 0 * x]
    for feature, derivative in zip(features, expected, strict=True):
        np.testing.assert_allclose(feature, derivative[inner], atol=1e-4)


def diffusivities(u, size):
    """psi' to the left and above, `[H, W]` each, of a displacement (u, 0) `[H, W]`."""
    coloured = sor.split(tf.constant(u[None], tf.float32))
    grid = sor.Grid(tf.constant(u.shape[1]), tf.constant(u.size // 2))
    edges = refinement.borders(tf.shape(coloured), tf.constant(size))
    halved = sor.with_halo(coloured), sor.with_halo(0 * coloured)
    pairs = [refinement.diffusivities(*halved, edges, grid, c, tf.constant(1e-3)) for c in (0, 1)]
    return [sor.join(tf.reshape(tf.stack(x), coloured.shape)).numpy()[0] for x in zip(*pairs)]


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_diffusivity_is_psi_prime_of_the_gradient(slope):
    left, up = diffusivities(slope * np.mgrid[:6, :9][1], size=(5, 7))  # Of a canvas of 6 by 9.
    expected = 0.5 / np.sqrt(slope**2 + 1e-6)
    np.testing.assert_allclose(left[:5, 2:6], expected, rtol=1e-4)
    np.testing.assert_allclose(up[1:5, 1:6], expected, rtol=1e-4)
    for outside in (left[:, 0], left[5], left[:, 7:], up[0], up[5], up[:, 7:]):
        assert not outside.any()


def test_slopes_along_an_edge_count_as_much_as_across_it():
    y, x = np.mgrid[:6, :9]
    left, up = diffusivities(0.3 * x + 0.4 * y, size=(6, 9))
    expected = 0.5 / np.sqrt(0.25 + 1e-6)
    np.testing.assert_allclose(left[1:-1, 2:-1], expected, rtol=1e-4)
    np.testing.assert_allclose(up[2:-1, 1:-1], expected, rtol=1e-4)


def test_what_lies_outside_the_image_has_no_part_in_its_diffusivities():
    y, x = np.mgrid[:6, :9]
    u = 0.1 * x * y
    other = np.where((y < 5) & (x < 7), u, 99.0)
    for one, another in zip(diffusivities(u, (5, 7)), diffusivities(other, (5, 7))):
        np.testing.assert_allclose(one, another, rtol=1e-6)


def test_pixels_from_outside_carry_no_data():
    size = tf.constant([4, 6])  # Of a canvas of 4 by 7.
    field = tf.stack([tf.fill([1, 4, 7], 2.0), tf.zeros([1, 4, 7])])
    features = tf.constant(np.random.default_rng(0).random((6, 1, 4, 7)).astype(np.float32))
    coloured = refinement.warp(features, features, field, size)
    first, warped, inside = (sor.join(x).numpy() for x in coloured)
    np.testing.assert_array_equal(first, features)
    assert inside[0, :, :4].all() and not inside[0, :, 4:].any()
    np.testing.assert_array_equal(warped[..., :4], features.numpy()[..., 2:6])
    for part in refinement.linearise(*coloured, 0.0):
        whole = sor.join(part).numpy()[0]
        assert not whole[:, 4:].any() and whole[:, :4].any()


def test_reading_between_pixels_is_bilinear_in_each_image_of_a_batch():
    rng = np.random.default_rng(0)
    images = rng.random((6, 2, 6, 9)).astype(np.float32)
    field = tf.constant(rng.uniform(0, 0.9, (2, 2, 6, 9)).astype(np.float32))
    _, warped, inside = refinement.warp(images, images, field, tf.constant([6, 9]))
    u, v = field.numpy()[:, :, :-1, :-1]
    here, right = images[..., :-1, :-1], images[..., :-1, 1:]
    below, both = images[..., 1:, :-1], images[..., 1:, 1:]
    expected = (1 - v) * ((1 - u) * here + u * right) + v * ((1 - u) * below + u * both)
    np.testing.assert_allclose(sor.join(warped)[..., :-1, :-1], expected, atol=1e-6)
    assert sor.join(inside).numpy()[:, :-1, :-1].all()
