import pytest

from tf_twostream import datasets
from tf_twostream.datasets import folders, video_files, viva


def make(top, *names):
    for name in names:
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).touch()
    return top


def ids(videos):
    return [video.id for video in videos]


def test_one_subject_is_left_out(tmp_path):
    make(tmp_path, "01_01_01.avi", "02_32_01.avi", "03_01_01.avi", "16_01_03.avi")
    split = viva.read(tmp_path, 1)
    assert split.name == "viva without subject 1"
    assert split.test == (
        datasets.Video("01_01_01.avi", 0, "subject 1"),
        datasets.Video("02_32_01.avi", 18, "subject 1"),
    )
    assert [video.group for video in split.train] == ["subject 2", "subject 8"]


def test_each_video_is_tested_on_once(tmp_path):
    names = [
        f"{recording:02}_{gesture:02}_01.avi" for recording in range(1, 17) for gesture in (1, 4)
    ]
    make(tmp_path, *names)
    tested = [id for subject in range(1, 9) for id in ids(viva.read(tmp_path, subject).test)]
    assert sorted(tested) == names


def test_there_are_nineteen_classes_named_after_their_numbers(tmp_path):
    split = viva.read(make(tmp_path, "01_13_01.avi"), 1)
    assert len(split.class_names) == 19
    assert split.class_names[split.test[0].label] == "gesture 13"


def test_gestures_that_the_challenge_does_not_use_are_left_out(tmp_path):
    make(tmp_path, "01_01_01.avi", "01_05_01.avi", "03_09_01.avi")
    assert ids(datasets.all_videos(viva.read(tmp_path, 1))) == ["01_01_01.avi"]


def test_slips_in_the_names_are_corrected(tmp_path):
    split = viva.read(make(tmp_path, "01_70_01.avi", "01_80_02.avi"), 1)
    assert [split.class_names[video.label] for video in split.test] == ["gesture 07", "gesture 08"]


def test_depth_videos_are_read_only_where_asked_for(tmp_path):
    make(tmp_path, "01_01_01.avi", "depth/01_01_01.avi", "depth/01_02_01.avi")
    assert ids(viva.read(tmp_path, 1).test) == ["01_01_01.avi"]
    assert ids(viva.read(tmp_path / "depth", 1).test) == ["01_01_01.avi", "01_02_01.avi"]


@pytest.mark.parametrize("name", ["clip.avi", "1-1-1.avi", "00_01_01.avi", "17_01_01.avi"])
def test_another_name_is_an_error(tmp_path, name):
    with pytest.raises(folders.NamesError, match=f"recording_gesture_rep.*Received: '{name}'"):
        viva.read(make(tmp_path, "01_01_01.avi", name), 1)


def test_a_subject_without_videos_is_an_error(tmp_path):
    with pytest.raises(
        video_files.VideosDirError,
        match=r"subject 2, such as 03_01_01\.avi.*with 1 video of others",
    ):
        viva.read(make(tmp_path, "01_01_01.avi"), 2)
