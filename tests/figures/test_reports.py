import csv

import numpy as np
import pytest
from matplotlib import image

from tf_twostream.figures import reports


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def names(number):
    return [f"QuiteLongClassName{index}" for index in range(number)]


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


def test_the_confusion_matrix_is_written_as_counts(tmp_path):
    reports.write_confusion_matrix(
        np.array([[3, 1], [0, 0]]), ["a, b", "ö"], tmp_path / "new" / "v1.2"
    )
    assert read_csv(tmp_path / "new" / "v1.2.csv") == [
        ["true \\ predicted", "a, b", "ö"],
        ["a, b", "3", "1"],
        ["ö", "0", "0"],
    ]
    assert (tmp_path / "new" / "v1.2.png").is_file()


def test_recall_is_written_in_class_order_and_empty_where_unknown(tmp_path):
    reports.write_per_class(np.array([0.25, np.nan, 1]), ["b", "a", "c"], tmp_path / "recall")
    assert read_csv(tmp_path / "recall.csv") == [
        ["class", "recall"],
        ["b", "0.250000"],
        ["a", ""],
        ["c", "1.000000"],
    ]


def test_rows_of_the_figure_are_true_classes(tmp_path):
    matrix = np.diag([4, 4, 4])
    matrix[0] = [0, 0, 4]  # All of class 0 are taken for class 2: top right.
    reports.write_confusion_matrix(matrix, ["a", "b", "c"], tmp_path / "c", title="")
    pixels = image.imread(tmp_path / "c.png")[..., :3]
    dark = np.abs(pixels - (8 / 255, 48 / 255, 107 / 255)).max(axis=-1) < 0.01
    rows, columns = np.nonzero(dark)
    left, right = columns.min(), columns.max() - 35  # Without the colour bar.
    box = dark[rows.min() : rows.max(), left:right]  # No cell of the first column is dark.
    shares = [[cell.mean() for cell in np.array_split(row, 2, 1)] for row in np.array_split(box, 3)]
    np.testing.assert_array_equal(np.array(shares) > 0.5, [[0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize("number", [3, 4, 20, 101])
def test_figures_grow_with_the_classes_so_that_each_has_room_for_its_label(tmp_path, number):
    reports.write_confusion_matrix(np.eye(number, dtype=int), names(number), tmp_path / "c")
    reports.write_per_class(np.linspace(0, 1, number), names(number), tmp_path / "r")
    height, width = image.imread(tmp_path / "c.png").shape[:2]
    assert min(height, width) > 16 * number  # Pixels; a label is 10 high.
    assert max(height, width) < 3000
    height, width = image.imread(tmp_path / "r.png").shape[:2]
    assert height > 18 * number
    assert 500 < width < 1000


def test_names_are_not_taken_for_formulas(tmp_path):
    strange = ["a$b$", "$\\frac", "_^{", "100 %"]
    reports.write_confusion_matrix(np.eye(4), strange, tmp_path / "c", title="$\\frac")
    reports.write_per_class(np.ones(4), strange, tmp_path / "r", title="$\\frac")


def test_shapes_must_fit_the_class_names(tmp_path):
    with pytest.raises(ValueError, match=r"must be \[3, 3\]. Received: \[2, 2\]"):
        reports.write_confusion_matrix(np.eye(2), names(3), tmp_path / "c")
    with pytest.raises(ValueError, match=r"must be \[3\]. Received: \[2\]"):
        reports.write_per_class(np.ones(2), names(3), tmp_path / "r")
    assert not list(tmp_path.iterdir())
