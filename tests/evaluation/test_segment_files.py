"""What is written about a video over time."""

import csv
import json

import numpy as np

from tf_twostream.evaluation import over_time, segment_files

NAMES = ("a", "b")


def window(start, score):
    own = {"temporal": np.array([score, 1 - score])}
    return over_time.Window(start, start + 1.0, own, 25)


def rows(folder):
    with open(folder / "segments.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_of_all_videos_and_files_of_each(tmp_path):
    written = segment_files.SegmentFiles(str(tmp_path), NAMES, segment_files.Merging())
    for video, scores in (("x/clip.mp4", [0.9, 0.8, 0.1]), ("y/clip.mp4", [0.2])):
        windows = [window(float(n), score) for n, score in enumerate(scores)]
        fused = [own.scores["temporal"] for own in windows]
        written.finish(video, windows, fused)
    assert [(r["video"], r["start"], r["end"], r["label"]) for r in rows(tmp_path)] == [
        ("x/clip.mp4", "0.000", "2.000", "a"),
        ("x/clip.mp4", "2.000", "3.000", "b"),
        ("y/clip.mp4", "0.000", "1.000", "b"),
    ]
    content = json.loads((tmp_path / "clip.json").read_text())
    assert content["windows"][1]["temporal"] == {"a": 0.8, "b": 0.2}
    assert content["segments"][0]["label"] == "a"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "segments.csv", "clip.json", "clip_timeline.png", "clip_2.json", "clip_2_timeline.png"
    }  # fmt: skip


def test_what_is_known_is_written_while_a_camera_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(segment_files, "SECONDS_BETWEEN", 0.0)
    written = segment_files.SegmentFiles(str(tmp_path), NAMES, segment_files.Merging())
    windows = [window(0.0, 0.9)]
    written.update("0", windows, [windows[0].scores["temporal"]])
    assert rows(tmp_path)[0]["label"] == "a"
