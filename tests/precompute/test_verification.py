import shutil

import cv2
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.precompute import extraction, filling, verification

EFFORT = {"num_workers": 2, "timeout": 30}


def write_clip(path, num_frames):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (42, 32))
    for _ in range(num_frames):
        writer.write(np.zeros((32, 42, 3), np.uint8))
    writer.release()


@pytest.fixture
def data_set(tmp_path):
    """A store of two of three clips (the third is broken), and the pairs of id and file."""
    videos = [(name, tmp_path / name) for name in ("a.avi", "b.avi", "broken.avi")]
    write_clip(tmp_path / "a.avi", 6)
    write_clip(tmp_path / "b.avi", 7)
    (tmp_path / "broken.avi").write_bytes(b"RIFF")
    filling.run(
        videos,
        path=str(tmp_path / "store"),
        recipe=extraction.Recipe(method="dis", shorter_side=32),
        effort=filling.Effort(num_workers=2),
    )
    return str(tmp_path / "store"), videos


def test_a_store_is_complete_but_for_what_is_known_to_fail(data_set):
    path, videos = data_set
    report = verification.verify(path, videos, **EFFORT)
    assert report.is_good
    assert (report.num_videos, report.num_frames) == (2, 13)
    assert (
        list(report.failed) == ["broken.avi"] and "no video stream" in report.failed["broken.avi"]
    )
    assert (report.missing, report.damaged, report.strangers, report.notes) == ((), {}, (), {})


def test_what_is_neither_there_nor_known_to_fail_is_missing(data_set, tmp_path):
    path, videos = data_set
    report = verification.verify(path, [*videos, ("c.avi", tmp_path / "c.avi")], **EFFORT)
    assert report.missing == ("c.avi",) and not report.is_good
    store.remove(path, ["a.avi"])
    (tmp_path / "store/failed.csv").unlink()
    assert verification.verify(path, videos, **EFFORT).missing == ("a.avi", "broken.avi")


def test_videos_of_another_data_set_are_named_but_no_error(data_set):
    path, videos = data_set
    report = verification.verify(path, videos[:1], **EFFORT)
    assert report.strangers == ("b.avi",) and report.is_good
    assert report.failed == {}  # broken.avi is not in this data set.
    report = verification.verify(path, [], **EFFORT)
    assert report.strangers == () and list(report.failed) == ["broken.avi"]


def test_a_replaced_video_is_found_by_its_header_and_redone(data_set, tmp_path):
    path, videos = data_set
    shutil.copy(tmp_path / "b.avi", tmp_path / "a.avi")
    report = verification.verify(path, videos, **EFFORT)
    assert not report.is_good and report.num_videos == 1
    assert "promises 7 frames, 6 when it was done" in report.damaged["a.avi"]


def test_a_video_that_cannot_be_opened_any_more_is_noted(data_set, tmp_path):
    path, videos = data_set
    (tmp_path / "a.avi").write_bytes(b"")
    report = verification.verify(path, videos, **EFFORT)
    assert report.is_good and "cannot be opened any more" in report.notes["a.avi"]


def test_cut_off_videos_are_noted():
    notes = verification._note_cut_off({"a.avi": (5, 6), "b.avi": (5, 7), "c.avi": (5, 0)})
    assert notes == {"b.avi": "5 frames decode of 7 that the header promises"}


def test_a_line_says_how_the_flow_was_computed():
    recipe = extraction.Recipe(method="dis", directions=("forward", "backward"))
    words = verification.describe(recipe.settings())
    assert words.startswith("dis, OpenCV ")
    assert ", shorter side 256, forward, backward, " in words and "PatchSize 8" in words
    settings = {"method": "x", "parameters": {}, "directions": ["forward"], "shorter_side": 64}
    assert verification.describe(settings) == "x, shorter side 64, forward"
