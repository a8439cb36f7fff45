import subprocess
import sys

import pytest

from tf_twostream import datasets


def test_ucf101_restricted_to_classes(shared_data):
    source = datasets.Source(
        dataset="ucf101",
        annotations=str(shared_data / "splits" / "ucfTrainTestlist"),
        classes=("PushUps", "BabyCrawling"),
    )
    split = datasets.load(source)
    assert split.class_names == ("BabyCrawling", "PushUps")
    assert {video.label for video in split.test} == {0, 1}


def test_the_real_clips_are_what_keep_available_leaves(shared_data):
    lists = str(shared_data / "splits" / "ucfTrainTestlist")
    kept = datasets.keep_available(
        datasets.load(datasets.Source(dataset="ucf101", annotations=lists)),
        datasets.find_videos(shared_data / "clips" / "ucf101"),
        where="the clips",
        allow_missing=True,
    )
    assert kept.class_names == ("BabyCrawling", "BodyWeightSquats", "JumpingJack", "PushUps")
    assert (len(kept.train), len(kept.test)) == (72, 28)


def test_hmdb51_is_read_from_its_lists(shared_data):
    lists = str(shared_data / "splits" / "testTrainMulti_7030_splits")
    split = datasets.load(datasets.Source(dataset="hmdb51", annotations=lists, split=3))
    assert split.name == "hmdb51 split 3"


