import pytest

from tf_twostream import datasets
from tf_twostream.datasets import hmdb51

# The names that HMDB has hold spaces and these signs.
ODD = "Golf Tips - Hit The Driver 300+ Yards!!! (A&B)_climb_f_nm_np1_fr_med_0.avi"


def write(folder, split=1):
    (folder / f"climb_stairs_test_split{split}.txt").write_bytes(b"s.avi 1 \r\n\r\nt.avi 2 \r\n")
    (folder / f"climb_test_split{split}.txt").write_text(f"{ODD} 2 \nb.avi 1 \nc.avi 0 \n")
    return folder


def test_a_group_is_what_precedes_the_class_in_the_name(tmp_path):
    [video, _] = hmdb51.read(write(tmp_path), 1).test
    assert video.group == "Golf Tips - Hit The Driver 300+ Yards!!! (A&B)"


def test_codes_are_train_test_and_unused_and_classes_are_alphabetical(tmp_path):
    # Alphabetical by class, not by file: climb_stairs_test... comes before climb_test...
    assert hmdb51.read(write(tmp_path), 1) == datasets.Split(
        "hmdb51 split 1",
        ("climb", "climb_stairs"),
        train=(datasets.Video("climb/b.avi", 0), datasets.Video("climb_stairs/s.avi", 1)),
        test=(
            datasets.Video(f"climb/{ODD}", 0, ODD.split("_climb_")[0]),
            datasets.Video("climb_stairs/t.avi", 1),
        ),
        unused=(datasets.Video("climb/c.avi", 0),),
    )


def test_a_folder_without_lists_of_the_split_is_an_error(tmp_path):
    with pytest.raises(
        datasets.MissingListError, match=r"`annotations` .*https://.*brush_hair_test_split2\.txt"
    ):
        hmdb51.read(write(tmp_path, split=1), 2)


@pytest.mark.parametrize("line", ["a.avi", "a.avi 3", "a.avi 1 x", "1"])
def test_a_line_is_a_file_and_a_code(tmp_path, line):
    (write(tmp_path) / "climb_test_split1.txt").write_text(f"b.avi 1\n{line}\n")
    with pytest.raises(ValueError, match=r"climb_test_split1\.txt, line 2 must read") as error:
        hmdb51.read(tmp_path, 1)
    assert repr(line) in str(error.value)


@pytest.mark.parametrize("split", [1, 2, 3])
def test_the_official_lists_have_the_official_sizes(shared_data, split):
    read = hmdb51.read(shared_data / "splits" / "testTrainMulti_7030_splits", split)
    assert len(read.class_names) == 51
    assert (len(read.train), len(read.test), len(read.unused)) == (3570, 1530, 1666)
    for label in range(51):
        assert sum(video.label == label for video in read.train) == 70
        assert sum(video.label == label for video in read.test) == 30


def test_the_three_official_splits_divide_the_same_videos(shared_data):
    folder = shared_data / "splits" / "testTrainMulti_7030_splits"
    first, *others = (datasets.all_videos(hmdb51.read(folder, split)) for split in (1, 2, 3))
    assert len(first) == 6766
    assert all(other == first for other in others)


def test_real_clips_are_found_under_the_names_of_the_lists(shared_data):
    split = hmdb51.read(shared_data / "splits" / "testTrainMulti_7030_splits", 1)
    found = datasets.find_videos(shared_data / "clips" / "hmdb51")
    assert len(found) == 5
    assert found <= {video.id for video in datasets.all_videos(split)}
