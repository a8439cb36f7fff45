import pytest
from made_up_folders import make

from tf_twostream import datasets
from tf_twostream.datasets import availability, folders, groups

DRAW_1 = ["a/1.avi", "a/2.avi", "a/3.avi", "b/1.avi", "b/2.avi", "b/9.avi"]


def ids(videos):
    return [video.id for video in videos]


def test_train_and_test_folders_are_the_split(tmp_path):
    make(tmp_path, "train/b/1.avi", "train/a/more/2.avi", "test/b/3.avi")
    assert folders.read(tmp_path, 1) == datasets.Split(
        "folders",
        ("a", "b"),
        train=(datasets.Video("train/a/more/2.avi", 0), datasets.Video("train/b/1.avi", 1)),
        test=(datasets.Video("test/b/3.avi", 1),),
    )


def test_a_class_without_a_training_video_is_an_error(tmp_path):
    make(tmp_path, "train/a/1.avi", "test/a/2.avi", "test/b/3.avi")
    with pytest.raises(datasets.UnlearntClassError, match="a training video. Received none of: b"):
        folders.read(tmp_path, 1)


def test_train_and_test_beside_other_folders_are_ambiguous(tmp_path):
    make(tmp_path, "train/a/1.avi", "test/a/2.avi", "bus/a/3.avi")
    with pytest.raises(folders.NamesError, match="all videos.*Received: bus, test, train"):
        folders.read(tmp_path, 1)


def test_a_given_split_is_not_drawn_again(tmp_path):
    make(tmp_path, "train/a/1.avi", "test/a/2.avi")
    with pytest.raises(folders.NamesError, match="`split` must be 1.*Received.*split=2"):
        folders.read(tmp_path, 2)


@pytest.mark.parametrize(
    ("num_videos", "num_test"), [(1, 0), (2, 1), (3, 1), (5, 2), (10, 3), (25, 8)]
)
def test_thirty_percent_of_each_class_are_drawn_for_testing(tmp_path, num_videos, num_test):
    make(tmp_path, "other/1.avi", *(f"a/{number}.avi" for number in range(num_videos)))
    split = folders.read(tmp_path, 1)
    assert split.class_names == ("a", "other")
    assert len(split.test) == num_test
    assert len(split.train) == num_videos - num_test + 1
    assert split.unused == ()


def test_a_class_of_one_video_is_not_tested_and_that_is_said(tmp_path, caplog):
    split = folders.read(make(tmp_path, "a/1.avi", "b/1.avi", "b/2.avi"), 1)
    assert {video.label for video in split.test} == {1}
    assert "no test video of 1 class with a single group to learn from: a." in caplog.text


def test_the_draw_is_the_same_everywhere_and_another_for_another_number(tmp_path):
    names = [f"{name}/{number}.avi" for name in "ab" for number in range(10)]
    here, there = make(tmp_path / "here", *names), make(tmp_path / "there", *names[::-1])
    assert folders.read(here, 1) == folders.read(there, 1)
    assert ids(folders.read(here, 1).test) != ids(folders.read(here, 2).test)
    # The draw itself is a law: a changed one would move test videos into training sets.
    assert ids(folders.read(here, 1).test) == DRAW_1


def test_a_video_outside_of_class_folders_is_an_error(tmp_path):
    with pytest.raises(folders.NamesError, match="named after its class. Received: 'stray.avi'"):
        folders.read(make(tmp_path, "a/1.avi", "stray.avi"), 1)


def test_class_folders_are_divided_by_actors(tmp_path):
    make(tmp_path, *(f"{name}/{actor}_{name}.avi" for name in "ab" for actor in ("al", "bo", "cy")))
    split = folders.read_groups(tmp_path, ("bo",), groups.PATTERN)
    assert split.class_names == ("a", "b")
    assert split.test == (
        datasets.Video("a/bo_a.avi", 0, "bo"),
        datasets.Video("b/bo_b.avi", 1, "bo"),
    )
    assert ids(split.train) == ["a/al_a.avi", "a/cy_a.avi", "b/al_b.avi", "b/cy_b.avi"]


