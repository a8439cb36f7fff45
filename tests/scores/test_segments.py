"""Windows to segments, and segments compared with true ones."""

import numpy as np
import pytest

from tf_twostream.scores import segments
from tf_twostream.scores.segments import Segment

NAMES = ("a", "b")


def windows(labels, *, step=1.0, length=2.0):
    """Windows with these labels, each sure by 0.8."""
    starts = np.arange(len(labels)) * step
    scores = np.where(np.array([[label == name for name in NAMES] for label in labels]), 0.8, 0.2)
    return np.stack([starts, starts + length], axis=1), scores


def test_neighbours_of_one_label_are_one_segment_and_all_time_is_covered():
    found = segments.find(*windows("aabba"), NAMES)
    assert [s.label for s in found] == ["a", "b", "a"]
    assert [(s.start, s.end) for s in found] == [(0.0, 2.5), (2.5, 4.5), (4.5, 6.0)]
    assert all(s.score == pytest.approx(0.8) for s in found)


def test_a_single_window_is_what_it_saw():
    assert segments.find(*windows("b", length=7.0), NAMES) == [Segment(0.0, 7.0, "b", 0.8)]
    assert segments.find(np.zeros((0, 2)), np.zeros((0, 2)), NAMES) == []


def test_a_slip_of_one_window_is_smoothed_away():
    found = segments.find(*windows("aaabaaa"), NAMES, smooth=3)
    assert [s.label for s in found] == ["a"]


def test_what_is_not_sure_is_unknown_if_that_is_asked_for():
    times, scores = windows("aab")
    scores[1] = 0.5
    found = segments.find(times, scores, NAMES, unknown_below=0.6)
    assert [s.label for s in found] == ["a", segments.UNKNOWN, "b"]
    assert found[1].score == pytest.approx(0.5)


def test_the_moving_mean_is_that_of_the_rows_there_are():
    rows = np.arange(5.0)[:, None] ** 2
    np.testing.assert_allclose(
        segments.moving_mean(rows, 3)[:, 0], [0.5, 5 / 3, 14 / 3, 29 / 3, 12.5]
    )
    np.testing.assert_array_equal(segments.moving_mean(rows, 1), rows)
    with pytest.raises(ValueError, match="odd"):
        segments.moving_mean(rows, 2)


def test_measures_of_segments():
    true = [Segment(0, 4, "a", 1), Segment(4, 8, "b", 1)]
    assert segments.accuracy(true, true) == segments.f1(true, true) == 1
    late = [Segment(0, 5, "a", 1), Segment(5, 8, "b", 1)]
    assert segments.accuracy(late, true) == pytest.approx(7 / 8)
    assert segments.f1(late, true) == 1  # Overlaps of 4/5 and 3/4.
    cut = [Segment(0, 1, "a", 1), Segment(1, 4, "b", 1), Segment(4, 8, "b", 1)]
    assert segments.f1(cut, true) == pytest.approx(2 * 1 / 5)
    assert segments.f1([], true) == 0
