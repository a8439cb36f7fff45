"""Pictures of filters, inputs and labelled frames."""

import cv2
import numpy as np
from matplotlib import figure

from tf_twostream.figures import pictures

RNG = np.random.default_rng(0)


def test_temporal_filters_are_a_column_each_and_channels_a_row_each():
    kernel = RNG.normal(size=(7, 7, 20, 96)).astype(np.float32)
    picture = pictures.first_layer_filters(kernel, rgb=False, zoom=1)
    assert picture.shape == (20 * 8 + 1, 96 * 8 + 1, 3)
    row, column = 5, 17
    tile = picture[row * 8 + 1 : row * 8 + 8, column * 8 + 1 : column * 8 + 8, 0].astype(float)
    assert np.corrcoef(tile.ravel(), kernel[:, :, row, column].ravel())[0, 1] > 0.999


def test_zero_weights_are_mid_grey_between_white_lines():
    for rgb in (True, False):
        picture = pictures.first_layer_filters(np.zeros((7, 7, 6, 4)), rgb=rgb)
        assert set(np.unique(picture)) == {128, 255}
        assert (picture[1:29, 1:29] == 128).all()
        assert (picture[0] == 255).all() and (picture[:, 29] == 255).all()


def test_rgb_filters_are_coloured_tiles():
    kernel = np.zeros((7, 7, 3, 1), np.float32)
    kernel[:, :, 0] = 1  # Red.
    picture = pictures.first_layer_filters(kernel, rgb=True, zoom=1)
    assert picture[3, 3].tolist() == [255, 128, 128]


def test_a_filter_on_stacked_frames_is_a_strip_of_coloured_tiles():
    kernel = np.zeros((7, 7, 15, 3), np.float32)
    kernel[:, :, 3 * 2 + 1, 1] = 1  # The second filter looks at green in the third frame.
    picture = pictures.first_layer_filters(kernel, rgb=True, zoom=1)
    assert picture.shape == (5 * 7 + 2, 3 * 8 + 1, 3)
    expected = np.full((5 * 7, 7, 3), 128)  # Grey levels.
    expected[2 * 7 : 3 * 7, :, 1] = 255
    np.testing.assert_array_equal(picture[1:-1, 9:16], expected)


def test_rgb_inputs_are_shown_as_they_are():
    inputs = RNG.integers(0, 255, (2, 5, 5, 3))
    picture = pictures.network_inputs(inputs, rgb=True)
    np.testing.assert_array_equal(picture[1:6, 7:12], inputs[1])


def test_fewer_inputs_leave_no_empty_places():
    picture = pictures.network_inputs(RNG.integers(0, 255, (2, 5, 6, 3)), rgb=True, most=4)
    assert picture.shape == (7, 2 * 7 + 1, 3)


def test_stacked_frames_are_shown_below_each_other():
    stacks = RNG.integers(0, 255, (2, 4, 6, 9))
    picture = pictures.network_inputs(stacks, rgb=True)
    for n in range(3):
        frame = picture[1 + 4 * n : 5 + 4 * n, 8:14]
        np.testing.assert_array_equal(frame, stacks[1, ..., 3 * n : 3 * n + 3])


def test_a_volume_is_a_row_of_its_fields_in_colour():
    volume = np.zeros((1, 5, 5, 6), np.float32)
    volume[..., 2] = 3  # The second field moves to the right.
    picture = pictures.network_inputs(volume, rgb=False)
    assert picture.shape == (7, 19, 3)
    assert picture[3, 3].tolist() == [255, 255, 255]
    assert picture[3, 9].argmax() == 0


def test_labelled_pages_have_even_sides_and_the_frame_in_its_own_size():
    for height, width in ((48, 64), (49, 65), (31, 97)):
        frame = RNG.integers(0, 255, (height, width, 3)).astype(np.uint8)
        field = np.ones((24, 32, 2), "f4")
        page = pictures.labelled(frame, field, "a rather long label " * 3, 1.0)
        assert page.shape[0] % 2 == page.shape[1] % 2 == 0
        assert page.shape[1] >= 2 * width
        bar = max(20, height // 8)
        np.testing.assert_array_equal(page[bar : bar + height, :width], frame)
        assert np.ptp(page[bar:, width:].reshape(-1, 3), axis=0).max() == 0  # One colour.


def test_heat_is_bright_and_the_rest_of_the_frame_dark_but_seen():
    frame = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None, :, None], 24, 0).repeat(3, -1)
    heat = np.zeros((24, 32), np.float32)
    heat[:12] = 1
    page = pictures.heated(frame, heat).astype(int)
    assert page.shape == frame.shape
    hot, cold = page[:12].sum(axis=-1), page[12:].sum(axis=-1)
    assert (hot > cold + 100).all()
    assert (np.diff(cold[0]) > 0).all()  # The frame shines through.


