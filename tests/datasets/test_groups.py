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


def recognise(*names, classes=("a", "b")):
    """Returns the groups of files that each class has; {} is its name."""
    class_of = {f"{k}/{name}.avi".replace("{}", k): k for k in classes for name in names}
    return groups.recognise(class_of, depth=0)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("v_{}_g01_c02", "v_{}_g01"),
        ("kitchen_clip2", "kitchen"),
        ("kitchen-Part-3", "kitchen"),
        ("kitchen (part 3)", "kitchen"),
        ("day 1/kitchen seg04", "day 1/kitchen"),
        ("-abc_4_x_000012_000022", "-abc_4_x"),
        ("The_{}_Film_{}_f_cm_np1_ba_med_0", "The_{}_Film"),
        ("person01_{}_d1_uncomp", "person01"),
        ("daria_{}", "daria"),
        ("daria_{}2", "daria"),
    ],
)
def test_clips_of_a_recording_are_recognised_by_their_names(name, group):
    sister = name[:-1] + "9" if name[-1].isdecimal() else f"{name}9"
    names = (name, sister, "other_" + name)
    found = recognise(*names)
    assert found[f"a/{name}.avi".replace("{}", "a")] == group.replace("{}", "a")


@pytest.mark.parametrize(
    "names",
    [
        ("0", "1", "2"),
        ("img_001", "img_002", "GOPR0123"),
        ("clip1", "clip2", "clip_3"),
        ("recording_1", "recording_2"),
        ("kitchen_clip1", "kitchen_clip2"),  # No class would have a second recording.
        ("{}kitchen_clip1", "{}garden_clip1"),  # No recording has a second clip.
        ("{}ing_1", "{}ing_2", "x{}_1"),
    ],
)
def test_numbers_of_files_are_no_groups(names):
    assert not recognise(*names)


def test_what_the_rule_does_not_match_has_no_group():
    found = recognise("x_part1", "x_part2", "y")
    assert found == {f"{k}/x_part{n}.avi": "x" for k in "ab" for n in (1, 2)}


def split_of(train, test):
    videos = [
        tuple(datasets.Video(f"{part}/{k}/{name}.avi", k) for k in (0, 1) for name in names)
        for part, names in (("train", train), ("test", test))
    ]
    return datasets.Split("clips", ("a", "b"), *videos)


def test_clips_that_look_alike_in_training_and_testing_are_said(caplog):
    groups.warn_of_alike(split_of(["kitchen_1", "garden_1"], ["kitchen_2", "cellar"]))
    assert "2 of 4 test videos look by their names like clips" in caplog.text
    assert "'test/0/kitchen_2.avi' and 'train/0/kitchen_1.avi'" in caplog.text


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["recording_1", "recording_2"], ["recording_3"]),
        (["kitchen_1", "kitchen_2"], ["garden_1"]),
        (["GOPR0123", "IMG_1", "1"], ["GOPR0124", "IMG_2", "2"]),
    ],
)
def test_numbered_files_do_not_look_alike(caplog, train, test):
    groups.warn_of_alike(split_of(train, test))
    assert not caplog.messages


def test_a_group_in_both_parts_is_said(caplog):
    split = datasets.Split(
        "clips",
        ("a",),
        train=(datasets.Video("1.avi", 0, "al"), datasets.Video("2.avi", 0, "bo")),
        test=(datasets.Video("3.avi", 0, "al"),),
    )
    groups.warn_of_alike(split)
    assert "1 of 1 test videos" in caplog.text


def test_single_videos_are_drawn_to_the_nearest_number():
    for number in range(1, 200):
        videos = [datasets.Video(f"{n}.avi", 0) for n in range(number)]
        wanted = max(1, int(0.3 * number + 0.5))
        assert len(groups.draw(videos, 0.3)) == min(wanted, number - 1)


def test_one_other_name_among_numbered_ones_says_nothing(caplog):
    ids = [f"crawling/holiday {n}.avi" for n in range(1, 13)] + ["crawling/broken.avi"]
    videos = tuple(datasets.Video(video_id, 0) for video_id in ids)
    groups.warn_of_alike(datasets.Split("s", ("crawling",), videos[:9], videos[9:]))
    assert not caplog.text
