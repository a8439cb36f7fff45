"""Intervals from resampling recordings."""

import numpy as np
import pytest

from tf_twostream.scores import intervals


def test_the_interval_of_independent_videos_is_the_binomial_one():
    hits = np.arange(400) < 300
    low, high = intervals.resample(hits)
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (low, high) == (
        pytest.approx(0.75 - half, abs=0.01),
        pytest.approx(0.75 + half, abs=0.01),
    )


def test_clips_of_one_recording_say_no_more_than_one():
    hits, groups = np.repeat(np.arange(40) < 30, 10), np.repeat(np.arange(40), 10).astype(str)
    alone, many = intervals.resample(hits[::10]), intervals.resample(hits, groups)
    np.testing.assert_allclose(many, alone, atol=0.02)


def test_groups_of_different_sizes_count_by_their_videos():
    low, high = intervals.resample([1, 1, 1, 0], ["a", "a", "a", "b"])
    assert (low, high) == (0, 1)


def test_a_video_without_a_group_is_one_of_its_own():
    hits = np.arange(50) % 2
    assert intervals.resample(hits, [""] * 50) == intervals.resample(hits)


def test_the_same_seed_draws_the_same():
    hits = np.random.default_rng(0).random(50)
    assert intervals.resample(hits) == intervals.resample(hits)
    assert intervals.resample(hits, seed=1) != intervals.resample(hits)
