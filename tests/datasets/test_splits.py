import dataclasses

import pytest
from absl import logging

from tf_twostream import datasets

NAMES = ("walk", "run", "jump")
SPLIT = datasets.Split(
    "tiny",
    NAMES,
    train=(
        datasets.Video("jump/b.avi", 2, "anna"),
        datasets.Video("walk/a.avi", 0),
        datasets.Video("run/é +(1)!.avi", 1),
    ),
    test=(datasets.Video("run/a.avi", 1),),
    unused=(datasets.Video("jump/a.avi", 2),),
)
ALL_IDS = {"walk/a.avi", "run/a.avi", "run/é +(1)!.avi", "jump/a.avi", "jump/b.avi"}


MANY = datasets.Split(
    "many",
    NAMES,
    train=(
        datasets.Video("a.mp4", 0, other_labels=(1, 2)),
        datasets.Video("b.mp4", 1),
    ),
    test=(datasets.Video("c.mp4", 0, other_labels=(2,)),),
    multi_label=True,
)


def ids(videos):
    return [video.id for video in videos]


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
    videos = (datasets.Video("a/a.avi", 0), datasets.Video("a/a.avi", 0, store=1))
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
    with pytest.raises(ValueError, match=r"multi_label=True. Received: \(0, 1, 2\) for 'a.mp4'"):
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


def test_a_split_whose_videos_all_exist_is_kept_as_it_is():
    kept = datasets.keep_available(SPLIT, ALL_IDS | {"x.avi"}, where="here", allow_missing=False)
    assert kept is SPLIT


def test_missing_videos_are_an_error_that_counts_them_and_names_ten():
    videos = tuple(datasets.Video(f"a/{number:02}.avi", 0) for number in range(13))
    split = datasets.Split("tiny", ("a",), train=videos, test=())
    with pytest.raises(FileNotFoundError) as error:
        datasets.keep_available(split, {"a/00.avi"}, where="--store=s", allow_missing=False)
    message = str(error.value)
    assert "12 of the 13 videos of tiny are not in --store=s" in message
    assert [f"a/{number:02}.avi" in message for number in range(13)] == (
        [False] + 10 * [True] + 2 * [False]
    )
    assert "--allow_missing" in message


def test_a_missing_unused_video_is_missing_too():
    with pytest.raises(FileNotFoundError, match="jump/a.avi"):
        available = ALL_IDS - {"jump/a.avi"}
        datasets.keep_available(SPLIT, available, where="here", allow_missing=False)


@pytest.mark.parametrize("found", ["UCF-101/run/é +(1)!.avi", "é +(1)!.avi"])
def test_a_folder_too_high_or_too_low_is_recognised(found):
    with pytest.raises(FileNotFoundError) as error:
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
    assert "1 classes without any video left" in warnings[1]
    assert warnings[2].endswith("are dropped with their other videos: run.")


def test_a_class_that_cannot_be_learnt_is_an_error_unless_it_may_be_missing(warnings):
    split = dataclasses.replace(SPLIT, train=SPLIT.train[:2])
    available = ids(datasets.all_videos(split))
    message = r"must have a training video. Received none of: run\..*out: --allow_missing\."
    with pytest.raises(ValueError, match=message):
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
    with pytest.raises(ValueError, match="none of: walk, run, jump"):
        datasets.keep_available(SPLIT, {"run/a.avi"}, where="here", allow_missing=True)


def test_available_videos_are_those_of_all_classes():
    available = {"run/a.avi", "jump/b.avi", "other.avi"}
    videos = datasets.available_videos(SPLIT, available, where="here", allow_missing=True)
    assert videos == (SPLIT.test[0], SPLIT.train[0])
    with pytest.raises(FileNotFoundError, match="3 of the 5 videos"):
        datasets.available_videos(SPLIT, available, where="here", allow_missing=False)


@pytest.mark.parametrize("available", [set(), {"other/x.avi"}])
def test_no_video_at_all_is_an_error_even_if_missing_ones_are_allowed(available):
    with pytest.raises(FileNotFoundError, match="5 of the 5 videos"):
        datasets.keep_available(SPLIT, available, where="here", allow_missing=True)


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
    with pytest.raises(ValueError, match=r"must be one that this program wrote.*split\.json"):
        datasets.load_split(tmp_path / "split.json")