def test_the_real_weizmann_clips_leave_two_actors_out(shared_data):
    videos = shared_data / "clips" / "weizmann"
    split = folders.read_groups(videos, ("daria", "ido"), groups.PATTERN)
    assert split.class_names == ("bend", "jack", "run", "walk", "wave2")
    assert {video.group for video in split.test} == {"daria", "ido"}
    assert (len(split.train), len(split.test)) == (35, 10)


def test_given_train_and_test_folders_are_not_divided_again(tmp_path):
    make(tmp_path, "train/a/al_1.avi", "test/a/bo_1.avi")
    with pytest.raises(
        folders.NamesError, match="are the parts. Received: test, train and test_groups=bo"
    ):
        folders.read_groups(tmp_path, ("bo",), groups.PATTERN)


PARTS = [
    ("train", "test", ""),
    ("Train", "Test", ""),
    ("training", "testing", ""),
    ("train", "eval", "Valid"),
    ("TRAINING", "test", "validation"),
    ("train", "testing", "dev"),
]


@pytest.mark.parametrize(("train", "test", "val"), PARTS)
def test_parts_are_known_by_the_names_that_people_give_them(tmp_path, train, test, val):
    names = [f"{part}/{name}/1.avi" for part in (train, test, val) if part for name in "ab"]
    split = folders.read(make(tmp_path, *names), 1)
    assert split.class_names == ("a", "b")
    assert ids(split.train) == [f"{train}/a/1.avi", f"{train}/b/1.avi"]
    assert ids(split.test) == [f"{test}/a/1.avi", f"{test}/b/1.avi"]
    assert ids(split.validation) == ([f"{val}/a/1.avi", f"{val}/b/1.avi"] if val else [])


def test_without_a_test_part_the_validation_part_is_tested_on_and_that_is_said(tmp_path, caplog):
    make(tmp_path, *(f"{part}/{name}/1.avi" for part in ("train", "val") for name in "ab"))
    split = folders.read(tmp_path, 1)
    assert (ids(split.test), split.validation) == (["val/a/1.avi", "val/b/1.avi"], ())
    assert "no test/: the videos of the validation part are tested on" in caplog.text


@pytest.mark.parametrize("parts", [("train",), ("Testing",), ("test", "val"), ("train", "Train")])
def test_folders_like_parts_without_a_counterpart_are_no_classes(tmp_path, parts):
    make(tmp_path, *(f"{part}/{name}/1.avi" for part in parts for name in "ab"))
    with pytest.raises(folders.NamesError, match=f"like parts.*Received: .*{parts[-1]}"):
        folders.read(tmp_path, 1)


def test_a_class_may_be_called_train_where_others_are_not_parts(tmp_path):
    make(tmp_path, *(f"{name}/{n}.avi" for name in ("bus", "car", "train") for n in range(2)))
    assert folders.read(tmp_path, 1).class_names == ("bus", "car", "train")


def test_a_single_class_is_an_error(tmp_path):
    with pytest.raises(availability.SingleClassError, match="two classes or more. .* 'UCF-101'"):
        folders.read(make(tmp_path, "UCF-101/a/1.avi", "UCF-101/b/1.avi"), 1)


def test_classes_that_are_integers_are_in_their_order(tmp_path):
    split = folders.read(make(tmp_path, *(f"{name}/1.avi" for name in (10, 2, 1))), 1)
    assert split.class_names == ("1", "2", "10")


def test_recordings_are_drawn_as_a_whole(tmp_path):
    make(
        tmp_path,
        *(f"{k}/v_{k}_g{g:02}_c{c:02}.avi" for k in "ab" for g in range(1, 26) for c in (1, 2, 3)),
    )
    split = folders.read(tmp_path, 1)
    assert split.name == "folders draw 1"
    assert not {v.group for v in split.train} & {v.group for v in split.test}
    assert len({v.group for v in split.test}) == 14 and len(split.test) == 42
    assert ids(split.test) != ids(folders.read(tmp_path, 2).test)


def test_a_pattern_finds_groups_to_draw_as_a_whole(tmp_path):
    make(tmp_path, *(f"{k}/{g}x{c}.avi" for k in "ab" for g in range(10) for c in range(2)))
    split = folders.read(tmp_path, 1, r"(\d)x")
    assert not {v.group for v in split.train} & {v.group for v in split.test}
    assert len(split.test) == 12
