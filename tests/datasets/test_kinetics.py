"""Lists of Kinetics."""

import pytest

from tf_twostream import datasets
from tf_twostream.datasets import kinetics

HEADER = "label,youtube_id,time_start,time_end,split,is_cc\n"
ROWS = (
    "air drumming,-abc_1,10,20,train,0\nyoga,xyz,3,13,train,1\n"
    "yoga,whole,30,40,train,0\nair drumming,val_1,7,17,validate,0\n"
)
FILES = (
    "air drumming/-abc_1_000010_000020.mp4",
    "yoga/xyz_000003_000013.mkv",
    "yoga/xyz.mp4",  # What is cut already counts.
    "whole.webm",
    "val/val_1_000007_000017.mp4",
)


@pytest.fixture
def listed(tmp_path):
    def write(text=ROWS, name="train.csv", header=HEADER):
        (tmp_path / name).write_text(header + text)
        return str(tmp_path / name)

    for name in FILES:
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return write


def test_cut_files_are_found_by_name_and_whole_ones_are_cut_by_their_seconds(tmp_path, listed):
    split = kinetics.read(listed(), str(tmp_path / "videos"))
    assert split.class_names == ("air drumming", "yoga")
    assert split.train == (
        datasets.Video(FILES[0], 0, "-abc_1"),
        datasets.Video(FILES[1], 1, "xyz"),
        datasets.Video("whole.webm#30-40", 1, "whole"),
    )
    assert split.test == (datasets.Video(FILES[4], 0, "val_1"),) and not split.validation


def test_lists_of_the_parts_are_joined_and_files_listed_once(tmp_path, listed):
    other = listed("yoga,whole,0,5,test,0\n", "test.csv")
    source = datasets.Source(
        dataset="kinetics", annotations=f"{listed()},{other}", videos_dir=str(tmp_path / "videos")
    )
    split = datasets.load(source)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [3, 1, 1]
    paths = dict(datasets.list_videos(source))
    assert paths["whole.webm#30-40"] == paths["whole.webm#0-5"] == tmp_path / "videos/whole.webm"


def test_what_is_gone_from_youtube_counts_as_missing(tmp_path, listed):
    annotations = listed(ROWS + "yoga,gone,1,11,train,0\n")
    given = {"dataset": "kinetics", "annotations": annotations}
    source = datasets.Source(videos_dir=str(tmp_path / "videos"), **given)
    with pytest.raises(datasets.MissingVideosError, match="gone_000001_000011"):
        datasets.list_videos(source)
    source = datasets.Source(videos_dir=str(tmp_path / "videos"), allow_missing=True, **given)
    assert len(datasets.list_videos(source)) == 4


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",x,1,2,train,0", "must have a label"),
        ("a,x,1,2,holdout,0", "as its split. Received: 'a', 'x', 'holdout'"),
        ("a,x,2,1,train,0", "A clip must have a start and an end"),
        ("a,x,train,0", "as many cells"),
    ],
)
def test_a_row_that_breaks_a_rule_is_an_error_with_its_line(listed, row, message):
    with pytest.raises(ValueError, match=rf"train\.csv, line 2.*{message}"):
        kinetics.read(listed(row + "\n"), "videos")


def test_the_columns_are_those_of_kinetics(listed):
    with pytest.raises(ValueError, match="label,youtube_id,time_start,time_end,split"):
        kinetics.read(listed("", header="path,label,split\n"), "videos")
