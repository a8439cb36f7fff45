import dataclasses

import pytest
from tiny_splits import MANY, NAMES, SPLIT, ids

from tf_twostream import datasets, store
from tf_twostream.datasets import splits


@pytest.mark.parametrize(
    "id", ["", ".", "/data/a.avi", "../a.avi", "a/../b.avi", "./a.avi", "a//b.avi", "a\\b.avi"]
)
def test_an_id_is_a_plain_relative_posix_path(id):
    with pytest.raises(ValueError, match="relative to the folder of the videos.*Received"):
        datasets.Video(id, 0)


def test_a_video_is_listed_once():
    video = datasets.Video("a/a.avi", 0)
    with pytest.raises(ValueError, match="Received twice: 'a/a.avi'"):
        datasets.Split("tiny", ("a",), train=(video,), test=(video,))


@pytest.mark.parametrize("label", [-1, 1])
def test_a_label_is_an_index_into_the_class_names(label):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        datasets.Split("tiny", ("a",), train=(datasets.Video("a/a.avi", label),), test=())


def test_the_same_id_in_another_store_is_another_video():
    videos = (datasets.Video("a/a.avi", 0), datasets.Video(store.added_id("a/a.avi"), 0))
    assert datasets.Split("tiny", ("a",), train=videos, test=()).train == videos


@pytest.mark.parametrize("labels", [(1, 1), (2, 1), (1, 3, 2)])
def test_several_labels_are_distinct_and_ascend(labels):
    with pytest.raises(ValueError, match="distinct and ascend. Received.*'a.mp4'"):
        datasets.Video("a.mp4", labels[0], other_labels=labels[1:])


def test_every_label_is_an_index_into_the_class_names():
    videos = (datasets.Video("a.mp4", 0, other_labels=(3,)),)
    with pytest.raises(ValueError, match=r"must be in \[0, 3\). Received: 0, 3"):
        datasets.Split("many", NAMES, train=videos, test=(), multi_label=True)


def test_several_labels_are_for_multi_label_splits():
    assert [video.labels for video in MANY.train] == [(0, 1, 2), (1,)]
    with pytest.raises(ValueError, match=r"multi_label=True. Received: 0, 1, 2 for 'a.mp4'"):
        dataclasses.replace(MANY, multi_label=False)


def test_class_names_are_distinct():
    with pytest.raises(ValueError, match="distinct"):
        datasets.Split("tiny", ("a", "a"), train=(), test=())


def test_all_videos_holds_each_once_ordered_by_class_and_id():
    assert ids(datasets.all_videos(SPLIT)) == [
        "walk/a.avi",
        "run/a.avi",
        "run/é +(1)!.avi",
        "jump/a.avi",
        "jump/b.avi",
    ]


def test_selecting_classes_renumbers_labels_in_official_order():
    selected = datasets.select_classes(SPLIT, ["jump", "run"])
    assert selected.class_names == ("run", "jump")
    assert {(video.id, video.label) for video in datasets.all_videos(selected)} == {
        ("run/a.avi", 0),
        ("run/é +(1)!.avi", 0),
        ("jump/a.avi", 1),
        ("jump/b.avi", 1),
    }
    assert ids(selected.train) == ["jump/b.avi", "run/é +(1)!.avi"]
    assert selected.train[0].group == "anna"
    assert selected.name == "tiny, 2 of 3 classes"


def test_selecting_classes_keeps_the_selected_labels_of_a_video():
    selected = datasets.select_classes(MANY, ["jump", "run"])
    assert selected == datasets.Split(
        "many, 2 of 3 classes",
        ("run", "jump"),
        train=(
            datasets.Video("a.mp4", 0, other_labels=(1,)),
            datasets.Video("b.mp4", 0),
        ),
        test=(datasets.Video("c.mp4", 1),),
        multi_label=True,
    )


def test_selecting_all_classes_changes_nothing():
    assert datasets.select_classes(SPLIT, NAMES[::-1]) == SPLIT


def test_an_unknown_class_is_an_error_that_lists_near_names():
    with pytest.raises(ValueError, match=r"Received: WALKS\. Near names: walk\."):
        datasets.select_classes(SPLIT, ["run", "WALKS"])


@pytest.mark.parametrize("split", [SPLIT, MANY])
def test_a_saved_split_is_loaded_equal(tmp_path, split):
    path = tmp_path / "new folder" / "split.json"
    datasets.save_split(split, path)
    assert datasets.load_split(path) == split
    assert [file.name for file in path.parent.iterdir()] == ["split.json"]


def test_a_split_saved_before_there_were_several_labels_is_loaded(tmp_path):
    video = '{"id": "a/a.avi", "label": 0, "group": ""}'
    text = f'{{"name": "x", "class_names": ["a"], "train": [{video}], "test": [], "unused": []}}'
    (tmp_path / "split.json").write_text(text)
    expected = datasets.Split("x", ("a",), train=(datasets.Video("a/a.avi", 0),), test=())
    assert datasets.load_split(tmp_path / "split.json") == expected


def test_classes_without_videos_survive_saving(tmp_path):
    split = datasets.Split("tiny", ("z", "a"), train=(), test=(datasets.Video("a/a.avi", 1),))
    datasets.save_split(split, tmp_path / "split.json")
    assert datasets.load_split(tmp_path / "split.json") == split


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', "path,label,split"])
def test_anything_else_is_no_split_file(tmp_path, text):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(
        datasets.SplitFileError, match=r"must be one that this program wrote.*split\.json"
    ):
        datasets.load_split(tmp_path / "split.json")


@pytest.mark.parametrize("content", ['{"train": []}', '{"train": [1]}', '{"train": {"a": 1}}'])
def test_an_upgrade_of_something_else_is_the_same_error(tmp_path, content):
    (tmp_path / "split.json").write_text(content)
    with pytest.raises(datasets.SplitFileError, match=r"Received: .*split\.json \("):
        datasets.load_split(tmp_path / "split.json", upgrade=lambda video: video | {"label": 0})


def test_a_split_is_brought_up_to_date_video_by_video(tmp_path):
    datasets.save_split(SPLIT, tmp_path / "split.json")
    split = datasets.load_split(
        tmp_path / "split.json", upgrade=lambda video: video | {"id": f"new/{video['id']}"}
    )
    assert [video.id for video in split.train] == [f"new/{video.id}" for video in SPLIT.train]


def test_a_split_is_described_in_a_line():
    split = datasets.Split(
        "clips",
        ("a", "b"),
        train=(datasets.Video("1.avi", 0, "al"), datasets.Video("2.avi", 1, "bo")),
        test=(datasets.Video("3.avi", 1, "cy"),),
    )
    assert datasets.describe(split) == (
        "clips: 2 classes, 2 training, 1 test video, 3 groups such as 'al'."
    )


@pytest.mark.parametrize("id", ["a/two\nlines.avi", "a/\x1b[1m.avi", "a/caf\udce9.avi", "a/\x85"])
def test_an_id_can_be_printed(id):
    with pytest.raises(ValueError, match="An id must be .* without .* control characters"):
        datasets.check_id(id)


def test_classes_are_sorted_as_integers_or_as_texts():
    assert splits.sort_classes(["10", "9", "10", "-1"]) == ("-1", "9", "10")
    assert splits.sort_classes(["10", "9", "x"]) == ("10", "9", "x")
