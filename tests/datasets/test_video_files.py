import os

import pytest
from made_up_folders import make

from tf_twostream import datasets
from tf_twostream.datasets import video_files


def test_videos_are_known_by_their_suffix_in_any_case(tmp_path):
    videos = {f"a/x{suffix}" for suffix in video_files.SUFFIXES} | {"a/y.AVI", "a/y.Mp4"}
    make(tmp_path, *videos, "a/x.txt", "a/x.jpg", "a/avi", "readme.md")
    assert datasets.find_videos(tmp_path) == videos


@pytest.mark.parametrize("suffix", ["mts", "3gp", "ts", "m2ts", "ogv", "gif", "h264", "vob"])
def test_what_cameras_and_phones_write_is_a_video(suffix):
    assert video_files.is_video(f"a/x.{suffix}")


def test_what_is_left_out_is_said_with_the_folders_of_which_nothing_is_left(tmp_path, caplog):
    make(tmp_path, "a/x.avi", "a/x.txt", "b/1.xyz", "b/c/2.XYZ", "readme", "\x1b/x.p\x1b")
    video_files.find(tmp_path).warn()
    [line] = caplog.messages
    assert line == (
        r"Left out because of the suffix: 1 without one, 1 .p\x1b, 1 .txt, 2 .xyz. "
        r"Nothing is left of: \x1b, b."
    )
    caplog.clear()
    video_files.find(make(tmp_path / "whole", "a/x.avi")).warn()
    assert not caplog.messages


def test_a_name_that_is_no_id_is_found_apart_and_escaped(tmp_path, caplog):
    names = {
        b"a/caf\xe9.avi": r"a/caf\udce9.avi",
        b"a/red\x1b[31m.avi": r"a/red\x1b[31m.avi",
        b"a/two\nlines.avi": r"a/two\nlines.avi",
        b"a/back\\slash.avi": r"a/back\\slash.avi",
    }
    try:
        make(tmp_path, "a/x.avi", *map(os.fsdecode, names))
    except OSError:
        pytest.skip("This file system takes UTF-8 alone.")
    found = video_files.find(tmp_path)
    assert found.ids == {"a/x.avi"}
    assert set(found.unusable) == set(names.values())
    assert all(path.exists() for path in found.unusable.values())
    assert video_files.list_ids(tmp_path) == ["a/x.avi"]
    assert "Left out 4 videos with a name that is" in caplog.text


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


def test_two_names_of_one_folder_both_count(tmp_path):
    make(tmp_path, "far/x.avi", "videos/c/y.avi")
    for name in ("a", "b"):
        (tmp_path / "videos" / name).symlink_to(tmp_path / "far")
    assert datasets.find_videos(tmp_path / "videos") == {"a/x.avi", "b/x.avi", "c/y.avi"}


def test_folders_that_lead_to_each_other_end(tmp_path):
    make(tmp_path, "a/x.avi", "b/y.avi")
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a")
    videos = {"a/x.avi", "a/to_b/y.avi", "b/y.avi", "b/to_a/x.avi"}
    assert datasets.find_videos(tmp_path) == videos


@pytest.mark.parametrize("name", ["", "missing", "file.avi"])
def test_a_folder_that_is_none_is_an_error(tmp_path, monkeypatch, name):
    monkeypatch.chdir(make(tmp_path, "file.avi"))
    with pytest.raises(
        video_files.VideosDirError, match=f"`videos_dir` must be.*Received: '{name}'"
    ):
        datasets.find_videos(name)


def test_a_folder_without_videos_is_an_error(tmp_path):
    with pytest.raises(video_files.VideosDirError, match=r"\.avi.*Received.*no videos"):
        video_files.list_ids(make(tmp_path, "a/readme.txt"))
