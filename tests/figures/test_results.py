"""A result is measured once, and its files hold what its figures show."""

import csv
import dataclasses

import made_up_scores
import numpy as np
import pytest

from tf_twostream import figures
from tf_twostream.scores import metrics

RESULT = figures.Result(
    title="average",
    class_names=("b", "a, b", "ö"),
    matrix=np.array([[1, 3, 0], [0, 0, 0], [0, 0, 2]]),
    measure="recall",
    values=np.array([0.25, np.nan, 1]),
)


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def written(result, folder):
    """The names of the files that a result has written."""
    pictures = result.write(folder / "confusion", folder / "recall")
    names = {path.name for path in folder.iterdir()}
    assert {path.removeprefix(f"{folder}/") for path in pictures} < names
    return names


def test_the_confusion_matrix_is_written_as_counts(tmp_path):
    RESULT.write(tmp_path / "new" / "v1.2", tmp_path / "recall")
    assert read_csv(tmp_path / "new" / "v1.2.csv") == [
        ["true \\ predicted", "b", "a, b", "ö"],
        ["b", "1", "3", "0"],
        ["a, b", "0", "0", "0"],
        ["ö", "0", "0", "2"],
    ]
    assert (tmp_path / "new" / "v1.2.png").is_file()


def test_recall_is_written_in_class_order_and_empty_where_unknown(tmp_path):
    RESULT.write(tmp_path / "confusion", tmp_path / "recall")
    assert read_csv(tmp_path / "recall.csv") == [
        ["class", "recall"],
        ["b", "0.250000"],
        ["a, b", ""],
        ["ö", "1.000000"],
    ]


def test_both_figures_are_written_with_their_numbers(tmp_path):
    pairs = {f"{name}.{kind}" for name in ("confusion", "recall") for kind in ("png", "csv")}
    assert written(RESULT, tmp_path) == pairs


def test_what_does_not_fit_is_not_written(tmp_path):
    narrow = dataclasses.replace(RESULT, matrix=np.eye(2))
    with pytest.raises(ValueError, match="Received"):
        narrow.write(tmp_path / "confusion", tmp_path / "recall")
    assert not list(tmp_path.iterdir())


def test_a_result_has_the_measures_of_its_scores():
    scores = made_up_scores.make_scores(0)
    result = figures.summarise(scores, name="spatial")
    accuracy = metrics.accuracy(scores.scores, scores.labels)
    assert result.title == f"spatial: video accuracy {100 * accuracy:.1f} %, 4 videos"
    assert (result.class_names, result.measure) == (made_up_scores.NAMES, "recall")
    np.testing.assert_array_equal(
        result.matrix, metrics.confusion_matrix(scores.scores, scores.labels)
    )
    np.testing.assert_array_equal(
        result.values, metrics.recall_per_class(scores.scores, scores.labels)
    )


def test_another_table_of_the_same_videos_is_measured_alike():
    scores = made_up_scores.make_scores(0)
    decisions = 5 * np.eye(3)[scores.labels] - 7  # As of an SVM: no scores, but the right order.
    result = figures.summarise(scores, decisions)
    assert result.title == "video accuracy 100.0 %, 4 videos"
    np.testing.assert_array_equal(result.matrix, np.diag([1, 1, 2]))


def test_where_videos_show_several_classes_there_is_no_confusion(tmp_path):
    result = figures.summarise(made_up_scores.make_several(0))
    assert (result.matrix, result.draw_confusion()) == (None, None)
    assert result.measure == "average precision"
    assert written(result, tmp_path) == {"recall.png", "recall.csv"}
