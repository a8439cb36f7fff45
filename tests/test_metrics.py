import numpy as np
import pytest

from tf_twostream import metrics

# Class 0: 3 of 4 right, the other taken for 2. Class 1: none of 1, taken for 2. Class 2: no video.
SCORES = np.array([[9, 1, 0], [2, 1, 0], [5, 4, 3], [0, 0, 1], [-3, -2, -1]], np.float32)
LABELS = np.array([0, 0, 0, 0, 1])
ALL = [
    metrics.accuracy,
    metrics.confusion_matrix,
    metrics.recall_per_class,
    metrics.mean_class_recall,
]


def test_accuracy_is_the_share_of_videos():
    assert metrics.accuracy(SCORES, LABELS) == 3 / 5


def test_rows_of_the_confusion_matrix_are_true_classes():
    matrix = metrics.confusion_matrix(SCORES, LABELS)
    np.testing.assert_array_equal(matrix, [[3, 0, 1], [0, 0, 1], [0, 0, 0]])


def test_recall_is_nan_for_a_class_without_videos():
    np.testing.assert_array_equal(metrics.recall_per_class(SCORES, LABELS), [3 / 4, 0, np.nan])


def test_mean_class_recall_leaves_out_classes_without_videos():
    assert metrics.mean_class_recall(SCORES, LABELS) == (3 / 4 + 0) / 2


def test_mean_class_recall_is_accuracy_if_classes_are_equally_large():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(60, 5)), np.repeat(np.arange(5), 12)
    assert metrics.mean_class_recall(scores, labels) == pytest.approx(
        metrics.accuracy(scores, labels)
    )


def test_the_confusion_matrix_agrees_with_counting():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(200, 4)), rng.integers(4, size=200)
    expected = np.zeros((4, 4), int)
    for row, label in zip(scores, labels):
        expected[label, np.argmax(row)] += 1
    np.testing.assert_array_equal(metrics.confusion_matrix(scores, labels), expected)


@pytest.mark.parametrize("measure", ALL)
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (SCORES, LABELS[:4], r"Received: \[5, 3\] and \[4\]"),
        (SCORES[0], LABELS[:1], r"Received: \[3\] and \[1\]"),
        (SCORES, np.eye(5, 3, dtype=int), r"Received: \[5, 3\] and \[5, 3\]"),
        (SCORES[:0], LABELS[:0], "at least one video"),
        (SCORES, LABELS + 2, r"must be in \[0, 3\). Received: 2 to 3"),
        (SCORES, LABELS - 1, r"must be in \[0, 3\). Received: -1 to 0"),
        (SCORES, LABELS.astype(float), "integers. Received: float64"),
        (
            np.where(SCORES == 5, np.nan, SCORES),
            LABELS,
            "finite. Received: NaN or infinity in row 2",
        ),
    ],
)
def test_faulty_input_is_an_error(measure, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        measure(scores, labels)
