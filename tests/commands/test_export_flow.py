"""The command that writes flow as files of other tools."""

import made_up_clips
import numpy as np
import pytest

from tf_twostream.flow import flo


@pytest.fixture
def clip(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    return made_up_clips.write(tmp_path / "a.avi", [noise] * 3)


def test_each_video_has_a_folder_and_bad_ones_are_named(here, clip, tmp_path, capsys):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.avi").write_bytes(clip.read_bytes())
    (tmp_path / "bad.avi").write_bytes(b"RIFF")
    videos = [str(tmp_path / name) for name in ("a.avi", "x/a.avi", "bad.avi")]
    flags = (f"--output_dir={tmp_path / 'out'}", "--method=dis")
    assert here("export_flow", *flags, *videos) == 1
    out, err = capsys.readouterr()
    assert "2 videos done, 0 there before, 1 failed." in out and "bad.avi: " in err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "a_2"]
    assert flo.read_flo(tmp_path / "out/a_2/flow_00002.flo").shape == (48, 64, 2)
    assert here("export_flow", *flags, *videos[:2]) == 0
    assert "0 videos done, 2 there before" in capsys.readouterr().out


def test_flow_of_a_store_is_named_as_its_videos(here, tiny_store, tmp_path):
    flags = (f"--store={tiny_store[0]}", f"--output_dir={tmp_path}", "--format=png")
    video = tiny_store[1].test[0].id
    assert here("export_flow", *flags, video) == 0
    assert (tmp_path / video / "flow_00001.png").exists()


def test_there_must_be_something_to_write(here, tmp_path):
    with pytest.raises(ValueError, match="must be a VIDEO, or a --store"):
        here("export_flow", f"--output_dir={tmp_path}")


def test_a_folder_of_another_video_or_kind_is_not_taken_for_this_one(here, clip, tmp_path, capsys):
    out = f"--output_dir={tmp_path / 'out'}"
    assert here("export_flow", out, "--method=dis", clip) == 0
    assert here("export_flow", out, "--method=dis", "--format=png", clip) == 1
    assert "must be of the same video and kind" in capsys.readouterr().err


def test_a_video_of_one_frame_does_not_stop_the_others(here, clip, tmp_path):
    one = made_up_clips.write(tmp_path / "one.avi", [np.zeros((48, 64, 3), np.uint8)])
    flags = ("--method=dis", "--format=video", f"--output_dir={tmp_path / 'out'}")
    assert here("export_flow", *flags, one, clip) == 1
    assert (tmp_path / "out/a/flow.mp4").exists()
