"""Lists of TSN and mmaction2."""

import pytest

from tf_twostream import datasets
from tf_twostream.datasets import lists, tsn, ucf101, video_files


@pytest.fixture
def folder(tmp_path):
    """Writes lists, and empty files as videos."""

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.txt").write_text(text)
        return ",".join(str(tmp_path / f"{name}.txt") for name in texts)

    for name in ("run/a.avi", "run/b c.mp4", "jump/v.1.mkv", "jump/d.avi"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return write


def videos(tmp_path):
    return str(tmp_path / "videos")


def test_lines_with_and_without_the_number_of_frames_are_told_apart(tmp_path, folder):
    annotations = folder(
        x_train_rawframes="a 120 0\nb c 33 0\nv.1 9 2\n", x_val_videos="jump/d.avi 2\n"
    )
    split = tsn.read(annotations, videos(tmp_path))
    assert split.class_names == ("0", "2")
    assert split.train == (
        datasets.Video("run/a.avi", 0),
        datasets.Video("run/b c.mp4", 0),
        datasets.Video("jump/v.1.mkv", 1),
    )
    assert split.test == (datasets.Video("jump/d.avi", 1),) and not split.validation


def test_each_part_has_its_list(tmp_path, folder):
    annotations = folder(train="a.avi 0\nb.avi 1\n", val="c.avi 0\n", test="d.avi 1\n")
    split = tsn.read(annotations, "")  # Where all have a suffix, nothing is looked up.
    parts = [split.train, split.validation, split.test]
    assert [[video.id for video in part] for part in parts] == [
        ["a.avi", "b.avi"], ["c.avi"], ["d.avi"]
    ]  # fmt: skip


@pytest.mark.parametrize("index", ["1 Run\n2 Long Jump\n3 Walk\n", "Run\nLong Jump\nWalk\n"])
def test_labels_count_from_0_in_the_index_of_classes(tmp_path, folder, index):
    annotations = folder(train="a.avi 0\nb.avi 1\n")
    class_index = folder(classes=index)
    assert tsn.read(annotations, "", class_index).class_names == ("Run", "Long Jump")


@pytest.mark.parametrize(
    ("index", "message"),
    [("1 Run\n3 Walk\n", "one by one"), ("Run\n", r"in \[0, 1\).*Received: 1")],
)
def test_an_index_that_does_not_fit_is_refused(tmp_path, folder, index, message):
    annotations, class_index = folder(train="a.avi 0\nb.avi 1\n"), folder(classes=index)
    with pytest.raises(ValueError, match=message):
        tsn.read(annotations, "", class_index)
    with pytest.raises(lists.MissingListError, match="names of the classes.*none.txt"):
        tsn.read(annotations, "", "none.txt")


@pytest.mark.parametrize("line", ["a.avi", "a.avi run", "a.avi -1", "a.avi 3 1.5", "7"])
def test_a_line_that_breaks_the_format_is_an_error_with_its_place(folder, line):
    with pytest.raises(ValueError, match=rf"train\.txt, line 2 must read.*Received: '{line}'"):
        tsn.read(folder(train=f"b.avi 0\n{line}\n"), "")


@pytest.mark.parametrize("name", ["videos", "train_val"])
def test_the_name_of_a_list_says_its_part(folder, name):
    with pytest.raises(tsn.PartNameError, match=f"{name}.txt"):
        tsn.read(folder(**{name: "a.avi 0\n"}), "")
    with pytest.raises(tsn.PartNameError, match="one list for each part.*2 for val"):
        tsn.read(folder(val="a.avi 0\n", validation="b.avi 1\n"), "")


def test_a_name_is_that_of_one_video(tmp_path, folder):
    (tmp_path / "videos/jump/a.mp4").touch()
    annotations = folder(train="a 0\nd 1\n")
    with pytest.raises(ValueError, match=r"line 1 must name one video.*'jump/a.mp4' and 'run/a.a"):
        tsn.read(annotations, videos(tmp_path))


def test_a_name_without_a_video_counts_as_missing(tmp_path, folder):
    annotations = folder(train="a 0\nd 1\ngone 1\n")
    source = datasets.Source(dataset="tsn", annotations=annotations, videos_dir=videos(tmp_path))
    with pytest.raises(datasets.MissingVideosError, match="1 of the 3 videos.*\n  gone"):
        datasets.list_videos(source)


def test_recordings_are_recognised_whatever_videos_are_there(tmp_path, folder):
    rows = [f"v_{name}_g{g}_c{c} {label}" for label, name in enumerate(("A", "B"))
            for g in (1, 2) for c in (1, 2)]  # fmt: skip
    annotations = folder(train="\n".join(rows))
    (tmp_path / "videos/v_A_g1_c1.avi").touch()
    split = tsn.read(annotations, videos(tmp_path))
    assert [video.group for video in split.train[:3]] == ["v_A_g1", "v_A_g1", "v_A_g2"]


def test_the_lists_of_tsn_are_the_official_split(shared_data, monkeypatch):
    folder = shared_data / "splits"
    official = ucf101.read(folder / "ucfTrainTestlist", 2)
    ids = {video.id for video in datasets.all_videos(official)}
    monkeypatch.setattr(video_files, "find_videos", lambda _: ids)
    rgb = folder / "ucf101_framecounts"
    found = tsn.read(
        f"{rgb}/train_rgb_split2.txt,{rgb}/val_rgb_split2.txt",
        "UCF-101",
        f"{folder}/ucfTrainTestlist/classInd.txt",
    )
    assert found.class_names == official.class_names
    for part in ("train", "test"):
        assert {*getattr(found, part)} == {*getattr(official, part)}
