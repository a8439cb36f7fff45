import pytest

from tf_twostream import datasets
from tf_twostream.datasets import folders, groups

DRAW_1 = ["a/1.avi", "a/2.avi", "a/3.avi", "b/1.avi", "b/2.avi", "b/9.avi"]


def make(top, *ids):
    for id in ids:
        path = top / id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return top


def ids(videos):
    return [video.id for video in videos]


def test_videos_are_known_by_their_suffix_in_any_case(tmp_path):
    lower = {"avi", "mp4", "mkv", "mov", "webm", "mpg", "mpeg", "m4v", "wmv", "flv"}
    videos = {f"a/x.{suffix}" for suffix in lower | {"AVI", "Mp4"}}
    make(tmp_path, *videos, "a/x.txt", "a/x.jpg", "a/avi", "readme.md")
    assert datasets.find_videos(tmp_path) == videos


def test_videos_are_found_at_any_depth_under_any_name(tmp_path):
    videos = {"x.avi", "a/b/c/x.avi", "golf/Hit 300+ Yards!!! (A&B) [1]#2.avi"}
    assert datasets.find_videos(make(tmp_path, *videos)) == videos


def test_what_begins_with_a_dot_is_left_out(tmp_path):
    make(tmp_path, "a/x.avi", "a/._x.avi", ".trash/y.avi")
    assert datasets.find_videos(tmp_path) == {"a/x.avi"}


def test_links_are_followed_but_not_in_circles(tmp_path):
    make(tmp_path, "far/x.avi", "videos/a/y.avi")
    (tmp_path / "videos" / "b").symlink_to(tmp_path / "far")
    (tmp_path / "videos" / "a" / "up").symlink_to(tmp_path / "videos")
    assert datasets.find_videos(tmp_path / "videos") == {"a/y.avi", "b/x.avi"}


@pytest.mark.parametrize("name", ["", "missing", "file.avi"])
def test_a_folder_that_is_none_is_an_error(tmp_path, monkeypatch, name):
    monkeypatch.chdir(make(tmp_path, "file.avi"))
    with pytest.raises(folders.VideosDirError, match=f"`videos_dir` must be.*Received: '{name}'"):
        datasets.find_videos(name)


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


def test_a_folder_without_videos_is_an_error(tmp_path):
    with pytest.raises(folders.VideosDirError, match=r"\.avi.*Received.*no videos"):
        folders.read(make(tmp_path, "a/readme.txt"), 1)


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
    with pytest.raises(folders.NamesError, match="are the split. Received: test_groups=bo"):
        folders.read_groups(tmp_path, ("bo",), groups.PATTERN)
