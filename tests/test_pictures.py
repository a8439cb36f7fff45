"""Pictures of filters, inputs and labelled frames."""

import numpy as np

from tf_twostream import pictures

RNG = np.random.default_rng(0)


def test_temporal_filters_are_a_column_each_and_channels_a_row_each():
    kernel = RNG.normal(size=(7, 7, 20, 96)).astype(np.float32)
    picture = pictures.first_layer_filters(kernel, zoom=1)
    assert picture.shape == (20 * 8 + 1, 96 * 8 + 1, 3)
    row, column = 5, 17
    tile = picture[row * 8 + 1 : row * 8 + 8, column * 8 + 1 : column * 8 + 8, 0].astype(float)
    assert np.corrcoef(tile.ravel(), kernel[:, :, row, column].ravel())[0, 1] > 0.999


def test_zero_weights_are_mid_grey():
    assert set(np.unique(pictures.first_layer_filters(np.zeros((7, 7, 3, 4))))) == {128}


def test_rgb_filters_are_coloured_tiles():
    kernel = np.zeros((7, 7, 3, 1), np.float32)
    kernel[:, :, 0] = 1  # Red.
    assert pictures.first_layer_filters(kernel, zoom=1)[3, 3].tolist() == [255, 128, 128]


def test_rgb_inputs_are_shown_as_they_are():
    inputs = RNG.integers(0, 255, (2, 5, 5, 3))
    picture = pictures.network_inputs(inputs)
    np.testing.assert_array_equal(picture[1:6, 7:12], inputs[1])


def test_a_volume_is_a_row_of_its_fields_in_colour():
    volume = np.zeros((1, 5, 5, 6), np.float32)
    volume[..., 2] = 3  # The second field moves to the right.
    picture = pictures.network_inputs(volume)
    assert picture.shape == (7, 19, 3)
    assert picture[3, 3].tolist() == [255, 255, 255]
    assert picture[3, 9].argmax() == 0


def test_labelled_pages_have_even_sides():
    for height, width in ((48, 64), (49, 65), (31, 97)):
        frame, field = np.zeros((height, width, 3), np.uint8), np.ones((height, width, 2), "f4")
        page = pictures.labelled(frame, field, "a rather long label " * 3, 1.0)
        assert page.shape[0] % 2 == page.shape[1] % 2 == 0
        assert page.shape[1] >= 2 * width


def test_a_film_strip_shows_the_frames_of_a_stack_below_each_other():
    stacks = RNG.integers(0, 255, (2, 4, 6, 9))
    strips = pictures.film_strips(stacks)
    assert strips.shape == (2, 12, 6, 3)
    for n in range(3):
        np.testing.assert_array_equal(strips[:, 4 * n : 4 * n + 4], stacks[..., 3 * n : 3 * n + 3])
