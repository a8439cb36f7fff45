"""What scores amount to, and which classes need clips."""

import dataclasses

import made_up_scores
import numpy as np
import pytest

from tf_twostream.reports import measures
from tf_twostream.scores import intervals

LABELS = np.arange(40) % 4
NAMES = ("a", "b", "c", "d")


def clips(groups=(), labels=LABELS):
    own = made_up_scores.make_scores(0, labels=labels, names=NAMES)
    return dataclasses.replace(own, groups=groups)


def test_the_interval_resamples_recordings_as_fuse_scores_does():
    groups = tuple(f"r{row // 4}" for row in range(40))
    videos = clips(groups)
    own = measures.measure(videos, videos.scores)
    right = videos.scores.argmax(axis=1) == LABELS
    assert own.value == right.mean()
    assert own.interval == intervals.resample(right, groups)


def test_one_recording_has_no_interval():
    videos = clips(("one",) * 40)
    assert measures.measure(videos, videos.scores).interval is None
    assert measures.compare(videos, videos.scores, videos.scores)[1] is None


def test_a_video_without_a_recording_is_one_of_its_own():
    assert measures.count_recordings(("a", "a", "", ""), 4) == 3
    assert measures.count_recordings((), 4) == 4


def test_a_fusion_is_compared_clip_by_clip():
    videos = clips()
    right, wrong = np.eye(4)[LABELS], np.eye(4)[(LABELS + 1) % 4]
    gain, interval = measures.compare(videos, right, np.where(LABELS[:, None] == 0, wrong, right))
    assert gain == pytest.approx(0.25)
    assert interval == intervals.resample((LABELS == 0).astype(float))
    assert measures.compare(videos, wrong, right) == (-1, (-1, -1))


def test_chance_is_one_of_all_classes_and_the_most_frequent_one():
    assert measures.chance(clips()) == {"chance (one of 4)": 0.25}
    found = measures.chance(clips(labels=np.array([0, 1, 1, 1, 1])))
    assert found == {"chance (one of 4)": 0.25, "always b": 0.8}


def test_chance_of_several_labels_is_the_share_of_videos_that_show_a_class():
    videos = made_up_scores.make_several(0)
    [value] = measures.chance(videos).values()
    assert value == pytest.approx(np.mean([1 / 3, 2 / 3, 2 / 3]))
    assert measures.measure(videos, videos.scores).interval is None
    assert measures.hits(videos, np.eye(3)).tolist() == [True, False, True]


def test_classes_below_the_mean_need_clips_most_where_few_recordings_were_learnt_from():
    recall = np.array([1.0, 0.5, 0.5, 0.6, np.nan, 0.9])
    assert measures.needs(recall, [9, 9, 3, 3, 0, 1]) == [2, 3, 1]
    assert measures.needs(np.ones(3), [1, 1, 1]) == []
    assert len(measures.needs(np.arange(20) / 20, [1] * 20)) == measures.MOST_NEEDY
