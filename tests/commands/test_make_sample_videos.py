import csv
import os
import pathlib
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tf_twostream.commands import make_sample_videos
from tf_twostream.datasets import drawn_scenes


def sample_set(output_dir, **changes):
    knobs = {"videos_per_class": 2, "num_frames": 4, "height": 32, "width": 48} | changes
    return make_sample_videos.SampleSet(str(output_dir), **knobs)


def read_files(folder: pathlib.Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def read_rows(folder: pathlib.Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    make_sample_videos.write_set(sample_set(folder))
    return folder


def test_same_seed_gives_the_same_files(written, tmp_path):
    make_sample_videos.write_set(sample_set(tmp_path))
    assert read_files(tmp_path) == read_files(written)


def test_another_seed_gives_other_videos(written, tmp_path):
    make_sample_videos.write_set(sample_set(tmp_path, seed=1))
    first, second = read_files(written), read_files(tmp_path)
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first if name.endswith(".avi"))


def test_manifest_lists_every_video_once(written):
    paths = [row["path"] for row in read_rows(written)]
    found = [p.relative_to(written / "videos").as_posix() for p in written.rglob("*.avi")]
    assert sorted(paths) == sorted(found)
    assert len(paths) == 12
    assert all(row["path"].startswith(f"{row['label']}/") for row in read_rows(written))


@pytest.mark.parametrize("size", [(32, 48), (47, 33)])
def test_videos_decode_to_the_frames_asked_for(tmp_path, size):
    height, width = size
    make_sample_videos.write_set(sample_set(tmp_path, num_frames=5, height=height, width=width))
    for row in read_rows(tmp_path):
        capture = cv2.VideoCapture(str(tmp_path / "videos" / row["path"]), cv2.CAP_FFMPEG)
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 5
        shapes = [capture.read()[1].shape for _ in range(5)]
        assert shapes == [(height, width, 3)] * 5
        assert not capture.read()[0]


def test_decoded_frames_are_the_drawn_frames(written):
    knobs = sample_set(written)
    entry = make_sample_videos.plan(knobs)[0]
    group = make_sample_videos.draw_group(knobs, entry.group)
    clip = make_sample_videos.draw_clip(knobs, entry.group, entry.clip)
    drawn = drawn_scenes.draw_frames(
        group, clip, appearance=entry.appearance, motion=entry.motion, num_frames=4
    )
    capture = cv2.VideoCapture(str(written / "videos" / entry.path), cv2.CAP_FFMPEG)
    for frame in drawn:
        decoded = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
        assert np.abs(decoded.astype(int) - frame).mean() < 6


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7, 24, 50])
def test_no_group_is_on_both_sides_and_every_class_is_on_both(count):
    entries = make_sample_videos.plan(sample_set("unused", videos_per_class=count))
    parts = {
        split: [entry for entry in entries if entry.split == split] for split in ("train", "test")
    }
    assert not {e.group for e in parts["train"]} & {e.group for e in parts["test"]}
    for part in parts.values():
        assert len({entry.label for entry in part}) == 6
    assert len({entry.path for entry in entries}) == len(entries) == 6 * count


def test_default_is_sixteen_for_training_and_eight_for_testing():
    entries = make_sample_videos.plan(make_sample_videos.SampleSet("unused"))
    splits = [entry.split for entry in entries if entry.label == "amber_sway"]
    assert (splits.count("train"), splits.count("test")) == (16, 8)


def test_every_class_shows_the_same_scenes():
    entries = make_sample_videos.plan(sample_set("unused", videos_per_class=9))
    scenes = {
        label: [(e.group, e.clip, e.split) for e in entries if e.label == label]
        for label in {entry.label for entry in entries}
    }
    assert len(scenes) == 6
    assert all(each == scenes["azure_turn"] for each in scenes.values())


@pytest.mark.parametrize(
    "knob, value",
    [("videos_per_class", 1), ("num_frames", 1), ("height", 31), ("width", 0), ("seed", -1)],
)
def test_a_knob_out_of_range_is_an_error_that_names_it(knob, value):
    with pytest.raises(ValueError, match=rf"`{knob}` must be at least .* {knob}={value}\."):
        sample_set("unused", **{knob: value})


def test_videos_of_another_set_are_not_mixed_in(tmp_path):
    make_sample_videos.write_set(sample_set(tmp_path, videos_per_class=3, num_frames=2))
    before = read_files(tmp_path)
    with pytest.raises(ValueError, match=r"6 other files.*bob_g03_c01\.avi"):
        make_sample_videos.write_set(sample_set(tmp_path))
    assert read_files(tmp_path) == before


def test_the_same_command_again_completes_an_interrupted_set(written, tmp_path):
    make_sample_videos.write_set(sample_set(tmp_path))
    (tmp_path / "manifest.csv").unlink()
    next(tmp_path.rglob("*.avi")).write_bytes(b"half")
    make_sample_videos.write_set(sample_set(tmp_path))
    assert read_files(tmp_path) == read_files(written)


def test_a_path_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError):
        make_sample_videos.write_set(sample_set(tmp_path / "file"))


def run_command(root: pathlib.Path, *flags: str) -> subprocess.CompletedProcess:
    script = root / "data_tools" / "make_sample_videos.py"
    return subprocess.run(
        [sys.executable, str(script), *flags],
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_writes_the_set_and_names_the_next_command(root, written, tmp_path):
    flags = ("--videos_per_class=2", "--num_frames=4", "--height=32", "--width=48")
    done = run_command(root, f"--output_dir={tmp_path}", *flags)
    assert done.returncode == 0, done.stderr
    assert "12 videos of 6 classes" in done.stdout
    assert "twostream precompute-flow --dataset=csv" in done.stdout
    assert read_files(tmp_path) == read_files(written)


def test_the_command_ends_in_one_line_on_a_bad_flag(root, tmp_path):
    done = run_command(root, f"--output_dir={tmp_path}", "--num_frames=1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: `num_frames` must be at least 2. Received: num_frames=1.")
    assert done.stderr.count("\n") == 1