def test_class_folders_need_no_annotations(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.avi").touch()
    split = datasets.load(datasets.Source(dataset="folders", videos_dir=str(tmp_path)))
    assert split.train == (datasets.Video("a/1.avi", 0), datasets.Video("b/1.avi", 1))


def test_a_csv_file_is_the_annotations(tmp_path):
    (tmp_path / "v.csv").write_text("path,label,split\n1.avi,a;b,train\n")
    source = datasets.Source("csv", annotations=str(tmp_path / "v.csv"), multi_label=True)
    assert datasets.load(source).train == (datasets.Video("1.avi", 0, other_labels=(1,)),)


@pytest.mark.parametrize("dataset", ["ucf101", "hmdb51", "charades", "csv"])
def test_missing_annotations_are_asked_for(dataset):
    with pytest.raises(
        datasets.ListsError, match=f"{dataset} must have its lists. Received: .*=''"
    ):
        datasets.load(datasets.Source(dataset=dataset, videos_dir="videos"))


@pytest.mark.parametrize("dataset", ["folders", "viva"])
def test_annotations_that_would_be_ignored_are_an_error(tmp_path, dataset):
    source = datasets.Source(dataset=dataset, videos_dir=str(tmp_path), annotations="lists")
    with pytest.raises(
        datasets.ListsError, match=f"{dataset} must have no lists. Received: .*='lists'"
    ):
        datasets.load(source)


def test_viva_leaves_the_subject_of_the_split_out(tmp_path):
    for name in ("01_01_01.avi", "16_01_01.avi"):
        (tmp_path / name).touch()
    split = datasets.load(datasets.Source(dataset="viva", videos_dir=str(tmp_path), split=8))
    assert [video.id for video in split.test] == ["16_01_01.avi"]


def test_charades_is_read_from_its_lists(tmp_path):
    (tmp_path / "Charades_v1_classes.txt").write_text("c000 Holding some clothes\n")
    for part in ("train", "test"):
        lines = f"id,subject,actions\n{part},ann,c000 0.00 1.00\n"
        (tmp_path / f"Charades_v1_{part}.csv").write_text(lines)
    split = datasets.load(datasets.Source(dataset="charades", annotations=str(tmp_path)))
    assert (split.multi_label, split.train) == (True, (datasets.Video("train.mp4", 0, "ann"),))


def test_groups_of_class_folders_are_left_out(tmp_path):
    for name in ("a/x-al.avi", "a/y-bo.avi", "b/z-al.avi"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    source = datasets.Source(
        dataset="folders",
        videos_dir=str(tmp_path),
        test_groups=("bo",),
        group_pattern=r"-(\w+)\.avi$",
    )
    assert datasets.load(source).test == (datasets.Video("a/y-bo.avi", 0, "bo"),)


def test_groups_of_a_csv_file_are_left_out(tmp_path):
    rows = "1.avi,a,train,al\n2.avi,a,train,bo\n3.avi,b,train,bo\n"
    (tmp_path / "v.csv").write_text(f"path,label,split,group\n{rows}")
    source = datasets.Source(
        dataset="csv", annotations=str(tmp_path / "v.csv"), test_groups=("al",)
    )
    split = datasets.load(source)
    assert (split.train, split.test) == (
        (datasets.Video("2.avi", 0, "bo"), datasets.Video("3.avi", 1, "bo")),
        (datasets.Video("1.avi", 0, "al"),),
    )


@pytest.mark.parametrize(("dataset", "split"), [("ucf101", 1), ("viva", 1), ("folders", 2)])
def test_groups_are_the_split_itself(dataset, split):
    with pytest.raises(ValueError, match=f"`test_groups`.* Received: {dataset} with split={split}"):
        datasets.Source(dataset=dataset, split=split, test_groups=("ann",))


@pytest.mark.parametrize(
    ("dataset", "ignored"),
    [
        ("csv", {"group_pattern": "(.)"}),
        ("ucf101", {"group_pattern": "(.)"}),
        ("folders", {"multi_label": True}),
        ("charades", {"multi_label": True}),
    ],
)
def test_a_value_that_would_be_ignored_is_an_error(dataset, ignored):
    [name] = ignored
    with pytest.raises(ValueError, match=f"`{name}` is for .* Received: {dataset}"):
        datasets.Source(dataset=dataset, **ignored)


@pytest.mark.parametrize(
    ("dataset", "split"),
    [
        ("ucf101", 0),
        ("ucf101", 4),
        ("hmdb51", 4),
        ("charades", 2),
        ("viva", 9),
        ("csv", 2),
        ("folders", 0),
    ],
)
def test_the_number_of_the_split_must_exist(dataset, split):
    with pytest.raises(ValueError, match=f"`split` .* Received: .*split={split}"):
        datasets.Source(dataset=dataset, split=split)


def test_an_unknown_data_set_is_an_error():
    with pytest.raises(ValueError, match="ucf101 or .*or kinetics. Received: dataset='sports1m'"):
        datasets.Source(dataset="sports1m")


def test_reading_lists_does_not_import_tensorflow(root):
    code = "import sys; from tf_twostream import datasets; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60).returncode == 0


@pytest.fixture
def videos(tmp_path):
    """Four files that count as videos, by id."""
    names = [f"class {n % 2}/clip {n}.avi" for n in range(4)]
    for name in names:
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [(name, tmp_path / "clips" / name) for name in names]


def test_classes_to_test_on_only_are_computed_too(tmp_path, videos):
    rows = [f"{video_id},{video_id.partition('/')[0]},train" for video_id, _ in videos]
    rows[1] = rows[1].replace("train", "test")
    lists = tmp_path / "lists.csv"
    lists.write_text("\n".join(["path,label,split", *rows]) + "\n")
    videos[3][1].unlink()  # Of class 1 a test video is left.
    source = datasets.Source(
        dataset="csv",
        videos_dir=str(tmp_path / "clips"),
        annotations=str(lists),
        allow_missing=True,
    )
    ids = [video_id for video_id, _ in datasets.list_videos(source)]
    assert ids == [videos[0][0], videos[2][0], videos[1][0]]


def test_all_videos_of_folders_are_listed(tmp_path, videos):
    source = datasets.Source(dataset="folders", videos_dir=str(tmp_path / "clips"), split=2)
    assert datasets.list_videos(source) == datasets.list_videos(source, datasets.load(source))
    assert sorted(datasets.list_videos(source)) == sorted(videos)


@pytest.mark.parametrize("name", ["loose.avi", "train.avi"])
def test_folders_of_which_no_split_can_be_made_are_not_listed(tmp_path, videos, name):
    (tmp_path / "clips" / name).touch()
    source = datasets.Source(dataset="folders", videos_dir=str(tmp_path / "clips"))
    with pytest.raises(ValueError, match=f"named after its class. Received: '{name}'"):
        datasets.list_videos(source)


def test_what_is_left_out_of_folders_is_said(tmp_path, videos, caplog):
    (tmp_path / "clips" / "notes.doc").touch()
    datasets.list_videos(datasets.Source(dataset="folders", videos_dir=str(tmp_path / "clips")))
    assert "Left out because of the suffix: 1 .doc." in caplog.text


def test_only_the_classes_asked_for_are_listed(tmp_path, videos):
    source = datasets.Source(
        dataset="folders", videos_dir=str(tmp_path / "clips"), classes=("class 1",)
    )
    ids = [video_id for video_id, _ in datasets.list_videos(source)]
    assert ids == ["class 1/clip 1.avi", "class 1/clip 3.avi"]


def test_official_lists_are_needed_for_ucf101(tmp_path, videos):
    with pytest.raises(ValueError, match="must have its lists"):
        datasets.list_videos(datasets.Source(dataset="ucf101", videos_dir=str(tmp_path / "clips")))


def test_folder_without_videos_is_refused(tmp_path):
    with pytest.raises(datasets.MissingVideosError, match="no videos"):
        datasets.list_videos(datasets.Source(dataset="folders", videos_dir=str(tmp_path)))
