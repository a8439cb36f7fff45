"""The command that reads every record of a store."""

import cv2
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.flow import codec

FIELD = codec.encode(np.zeros((2, 16, 16), np.uint8))
FRAME = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
SETTINGS = store.Settings(
    method="dis", parameters={"opencv": "5.0.0"}, directions=("forward",), shorter_side=16
)


@pytest.fixture
def path(tmp_path):
    """A store of a/1.avi and b/2.avi."""
    writer = store.Writer(str(tmp_path / "store"), SETTINGS)
    for video_id in ("a/1.avi", "b/2.avi"):
        with writer.video(video_id) as video:
            video.add_rgb(FRAME)
            video.add_rgb(FRAME)
            video.add_flow("forward", FIELD, np.zeros((2, 2)), np.zeros(2))
            video.finish(height=16, width=16, promised_frames=2, fps=25.0)
    writer.write_index()
    return tmp_path / "store"


@pytest.fixture
def verify(here, path, capsys):
    """Runs the command on the store; returns its exit code and what it printed."""

    def call(*flags):
        code = here("verify_store", f"--store={path}", *flags)
        return code, capsys.readouterr().out

    return call


def test_sound_store_is_told_so(verify, path):
    code, output = verify()
    assert code == 0 and "every record is good, 2 videos, 4 frames\n" in output
    assert f"{path}: dis, OpenCV 5.0.0, shorter side 16, forward\n" in output


def test_what_is_damaged_or_missing_is_named_and_removed(verify, path, tmp_path):
    records = path / "videos/b/2.avi/rgb.tfrecord"
    records.write_bytes(records.read_bytes()[:-1])
    for name in ("c/3.avi", "d/4.avi"):
        (tmp_path / "clips" / name).parent.mkdir(parents=True)
        (tmp_path / "clips" / name).touch()
    code, output = verify("--redo", "--dataset=folders", f"--videos_dir={tmp_path / 'clips'}")
    assert code == 1
    assert "damaged: b/2.avi: rgb.tfrecord: record 1 is damaged or cut off" in output
    assert "missing: c/3.avi\nmissing: d/4.avi" in output
    assert store.Reader(str(path)).video_ids == ("a/1.avi",)
    assert not (path / "videos/b/2.avi").exists()


def test_flags_are_those_of_training_and_known_failures_are_no_error(verify, path, tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/classInd.txt").write_text("1 a\n")
    (tmp_path / "lists/trainlist02.txt").write_text("a/1.avi 1\n")
    (tmp_path / "lists/testlist02.txt").write_text("a/bad.avi\n")
    (tmp_path / "clips/a").mkdir(parents=True)
    for name in ("1.avi", "bad.avi"):
        (tmp_path / "clips/a" / name).touch()
    (path / "failed.csv").write_text("video_id,reason\na/bad.avi,hung\n")
    code, output = verify(
        "--dataset=ucf101", f"--annotations={tmp_path / 'lists'}", "--split=2",
        f"--videos_dir={tmp_path / 'clips'}",
    )  # fmt: skip
    assert code == 0, output
    assert "cannot be decoded: a/bad.avi: hung\n" in output
    assert "not in the data set: b/2.avi\n" in output
    assert "complete, 2 videos, 4 frames; 1 video of the data set failed (failed.csv)" in output
