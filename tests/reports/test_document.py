"""Pictures in a report."""

import numpy as np
from matplotlib import figure

from tf_twostream.reports import document
from tf_twostream.store import coding


def test_pictures_keep_their_size_and_their_colours():
    picture = np.full((20, 30, 3), (200, 30, 90), np.uint8)
    made = document.from_pixels(picture, "c")
    assert made.kind == "jpeg"
    np.testing.assert_allclose(coding.decode(made.data), picture, atol=6)


def test_figures_become_png():
    drawing = figure.Figure(figsize=(1, 1))
    drawing.text(0.5, 0.5, "x")
    assert document.from_figure(drawing, "c").data.startswith(b"\x89PNG")


def test_columns_without_a_cell_are_left_out():
    table = document.filled(("a", "b", "c"), [("1", "", ""), ("2", "", "3")])
    assert table == document.Table(("a", "c"), (("1", ""), ("2", "3")))
