import numpy as np
import pytest
import sklearn.metrics

from tf_twostream.scores import metrics

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
        (SCORES[:0], LABELS[:0], r"N > 0 videos. Received: \[0, 3\]"),
        (SCORES, LABELS + 2, r"integers in \[0, 3\). Received: int64 from 2 to 3"),
        (SCORES, LABELS - 1, r"integers in \[0, 3\). Received: int64 from -1 to 0"),
        (SCORES, LABELS.astype(float), "integers in .* Received: float64"),
        (
            np.where(SCORES == 5, np.nan, SCORES),
            LABELS,
            "finite. Received: NaN or inf in row 2",
        ),
    ],
)
def test_faulty_input_is_an_error(measure, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        measure(scores, labels)


# Class 0: ranks 1 and 3 of 4, (1/1 + 2/3) / 2. Class 1: rank 4, 1/4. Class 2: no video.
MULTI_SCORES = np.array([[0.9, 0.4, 0.1], [0.8, 0.3, 0.2], [0.7, 0.2, 0.3], [0.6, 0.1, 0.4]])
MULTI_LABELS = np.array([[1, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]])


def test_average_precision_is_the_mean_precision_at_the_videos_of_the_class():
    precision = metrics.average_precision_per_class(MULTI_SCORES, MULTI_LABELS)
    np.testing.assert_allclose(precision, [5 / 6, 1 / 4, np.nan])


def test_mean_average_precision_leaves_out_classes_without_videos():
    mean = metrics.mean_average_precision(MULTI_SCORES, MULTI_LABELS.astype(bool))
    assert mean == pytest.approx((5 / 6 + 1 / 4) / 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_average_precision_agrees_with_scikit_learn(dtype):
    rng = np.random.default_rng(0)
    scores = rng.permutation(300 * 20).reshape(300, 20).astype(dtype)  # No two are equal.
    labels = rng.random((300, 20)) < np.linspace(0.01, 0.9, 20)
    expected = [sklearn.metrics.average_precision_score(y, s) for y, s in zip(labels.T, scores.T)]
    np.testing.assert_allclose(metrics.average_precision_per_class(scores, labels), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_of_equal_scores_the_first_ranks_higher(dtype):
    scores = np.array([[1, 1], [1, 1], [0, 0]], dtype)
    labels = [[1, 0], [0, 1], [0, 0]]
    np.testing.assert_allclose(metrics.average_precision_per_class(scores, labels), [1, 1 / 2])


def test_a_perfect_ranking_has_mean_average_precision_one():
    assert metrics.mean_average_precision(MULTI_LABELS + 0.5, MULTI_LABELS) == 1


@pytest.mark.parametrize(
    "measure", [metrics.average_precision_per_class, metrics.mean_average_precision]
)
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (MULTI_SCORES, MULTI_LABELS[:, 0], r"Received: \[4, 3\] and \[4\]"),
        (MULTI_SCORES[0], MULTI_LABELS[0], r"Received: \[3\] and \[3\]"),
        (MULTI_SCORES[:0], MULTI_LABELS[:0], r"N > 0 videos. Received: \[0, 3\]"),
        (MULTI_SCORES, 2 * MULTI_LABELS, "must be 0 or 1. Received: 0 to 2"),
        (MULTI_SCORES, MULTI_LABELS - 1, "must be 0 or 1. Received: -1 to 0"),
        (MULTI_SCORES * [[1], [1], [np.inf], [1]], MULTI_LABELS, "NaN or inf in row 2"),
    ],
)
def test_faulty_multi_label_input_is_an_error(measure, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        measure(scores, labels)


def test_labels_without_any_class_have_no_mean_average_precision():
    with pytest.raises(ValueError, match="must show a class"):
        metrics.mean_average_precision(MULTI_SCORES, 0 * MULTI_LABELS)


@pytest.mark.parametrize(("k", "error"), [(1, 2 / 5), (2, 2 / 5), (3, 0), (5, 0)])
def test_top_k_error_counts_classes_that_are_not_among_the_first_k(k, error):
    scores = np.array([[9, 1, 0], [2, 1, 0], [5, 4, 3], [0, 0, 1], [3, 1, 2]])
    labels = np.array([0, 0, 0, 1, 1])  # Of the two equal scores of row 3 the first counts.
    assert metrics.top_k_error(scores, labels, k) == error


def test_top_one_error_is_what_accuracy_leaves():
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 4, size=(60, 5)), rng.integers(0, 5, 60)
    wrong = 1 - metrics.accuracy(scores, labels)
    assert metrics.top_k_error(scores, labels, 1) == pytest.approx(wrong)


def test_no_guess_at_all_is_refused():
    with pytest.raises(ValueError, match="Received: k=0"):
        metrics.top_k_error(SCORES, LABELS, 0)


def test_the_measure_is_that_of_the_labels():
    scores = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1]])
    labels = np.array([0, 2, 2])
    assert metrics.measure(scores, labels) == {
        "video_accuracy": metrics.accuracy(scores, labels),
        "mean_class_recall": metrics.mean_class_recall(scores, labels),
    }
    shows = np.eye(3, dtype=bool)[labels]
    precision = metrics.mean_average_precision(scores, shows)
    assert metrics.measure(scores, shows) == {"mean_average_precision": precision}


def test_the_top_5_count_where_there_are_more_classes():
    scores = np.tile(np.arange(6) / 15, (2, 1))
    assert metrics.measure(scores, [0, 1])["top_5_accuracy"] == 0.5
    assert list(metrics.measure(scores, [0, 1])) == [
        "video_accuracy",
        "top_5_accuracy",
        "mean_class_recall",
    ]


@pytest.mark.parametrize("labels", [["a", "b"], [0.0, 1.0], [None, 1]])
def test_labels_of_another_type_are_refused(labels):
    with pytest.raises(ValueError, match="Labels must be integers in"):
        metrics.accuracy(np.eye(2), np.array(labels))
