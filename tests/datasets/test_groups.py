import pytest

from tf_twostream import datasets
from tf_twostream.datasets import groups

SPLIT = datasets.Split(
    "clips",
    ("bend", "wave"),
    train=(
        datasets.Video("1.avi", 0, "al"),
        datasets.Video("2.avi", 1, "al"),
        datasets.Video("3.avi", 0, "bo"),
    ),
    test=(datasets.Video("4.avi", 1, "cy"),),
    unused=(datasets.Video("5.avi", 1, "cy"),),
)


def ids(videos):
    return [video.id for video in videos]


@pytest.mark.parametrize(
    ("id", "group"),
    [
        ("bend/daria_bend.avi", "daria"),
        ("lena_walk1.avi", "lena"),
        ("my_class/person01_boxing_d1_uncomp.avi", "person01"),
        ("day_1/run/Zoë K._run.avi", "Zoë K."),
    ],
)
def test_a_group_is_what_stands_before_the_first_underscore_of_the_file_name(id, group):
    assert groups.find([id], groups.PATTERN) == {id: group}


def test_another_pattern_may_look_anywhere_in_the_path():
    assert groups.find(["run/actor 7/a_1.avi"], r"actor (\d+)/") == {"run/actor 7/a_1.avi": "7"}


@pytest.mark.parametrize("id", ["bend/daria.avi", "my_class/daria.avi", "bend/_1.avi"])
def test_a_path_without_a_group_is_an_error(id):
    with pytest.raises(groups.GroupsError, match=f"must have a group.*Received: '{id}'"):
        groups.find(["bend/al_1.avi", id], groups.PATTERN)


@pytest.mark.parametrize(("pattern", "rule"), [("(a", "regular expression"), ("a", "parentheses")])
def test_a_faulty_pattern_is_an_error(pattern, rule):
    with pytest.raises(groups.GroupsError, match=f"`group_pattern` must .*{rule}.*Received"):
        groups.find([], pattern)


def test_the_groups_left_out_are_tested_on_and_all_others_trained_on():
    split = groups.leave_out(SPLIT, ("bo", "cy"))
    assert (ids(split.train), ids(split.test)) == (["1.avi", "2.avi"], ["3.avi", "4.avi"])
    assert split.unused == SPLIT.unused
    assert split.name == "clips, tested on bo, cy"


def test_each_class_keeps_a_training_video():
    with pytest.raises(
        datasets.UnlearntClassError, match="a training video. Received none of: wave"
    ):
        groups.leave_out(SPLIT, ("al", "cy"))


def test_an_unknown_group_is_an_error_that_lists_the_known_ones():
    with pytest.raises(groups.GroupsError, match="Received: Al. Its 3 groups: al, bo, cy"):
        groups.leave_out(SPLIT, ("Al", "bo"))


def test_a_video_without_a_group_is_an_error():
    split = datasets.Split("clips", ("a",), train=(datasets.Video("1.avi", 0),), test=())
    with pytest.raises(groups.GroupsError, match="must have a group.*none for '1.avi'"):
        groups.leave_out(split, ("al",))