def test_maps_come_after_the_frame_and_the_flow_two_in_a_row():
    frame, field = np.full((24, 32, 3), 90, np.uint8), np.ones((24, 32, 2), "f4")
    heats = [np.full((24, 32), value, np.float32) for value in (0.0, 1.0)]
    for count, (rows, flow) in {1: (1, None), 2: (2, field)}.items():
        page = pictures.labelled(frame, flow, "label", 1.0, heats[:count])[20:]
        assert page.shape == (rows * 24, 64, 3)
        parts = [page[y : y + 24, x : x + 32] for y in range(0, len(page), 24) for x in (0, 32)]
        np.testing.assert_array_equal(parts[0], frame)
        for part, heat in zip(parts[-count:], heats):
            np.testing.assert_array_equal(part, pictures.heated(frame, heat))
    page = pictures.labelled(frame, field, "label", 1.0, heats[:1])[20:]
    assert (page[24:, 32:] == page[-1, -1]).all()  # Nothing is left for the fourth place.


def test_columns_stand_below_their_names_and_a_line_of_text():
    images = [np.full((40, 60, 3), level, np.uint8) for level in (10, 20, 30, 40)]
    page = pictures.columns({"one": images[:2], "two": images[2:]}, "label")
    assert page.shape == (20 + 20 + 2 * 41 + 1, 2 * 61 + 1, 3)
    body = page[40:]
    assert [int(body[y, x, 0]) for y in (20, 60) for x in (30, 90)] == [10, 30, 20, 40]
    assert (page[:20] > 128).any() and all((page[20:40, x:][:, :60] > 128).any() for x in (1, 62))


def test_names_are_drawn_in_other_scripts_as_in_latin():
    names = ("gehen über", "ходить", "Περπάτημα", "مشي", "הליכה")
    lines = [pictures._line(name, 40, 300) for name in names]
    assert all(name == pictures.drawable(name) for name in names)
    assert all((line > 128).any() for line in lines)
    assert len({line.tobytes() for line in lines}) == len(names)


def test_a_long_line_fits():
    line = pictures._line("a rather long label " * 9, 40, 300)
    assert line.shape == (40, 300, 3)
    assert (line > 128).any() and (line[:, -4:] == 24).all()


def test_what_no_font_has_is_a_question_mark(monkeypatch):
    monkeypatch.setattr(pictures.font_manager.fontManager, "ttflist", [])
    pictures._font_for.cache_clear()
    assert pictures.drawable("走 walk\n\x1b") == "? walk??"
    pictures._font_for.cache_clear()


def test_a_figure_is_rendered_as_its_file_shows_it(tmp_path):
    drawing = figure.Figure(figsize=(3, 2), facecolor="red")
    drawing.add_axes((0, 0, 1, 1))
    drawing.text(1.1, 0.5, "outside")
    drawing.savefig(tmp_path / "figure.png", dpi=100, bbox_inches="tight")
    picture = pictures.render(drawing)
    assert picture.shape[1] > 330  # The text belongs to it.
    assert picture[-1, -1].tolist() == [255, 0, 0]
    np.testing.assert_array_equal(picture[..., ::-1], cv2.imread(str(tmp_path / "figure.png")))


def test_a_huge_figure_is_rendered_small_enough_to_be_looked_at():
    for width, height in ((100, 60), (6, 90)):
        drawing = figure.Figure(figsize=(width, height))
        drawing.add_axes((0, 0, 1, 1))
        rows, columns, _ = pictures.render(drawing).shape
        assert min(9e6, 1e4 * width * height) < rows * columns < 1.2 * 9e6


def test_motion_beyond_the_scale_is_as_bright_as_on_it():
    field = np.tile(np.float32([[[0.3, 0.1], [3, 1], [300, 100], [0, 0]]]), (25, 1, 1))
    [painted] = pictures.flow_colours([np.concatenate([field] * 30)])  # The scale: 99 %.
    page = pictures.labelled(np.zeros((25, 4, 3), np.uint8), field, "", np.hypot(3, 1))[20:]
    short, full, beyond, rest = page[0, 4:].astype(int)
    assert np.abs(full - beyond).max() <= 1 and full.max() == 255 and (rest == 255).all()
    assert short.min() > full.min()
    assert painted.reshape(-1, 3).max(axis=1).min() == 255
