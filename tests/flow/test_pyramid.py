import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.flow import pyramid


def sizes(height, width, eta=0.8, max_levels=77):
    levels = pyramid.level_sizes(
        tf.constant([height, width]), eta=tf.constant(eta), max_levels=tf.constant(max_levels)
    )
    return levels.numpy().tolist()


def ramp(height, width):
    """An image that rises by 2 per pixel to the right and 3 downwards, from the centre."""
    y, x = np.mgrid[:height, :width] + 0.5
    return (2 * x / width + 3 * y / height)[None].astype(np.float32)


def test_levels_of_256x341_are_opencvs():
    levels = sizes(256, 341)
    assert levels[:4] == [[256, 341], [205, 273], [164, 219], [132, 175]]
    assert len(levels) == 14 and levels[-1] == [15, 19]


def test_levels_end_at_the_limit():
    assert sizes(256, 341, max_levels=1) == [[256, 341]]
    assert len(sizes(256, 341, max_levels=3)) == 3
    assert sizes(15, 400) == [[15, 400]]


@pytest.mark.parametrize("name", pyramid.GEOMETRIES)
def test_a_pyramid_begins_with_the_images_and_has_all_sizes(name):
    images = tf.random.stateless_uniform([2, 31, 45], seed=(0, 0))
    eta = tf.constant(0.65)
    levels = pyramid.build(
        images, tf.constant(sizes(31, 45, 0.65)), geometry=pyramid.GEOMETRIES[name], eta=eta
    )
    found = [levels.read(k).numpy() for k in range(3)]
    np.testing.assert_array_equal(found[0], images)
    assert [list(level.shape[1:]) for level in found] == sizes(31, 45, 0.65)
    assert [level.mean() for level in found] == pytest.approx([0.5] * 3, abs=0.03)


def test_displacements_rise_with_the_size_of_their_level():
    old, new, eta = tf.constant([10, 20]), tf.constant([15, 31]), tf.constant(0.65)
    centred, opencv = (
        pyramid.GEOMETRIES[name].rise(old, new, eta) for name in ("centred", "opencv")
    )
    np.testing.assert_allclose(centred, [1.5, 1.55])
    np.testing.assert_allclose(opencv, [1 / 0.65, 1 / 0.65])  # Whatever sizes are rounded to.


@pytest.mark.parametrize("resize", [pyramid.shrink, pyramid.enlarge])
def test_resizing_keeps_constants_and_ramps(resize):
    old, new = ((40, 50), (27, 33)) if resize is pyramid.shrink else ((27, 33), (40, 50))
    constant = tf.fill([2, *old], 0.7)
    np.testing.assert_allclose(resize(constant, tf.constant(new)), 0.7, rtol=1e-6)
    resized = resize(tf.constant(ramp(*old)), tf.constant(new)).numpy()
    inner = np.s_[:, 4:-4, 4:-4]  # Borders have no neighbours to go on with.
    np.testing.assert_allclose(resized[inner], ramp(*new)[inner], atol=0.02)


def test_resizing_as_opencv_keeps_corners_together():
    constant = tf.fill([1, 20, 30], 0.7)
    eta = tf.constant(0.8)
    shrunk = pyramid.shrink_as_opencv(constant, tf.constant([16, 24]), eta)
    np.testing.assert_allclose(shrunk, 0.7, rtol=1e-6)
    x = np.broadcast_to(np.arange(24, dtype=np.float32), [1, 16, 24])
    enlarged = pyramid.enlarge_as_opencv(tf.constant(x), tf.constant([20, 30]), eta).numpy()
    np.testing.assert_allclose(
        enlarged[0, :, 4:25], np.tile(0.8 * np.arange(4, 25), (20, 1)), atol=1e-5
    )


def test_shrinking_leaves_no_alias():
    stripes = np.tile([0.0, 1.0], 32).astype(np.float32) * np.ones([1, 64, 1], np.float32)
    assert np.ptp(pyramid.shrink(tf.constant(stripes), tf.constant([33, 33])).numpy()) < 0.15


def test_resizing_mirrors():
    image = np.random.default_rng(0).random((1, 31, 45)).astype(np.float32)
    new = tf.constant([25, 36])
    resized = pyramid.shrink(tf.constant(image), new).numpy()
    mirrored = pyramid.shrink(tf.constant(image[:, :, ::-1].copy()), new).numpy()
    np.testing.assert_allclose(mirrored, resized[:, :, ::-1], atol=2e-5)


def test_images_go_on_mirrored_and_then_black():
    image = np.arange(1, 21, dtype=np.float32).reshape(1, 4, 5)
    extended = pyramid.extend(tf.constant(image), margin=2, canvas=tf.constant([6, 8])).numpy()[0]
    assert extended.shape == (10, 12)
    np.testing.assert_array_equal(extended[:8, :9], np.pad(image[0], 2, mode="symmetric"))
    assert not extended[8:].any() and not extended[:, 9:].any()
