"""Crops and mirrors."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import paper
from tf_twostream.inputs import views

RNG = np.random.default_rng(0)


def cut(image, view, crop):
    """The slow twin of `apply_views` for one image and one view."""
    top, left, flip = view
    piece = image[top : top + crop, left : left + crop]
    return piece[:, ::-1] if flip else piece


def apply_in_dataset(images, chosen, crop):
    data = tf.data.Dataset.from_tensors((images, chosen))
    return data.map(lambda i, v: views.apply_views(i, v, crop)).get_single_element()


@pytest.mark.parametrize(
    "apply",
    [
        views.apply_views,
        tf.function(views.apply_views, jit_compile=True),
        apply_in_dataset,
    ],
    ids=["eager", "xla", "dataset"],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_view_is_a_slice_of_the_image(apply, dtype):
    images = RNG.integers(0, 256, (3, 9, 12, 4)).astype(dtype)
    chosen = np.array([[[0, 0, 0], [4, 7, 1]], [[1, 2, 1], [2, 3, 0]], [[4, 0, 1], [0, 7, 0]]])
    result = np.asarray(apply(tf.constant(images), tf.constant(chosen, tf.int32), 5))
    wanted = [cut(images[b], chosen[b, v], 5) for b in range(3) for v in range(2)]
    np.testing.assert_array_equal(result, wanted)


def test_all_codes_survive():
    codes = tf.reshape(tf.range(256), [1, 16, 16, 1])
    view = views.apply_views(tf.cast(codes, tf.uint8), tf.zeros((1, 1, 3), tf.int32), 16)
    np.testing.assert_array_equal(tf.cast(view, tf.int32), codes)


def test_flip_negates_u_only():
    signs = views.flow_signs(tf.constant([[[0, 0, 1], [3, 4, 0]], [[0, 0, 0], [1, 2, 1]]]))
    assert signs.numpy().tolist() == [[[-1, 1]], [[1, 1]], [[1, 1]], [[-1, 1]]]


def test_ten_views_are_four_corners_and_the_centre_twice():
    chosen = views.test_views(256, 341, 224).numpy()
    places = {(0, 0), (0, 117), (32, 0), (32, 117), (16, 58)}
    assert chosen.shape == (paper.TEST_VIEWS, 3)
    for flip in (0, 1):
        assert {(top, left) for top, left, f in chosen.tolist() if f == flip} == places


def test_the_centre_alone_is_the_fifth_of_the_ten_views():
    centre = views.test_views(256, 341, 224, kind="center")
    np.testing.assert_array_equal(centre, views.test_views(256, 341, 224)[4:5])


def test_without_mirroring_no_view_is_mirrored():
    plain = views.test_views(256, 341, 224, mirroring=False)
    np.testing.assert_array_equal(plain, views.test_views(256, 341, 224)[:5])
    draws = tf.random.stateless_uniform([100, 3], [1, 2], dtype=tf.float64)
    sides = tf.fill([100], 60), tf.fill([100], 50)
    chosen = views.random_view(draws, *sides, 48, mirroring=False)[..., 2]
    assert not np.any(chosen)


def test_ten_views_of_a_frame_as_large_as_the_crop_are_all_the_frame():
    assert np.all(views.test_views(224, 224, 224).numpy()[:, :2] == 0)


def test_random_views_cover_the_whole_frame_and_stay_inside():
    draws = tf.random.stateless_uniform([4000, 3], [1, 2], dtype=tf.float64)
    sides = tf.fill([4000], 60), tf.fill([4000], 50)
    chosen = views.random_view(draws, *sides, 48).numpy()[:, 0]
    assert set(chosen[:, 0]) == set(range(13))
    assert set(chosen[:, 1]) == set(range(3))
    assert abs(chosen[:, 2].mean() - 0.5) < 0.03


def test_the_largest_draw_still_gives_a_view_inside():
    draws = tf.fill([1, 3], np.nextafter(1.0, 0.0))
    view = views.random_view(draws, tf.constant([256]), tf.constant([341]), 224).numpy()
    assert view.tolist() == [[[32, 117, 1]]]


def test_jitter_adds_the_components_of_rgb():
    images = RNG.uniform(0, 255, (2, 3, 3, 3)).astype(np.float32)
    draws = RNG.normal(0, 0.1, (2, 3)).astype(np.float32)
    result = views.jitter_rgb(tf.constant(images), tf.constant(draws)).numpy()
    for b in range(2):
        shift = np.array(paper.RGB_EIGENVECTORS) @ (draws[b] * np.array(paper.RGB_EIGENVALUES))
        np.testing.assert_allclose(result[b], images[b] + 255 * shift, rtol=1e-5, atol=1e-3)


def test_the_colour_components_are_orthonormal():
    vectors = np.array(paper.RGB_EIGENVECTORS)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-3)


def test_boxes_are_of_all_sizes_within_a_quarter_and_near_a_border():
    draws = tf.random.stateless_uniform([4000, 5], [1, 2], dtype=tf.float64)
    height, width = (tf.fill([4000], side) for side in (256, 341))
    boxes = views.random_box(draws, height, width, 224).numpy()[:, 0]
    top, left, tall, wide, flip = boxes.T
    assert (tall.min(), tall.max()) == (168, 256) and (wide.min(), wide.max()) == (168, 280)
    assert abs(np.corrcoef(tall, wide)[0, 1]) < 0.05
    assert (top >= 0).all() and (top + tall <= 256).all()
    assert (left >= 0).all() and (left + wide <= 341).all()
    assert np.minimum(left, 341 - left - wide).max() <= 0.25 * 341
    # Either border is as likely, and so is a mirror.
    assert np.mean(left < 341 - left - wide) == pytest.approx(0.5, abs=0.05)
    assert np.mean(flip) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("flip", [0, 1])
def test_a_box_is_read_between_pixels_and_its_corners_are_pixels(flip):
    rows, columns = np.mgrid[:48, :64]
    images = np.stack([columns, rows], -1)[None].astype(np.float32)
    cut = views.apply_views(images, tf.constant([[[5, 10, 31, 51, flip]]]), 21).numpy()[0]
    across = np.linspace(10, 60, 21)[:: -1 if flip else 1]
    np.testing.assert_allclose(cut[..., 0], np.tile(across, (21, 1)), atol=0.05)
    np.testing.assert_allclose(cut[..., 1], np.tile(np.linspace(5, 35, 21), (21, 1)).T, atol=0.05)


def test_no_box_has_a_line_that_is_not_of_the_frame():
    """The op for it fills lines with zeros that rounding takes beyond the border."""
    images = tf.fill([500, 48, 61, 1], 255)
    draws = tf.random.stateless_uniform([500, 5], [1, 2], dtype=tf.float64)
    boxes = views.random_box(draws, tf.fill([500], 48), tf.fill([500], 61), 41)
    np.testing.assert_array_equal(views.apply_views(images, boxes, 41), 255)


def test_a_box_of_the_size_of_the_input_is_a_square_view():
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3))
    boxes = tf.constant([[[1, 2, 41, 41, 0], [3, 4, 41, 41, 1]]] * 2)
    squares = tf.constant([[[1, 2, 0], [3, 4, 1]]] * 2)
    one, other = (views.apply_views(images, chosen, 41) for chosen in (boxes, squares))
    np.testing.assert_allclose(one, other, atol=0.1)


def test_whole_frames_come_plain_and_mirrored():
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3))
    chosen = tf.repeat(views.test_views(48, 64, 41, kind="dense")[None], 2, axis=0)
    seen = views.apply_views(images, chosen, 41).numpy()
    np.testing.assert_array_equal(seen[::2], images)
    np.testing.assert_array_equal(seen[1::2], images[:, :, ::-1])
    assert views.test_views(48, 64, 41, kind="dense", mirroring=False).shape == (1, 1)
    np.testing.assert_array_equal(views.flow_signs(chosen)[:2, 0], [[1, 1], [-1, 1]])
