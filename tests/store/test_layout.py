"""Names and schema of the files in a store."""

import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.store import layout


def test_a_direction_has_one_record_less_than_there_are_frames():
    for num_frames in (5, np.array([5, 2, 1])):
        np.testing.assert_array_equal(layout.num_records(num_frames, "rgb"), num_frames)
        for kind in ("forward", "backward"):
            np.testing.assert_array_equal(layout.num_records(num_frames, kind), num_frames - 1)


def test_complete_videos_are_told_from_half_done_ones(tmp_path):
    for name in ("a/1.avi/video.json", "a/1.avi/rgb.tfrecord", "2.avi/rgb.tfrecord.partial"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for path in (str(tmp_path), f"{tmp_path}/"):
        assert layout.find_videos(path) == (("a/1.avi",), ("2.avi",))
    assert layout.find_videos(str(tmp_path / "nowhere")) == ((), ())


@pytest.mark.parametrize("text", ["", "{", "\xff"])
def test_what_is_not_json_is_named(tmp_path, text):
    path = tmp_path / "videos" / "a.avi" / "video.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="latin-1")
    with pytest.raises(store.DamagedStoreError, match=r"must hold JSON. Received: .*video\.json"):
        layout.read_video(str(tmp_path), "a.avi")


@pytest.mark.parametrize("text", ["{}", '{"num_frames": 1, "more": 2}'])
def test_what_describes_no_video_is_named(tmp_path, text):
    path = tmp_path / "videos" / "a.avi" / "video.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(store.DamagedStoreError, match="does not describe a video"):
        layout.read_video(str(tmp_path), "a.avi")
