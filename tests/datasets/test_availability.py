import dataclasses

import pytest
from absl import logging
from tiny_splits import ALL_IDS, MANY, NAMES, SPLIT, ids

from tf_twostream import datasets


def test_a_split_whose_videos_all_exist_is_kept_as_it_is():
    kept = datasets.keep_available(SPLIT, ALL_IDS | {"x.avi"}, where="here", allow_missing=False)
    assert kept is SPLIT


def test_missing_videos_are_an_error_that_counts_them_and_names_ten():
    videos = tuple(datasets.Video(f"a/{number:02}.avi", 0) for number in range(13))
    split = datasets.Split("tiny", ("a",), train=videos, test=())
    with pytest.raises(datasets.MissingVideosError) as error:
        datasets.keep_available(split, {"a/00.avi"}, where="the store s", allow_missing=False)
    message = str(error.value)
    assert "12 of the 13 videos of tiny are not in the store s" in message
    assert [f"a/{number:02}.avi" in message for number in range(13)] == (
        [False] + 10 * [True] + 2 * [False]
    )


def test_a_missing_unused_video_is_missing_too():
    with pytest.raises(datasets.MissingVideosError, match="jump/a.avi"):
        available = ALL_IDS - {"jump/a.avi"}
        datasets.keep_available(SPLIT, available, where="here", allow_missing=False)


@pytest.mark.parametrize("found", ["UCF-101/run/é +(1)!.avi", "é +(1)!.avi"])
def test_a_folder_too_high_or_too_low_is_recognised(found):
    with pytest.raises(datasets.MissingVideosError) as error:
        datasets.keep_available(SPLIT, {found, "x.avi"}, where="here", allow_missing=True)
    assert f"One is there as {found!r}: name another folder" in str(error.value)


@pytest.fixture
def warnings(monkeypatch):
    log = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: log.append(text % args))
    return log


def test_allowed_missing_videos_are_left_out_and_empty_classes_dropped():
    available = {"run/a.avi", "run/é +(1)!.avi", "jump/b.avi"}
    kept = datasets.keep_available(SPLIT, available, where="here", allow_missing=True)
    assert kept.class_names == ("run", "jump")
    assert ids(kept.train) == ["jump/b.avi", "run/é +(1)!.avi"]
    assert [video.label for video in kept.train] == [1, 0]
    assert kept.test == (datasets.Video("run/a.avi", 0),)
    assert kept.unused == ()
    assert kept.name == "tiny, 3 of 5 videos"


def test_classes_that_cannot_be_learnt_are_dropped_and_named(warnings):
    available = {"run/a.avi", "jump/b.avi", "jump/a.avi"}  # Of run only the test video.
    kept = datasets.keep_available(SPLIT, available, where="here", allow_missing=True)
    assert kept.class_names == ("jump",)
    assert (ids(kept.train), ids(kept.test)) == (["jump/b.avi"], [])
    assert kept.name == "tiny, 2 of 5 videos"
    assert "Dropped 1 class without any video left" in warnings[1]
    assert warnings[2].endswith("are dropped with their other videos: run.")


def test_a_class_that_cannot_be_learnt_is_an_error_unless_it_may_be_missing(warnings):
    split = dataclasses.replace(SPLIT, train=SPLIT.train[:2])
    available = ids(datasets.all_videos(split))
    message = r"must have a training video. Received none of: run\.$"
    with pytest.raises(datasets.UnlearntClassError, match=message):
        datasets.keep_available(split, available, where="here", allow_missing=False)
    kept = datasets.keep_available(split, available, where="here", allow_missing=True)
    assert kept.class_names == ("walk", "jump") and len(warnings) == 1


def test_a_further_label_is_enough_to_learn_a_class():
    available = {"a.mp4", "c.mp4"}
    kept = datasets.keep_available(MANY, available, where="here", allow_missing=True)
    assert (kept.class_names, kept.train, kept.test) == (NAMES, MANY.train[:1], MANY.test)


def test_unlearnt_classes_are_taken_from_the_labels_of_the_other_videos():
    available = {"b.mp4", "c.mp4"}
    kept = datasets.keep_available(MANY, available, where="here", allow_missing=True)
    assert (kept.class_names, kept.multi_label) == (("run",), True)
    assert (kept.train, kept.test) == ((datasets.Video("b.mp4", 0),), ())


def test_a_split_without_any_training_video_is_an_error():
    with pytest.raises(datasets.UnlearntClassError, match="none of: walk, run, jump"):
        datasets.keep_available(SPLIT, {"run/a.avi"}, where="here", allow_missing=True)


def test_available_videos_are_those_of_all_classes():
    available = {"run/a.avi", "jump/b.avi", "other.avi"}
    videos = datasets.available_videos(SPLIT, available, where="here", allow_missing=True)
    assert videos == (SPLIT.test[0], SPLIT.train[0])
    with pytest.raises(datasets.MissingVideosError, match="3 of the 5 videos"):
        datasets.available_videos(SPLIT, available, where="here", allow_missing=False)


@pytest.mark.parametrize("available", [set(), {"other/x.avi"}])
def test_no_video_at_all_is_an_error_even_if_missing_ones_are_allowed(available):
    with pytest.raises(datasets.MissingVideosError, match="5 of the 5 videos"):
        datasets.keep_available(SPLIT, available, where="here", allow_missing=True)


def test_a_data_set_without_videos_is_an_error():
    empty = datasets.Split("empty", ("a",), train=(), test=())
    with pytest.raises(datasets.MissingVideosError, match="0 of the 0 videos of empty"):
        datasets.available_videos(empty, {"a/a.avi"}, where="here", allow_missing=True)


def test_equal_names_in_other_classes_are_no_hint_at_another_folder():
    """Clips a/1, b/1 and b/3 exist, and a/3 does not."""
    videos = tuple(datasets.Video(id, 0) for id in ("a/1.avi", "a/3.avi", "b/1.avi", "b/3.avi"))
    split = datasets.Split("tiny", ("a", "b"), videos, ())
    with pytest.raises(datasets.MissingVideosError) as error:
        datasets.keep_available(
            split, ["a/1.avi", "b/1.avi", "b/3.avi"], where="here", allow_missing=False
        )
    assert "a/3.avi" in str(error.value) and "another folder" not in str(error.value)
