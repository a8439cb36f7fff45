"""The source with its label of the moment."""

import cv2
import made_up_clips
import numpy as np

from tf_twostream.evaluation import over_time, segment_video, sources
from tf_twostream.scores import segments


def test_each_frame_is_there_with_its_label_above_and_bars_below(tmp_path, monkeypatch):
    clip = made_up_clips.write(tmp_path / "a.avi", [np.full((48, 64, 3), 90, np.uint8)] * 20)
    windows = [over_time.Window(0.0, 0.4, {}, 10), over_time.Window(0.4, 0.8, {}, 10)]
    fused = [np.array([0.9, 0.1]), np.array([0.2, 0.8])]
    found = [segments.Segment(0.0, 0.4, "a", 0.9), segments.Segment(0.4, 0.8, "b", 0.8)]
    drawn = []
    barred = segment_video.pictures.barred
    monkeypatch.setattr(
        segment_video.pictures, "barred", lambda *a: drawn.append(a[1:]) or barred(*a)
    )
    path = tmp_path / "out.mp4"
    source = sources.Source(str(clip), str(clip))
    segment_video.write(str(path), source, windows, fused, found, ("a", "b"), timeout=20)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 20 and capture.get(cv2.CAP_PROP_FPS) == 25
    assert capture.read()[1].shape == (48 + 3 * 20, 64, 3)
    assert drawn[0] == ("0.0 s  a", [("a", 0.9), ("b", 0.1)])
    assert drawn[-1] == ("0.8 s  b", [("b", 0.8), ("a", 0.2)])
