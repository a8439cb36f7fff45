import pytest

from tf_twostream.store import layout


def test_file_is_replaced_as_a_whole_and_nothing_is_left(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    layout.write_json(str(path), {"b": 1, "a": [2]})
    assert path.read_text() == '{"a": [2], "b": 1}\n'
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert layout.read_json(str(path)) == {"a": [2], "b": 1}


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    layout.write_json(str(path), {"a": 1})
    with pytest.raises(TypeError):
        layout.write_json(str(path), {"a": object()})
    assert layout.read_json(str(path)) == {"a": 1}


def test_complete_videos_are_told_from_half_done_ones(tmp_path):
    for name in ("a/1.avi/video.json", "a/1.avi/rgb.tfrecord", "2.avi/rgb.tfrecord.partial"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for store in (str(tmp_path), f"{tmp_path}/"):
        assert layout.find_videos(store) == (("a/1.avi",), ("2.avi",))
    assert layout.find_videos(str(tmp_path / "nowhere")) == ((), ())


@pytest.mark.parametrize("text", ["", "{", "\xff"])
def test_what_is_not_json_is_named(tmp_path, text):
    path = tmp_path / "video.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"video\.json is not JSON"):
        layout.read_video(str(path))


@pytest.mark.parametrize("text", ["{}", '{"num_frames": 1, "more": 2}'])
def test_what_describes_no_video_is_named(tmp_path, text):
    path = tmp_path / "video.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="does not describe a video"):
        layout.read_video(str(path))
