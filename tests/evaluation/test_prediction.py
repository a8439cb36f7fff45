"""What is said of one video."""

import numpy as np

from tf_twostream.evaluation import prediction
from tf_twostream.scores import segments


def test_decision_values_are_not_worded_as_percent():
    scores = np.array([-0.5, 1.25])
    item = prediction.Prediction("v.avi", ("a", "b"), scores, {}, are_decisions=True)
    assert item.best(1) == [("b", 1.25)]
    assert item.describe(1.25).strip() == "1.250"
    assert prediction.Prediction("v.avi", ("a", "b"), scores, {}).describe(0.5).strip() == "50.00 %"


def test_the_best_classes_come_first():
    item = prediction.Prediction("v", ("a", "b", "c"), np.array([0.2, 0.5, 0.3]), {})
    assert item.best(2) == [("b", 0.5), ("c", 0.3)]


def test_a_title_has_the_number_of_a_class_whose_name_cannot_be_drawn(monkeypatch):
    scores = np.array([0.2, 0.8])
    item = prediction.Prediction("v.avi", ("a", "gehen über"), scores, {})
    assert item.title == "gehen über 80 %"
    item = prediction.Prediction("v.avi", ("a", "a\nb"), scores, {}, are_decisions=True)
    assert item.title == "class 1: a?b"


def test_a_line_says_the_best_classes_and_how_many_segments():
    scores = np.array([0.1, 0.2, 0.3, 0.4])
    item = prediction.Prediction("v.avi", tuple("abcd"), scores, {})
    assert repr(item) == "<v.avi: d 40.00 %, c 30.00 %, b 20.00 %>"
    assert item.label == "d"
    found = (segments.Segment(0.0, 1.0, "d", 0.4),) * 2
    item = prediction.Prediction("v.avi", tuple("abcd"), scores, {}, segments=found)
    assert repr(item).endswith("; 2 segments>")
