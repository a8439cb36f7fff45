"""Which training videos become the validation part."""

import collections
import dataclasses

import pytest

from tf_twostream import datasets
from tf_twostream.datasets import ucf101, validation


def video(label, group, clip, *others):
    return datasets.Video(f"{label}/{group}_{clip}.avi", label, str(group), others)


def split_of(*videos, num_classes=2, **fields):
    names = tuple(map(str, range(num_classes)))
    return datasets.Split("drawn", names, videos, (), **fields)


# Two classes of ten recordings with four clips each.
RECORDINGS = split_of(
    *(video(k, f"{k}g{g}", c) for k in (0, 1) for g in range(10) for c in range(4))
)


def test_whole_groups_are_drawn_and_every_class_gives_its_share():
    drawn = validation.draw(RECORDINGS, 0.2)
    assert collections.Counter(v.label for v in drawn.validation) == {0: 8, 1: 8}
    groups = [{v.group for v in part} for part in (drawn.train, drawn.validation)]
    assert not groups[0] & groups[1]
    assert sorted(drawn.train + drawn.validation, key=RECORDINGS.train.index) == [*RECORDINGS.train]
    assert (drawn.test, drawn.name) == (RECORDINGS.test, RECORDINGS.name)


def test_the_draw_depends_on_the_groups_and_on_nothing_else():
    shuffled = dataclasses.replace(RECORDINGS, train=RECORDINGS.train[::-1], name="other")
    first, second = (validation.draw(split, 0.2) for split in (RECORDINGS, shuffled))
    assert {*first.validation} == {*second.validation}


@pytest.mark.parametrize(
    ("share", "count"), [(0.01, 4), (0.14, 4), (0.16, 8), (0.5, 20), (0.99, 36)]
)
def test_a_class_has_a_group_at_least_and_keeps_one(share, count):
    drawn = validation.draw(RECORDINGS, share)
    assert collections.Counter(v.label for v in drawn.validation) == {0: count, 1: count}


def test_a_group_that_shows_several_classes_is_counted_for_each():
    actors = split_of(*(video(k, g, k) for k in (0, 1) for g in range(10)))
    drawn = validation.draw(actors, 0.2)
    assert len({v.group for v in drawn.validation}) == 2
    assert collections.Counter(v.label for v in drawn.validation) == {0: 2, 1: 2}


def test_a_video_of_several_classes_counts_for_each():
    videos = [video(0, g, "a", 1) for g in range(10)]
    drawn = validation.draw(split_of(*videos, multi_label=True), 0.3)
    assert len(drawn.validation) == 3


def test_without_groups_videos_are_drawn_one_by_one():
    videos = [dataclasses.replace(v, group="") for v in RECORDINGS.train]
    drawn = validation.draw(split_of(*videos), 0.25)
    assert collections.Counter(v.label for v in drawn.validation) == {0: 10, 1: 10}


def test_a_class_of_one_group_stays_whole_and_is_named(caplog):
    videos = [*RECORDINGS.train, video(2, "only", 0), video(2, "only", 1)]
    drawn = validation.draw(split_of(*videos, num_classes=3), 0.2)
    assert {v.label for v in drawn.validation} == {0, 1}
    assert "no validation video of 1 class with a single group to learn from: 2" in caplog.text


def test_where_no_group_can_be_spared_there_is_no_validation_part():
    with pytest.raises(validation.ValidationError, match="validation_share=0.2 for 2 videos"):
        validation.draw(split_of(video(0, "a", 0), video(1, "b", 0)), 0.2)


def test_a_validation_part_of_its_own_counts_instead():
    own = dataclasses.replace(RECORDINGS, validation=(video(0, "own", 0),))
    assert validation.draw(own, 0.2) == own


@pytest.mark.parametrize(
    ("sizes", "share", "count"),
    [
        ((90, 10), 0.2, 10),
        ((1, 60, 10, 10, 10, 9), 0.2, 20),
        ((30, 30, 40), 0.2, 30),
        ((5, 95), 0.5, 95),
        ((1, 99), 0.9, 99),
    ],
)
def test_of_uneven_groups_those_are_taken_that_come_near_the_share(sizes, share, count):
    videos = [video(0, f"g{g}", c) for g, size in enumerate(sizes) for c in range(size)]
    drawn = validation.draw(split_of(*videos), share)
    assert abs(len(drawn.validation) - count) <= 1
    assert drawn.train


def test_the_official_lists_of_ucf101_give_a_fifth_of_every_class(shared_data):
    split = ucf101.read(shared_data / "splits/ucfTrainTestlist", 1)
    drawn = validation.draw(split, 0.2)
    wanted = collections.Counter(v.label for v in split.train)
    found = collections.Counter(v.label for v in drawn.validation)
    assert all(abs(found[label] - 0.2 * count) <= 4 for label, count in wanted.items())
    assert not {v.group for v in drawn.train} & {v.group for v in drawn.validation}
