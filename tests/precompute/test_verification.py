"""A store and the data set that it was computed from."""

import shutil

import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.precompute import filling, resources, verification
from tf_twostream.store import checking, layout

RESOURCES = resources.Resources(num_workers=2, timeout=30)


def write_clip(path, num_frames):
    made_up_clips.write(path, [np.zeros((32, 42, 3), np.uint8)] * num_frames)


@pytest.fixture
def data_set(tmp_path):
    """A store of two of three clips (the third is broken), and the pairs of id and file."""
    videos = [(name, tmp_path / name) for name in ("a.avi", "b.avi", "broken.avi")]
    write_clip(tmp_path / "a.avi", 6)
    write_clip(tmp_path / "b.avi", 7)
    (tmp_path / "broken.avi").write_bytes(b"RIFF")
    filling.fill(
        videos,
        path=str(tmp_path / "store"),
        settings=store.Settings.of("dis", shorter_side=32),
        resources=RESOURCES,
    )
    return str(tmp_path / "store"), videos


def test_a_store_is_complete_but_for_what_is_known_to_fail(data_set):
    path, videos = data_set
    verdict = verification.verify(path, videos, resources=RESOURCES)
    assert verdict.is_good
    assert (verdict.num_videos, verdict.num_frames) == (2, 13)
    assert (
        list(verdict.failed) == ["broken.avi"] and "no video stream" in verdict.failed["broken.avi"]
    )
    assert (verdict.missing, verdict.damaged, verdict.strangers, verdict.notes) == ((), {}, (), {})


def test_what_is_neither_there_nor_known_to_fail_is_missing(data_set, tmp_path):
    path, videos = data_set
    verdict = verification.verify(
        path, [*videos, ("c.avi", tmp_path / "c.avi")], resources=RESOURCES
    )
    assert verdict.missing == ("c.avi",) and not verdict.is_good
    checking.remove(path, ["a.avi"])
    (tmp_path / "store/failed.csv").unlink()
    assert verification.verify(path, videos, resources=RESOURCES).missing == ("a.avi", "broken.avi")


def test_videos_of_another_data_set_are_named_but_no_error(data_set):
    path, videos = data_set
    verdict = verification.verify(path, videos[:1], resources=RESOURCES)
    assert verdict.strangers == ("b.avi",) and verdict.is_good
    assert verdict.failed == {}  # broken.avi is not in this data set.
    verdict = verification.verify(path, [], resources=RESOURCES)
    assert verdict.strangers == () and list(verdict.failed) == ["broken.avi"]


def test_a_replaced_video_is_found(data_set, tmp_path):
    path, videos = data_set
    shutil.copy(tmp_path / "b.avi", tmp_path / "a.avi")
    verdict = verification.verify(path, videos, resources=RESOURCES)
    assert not verdict.is_good and verdict.num_videos == 1
    assert "its file was replaced since" in verdict.damaged["a.avi"]


def test_a_video_that_cannot_be_opened_any_more_is_noted(data_set, tmp_path):
    path, videos = data_set
    (tmp_path / "a.avi").write_bytes(b"")
    verdict = verification.verify(path, videos, resources=RESOURCES)
    assert verdict.is_good and "cannot be read any more" in verdict.notes["a.avi"]


def test_cut_off_videos_are_noted():
    notes = verification._note_cut_off(
        {
            f"{name}.avi": layout.VideoInfo(5, 32, 42, promised, 25.0, {})
            for name, promised in (("a", 6), ("b", 7), ("c", 0))
        }
    )
    assert notes == {"b.avi": "5 frames decode of 7 that the header promises"}


def test_what_has_no_flow_yet_is_not_damaged_and_never_removed(data_set):
    path, videos = data_set
    more = store.Settings.of("dis", shorter_side=32, directions=("forward", "backward"))
    store.Writer(path, more)  # As if the run that adds flow was killed at once.
    verdict = verification.verify(path, videos, resources=RESOURCES)
    assert verdict.lacking == {"a.avi": ("backward",), "b.avi": ("backward",)}
    assert not verdict.is_good and not verdict.damaged and not verdict.missing
