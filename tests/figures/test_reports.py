"""Tables, and the drawings of Fig. 5 and 6 as files show them."""

import numpy as np
import pytest
from matplotlib import image

from tf_twostream.figures import reports


def names(number):
    return [f"QuiteLongClassName{index}" for index in range(number)]


def picture(path, drawing):
    """The drawing as its file shows it, `[H, W, 3]` in [0, 1]."""
    return image.imread(reports.write(path, drawing, ["class"], []))[..., :3]


def test_a_table_is_markdown_that_is_also_aligned():
    assert reports.markdown_table(["net", "accuracy"], [["spatial", "73.0 %"], ["a|b", "9 %"]]) == (
        "| net     | accuracy |\n"
        "| ------- | -------: |\n"
        "| spatial |   73.0 % |\n"
        "| a\\|b    |      9 % |\n"
    )


def test_a_row_is_as_long_as_the_header():
    with pytest.raises(ValueError, match=r"must have 2 cells. Received: \['x'\]"):
        reports.markdown_table(["a", "b"], [["x"]])


def test_rows_of_the_figure_are_true_classes(tmp_path):
    matrix = np.diag([4, 4, 4])
    matrix[0] = [0, 0, 4]  # All of class 0 are taken for class 2: top right.
    drawing = reports.draw_confusion_matrix(matrix, ["a", "b", "c"], "")
    pixels = picture(tmp_path / "c", drawing)
    dark = np.abs(pixels - (8 / 255, 48 / 255, 107 / 255)).max(axis=-1) < 0.01
    rows, columns = np.nonzero(dark)
    left, right = columns.min(), columns.max() - 35  # Without the colour bar.
    box = dark[rows.min() : rows.max(), left:right]  # No cell of the first column is dark.
    shares = [[cell.mean() for cell in np.array_split(row, 2, 1)] for row in np.array_split(box, 3)]
    np.testing.assert_array_equal(np.array(shares) > 0.5, [[0, 1], [1, 0], [0, 1]])


def test_only_shares_above_zero_have_numbers():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [0, 1, 1]])
    drawing = reports.draw_confusion_matrix(matrix, ["a", "b", "c"], "")
    numbers = {text.get_position(): text.get_text() for text in drawing.axes[0].texts}
    assert numbers == {(0, 0): "0.75", (1, 0): "0.25", (1, 2): "0.50", (2, 2): "0.50"}


@pytest.mark.parametrize("number", [3, 4, 20, pytest.param(101, marks=pytest.mark.slow)])
def test_figures_grow_with_the_classes_so_that_each_has_room_for_its_label(tmp_path, number):
    matrix, values = np.eye(number, dtype=int), np.linspace(0, 1, number)
    drawing = reports.draw_confusion_matrix(matrix, names(number), "Confusion matrix")
    height, width = picture(tmp_path / "c", drawing).shape[:2]
    assert min(height, width) > 16 * number  # Pixels; a label is 10 high.
    assert max(height, width) < 3000
    drawing = reports.draw_per_class(values, names(number))
    height, width = picture(tmp_path / "r", drawing).shape[:2]
    assert height > 18 * number
    assert 500 < width < 1000


def test_names_are_not_taken_for_formulas(tmp_path):
    strange = ["a$b$", "$\\frac", "_^{", "100 %"]
    picture(tmp_path / "c", reports.draw_confusion_matrix(np.eye(4), strange, "$\\frac"))
    picture(tmp_path / "r", reports.draw_per_class(np.ones(4), strange, title="$\\frac"))


def test_shapes_must_fit_the_class_names():
    with pytest.raises(ValueError, match=r"must be \[3, 3\]. Received: \[2, 2\]"):
        reports.draw_confusion_matrix(np.eye(2), names(3), "")
    with pytest.raises(ValueError, match=r"must be \[3\]. Received: \[2\]"):
        reports.draw_per_class(np.ones(2), names(3))
