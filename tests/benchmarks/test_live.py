"""Stand-ins for a camera."""

import time
import urllib.request

import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.benchmarks import live
from tf_twostream.evaluation import over_time, sources

NUM_FRAMES = 12  # 0.48 seconds.


class FakeModel:
    settings = store.Settings.of("none", shorter_side=24)

    def needed(self, num_frames):
        return {"rgb": np.ones(num_frames, bool)}

    def scores(self, reader, videos):
        return {"spatial": np.zeros((1, 2), np.float32)}

    def labeller(self, window):
        how = {"window": window, "step": window, "num_threads": 2, "timeout": 20}
        return over_time.Labeller(self.scores, self.settings, self.needed, **how)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    images = [np.full((48, 64, 3), 9 * t, np.uint8) for t in range(NUM_FRAMES)]
    return str(made_up_clips.write(tmp_path_factory.mktemp("clips") / "a.avi", images))


def test_each_source_has_its_rate_what_was_dropped_and_its_latency(clip, monkeypatch):
    monkeypatch.setattr(live, "WINDOW", 0.16)
    rows = live.measure(FakeModel(), clip)
    assert [len(row) for row in rows] == [5, 5, 5] and rows[0][2:] == ["0", "", ""]
    for _, rate, dropped, median, worst in rows[1:]:
        assert dropped == "0" and 0 < float(rate) <= 25 + 4
        assert 0 <= float(median) <= float(worst) < 20


def test_the_latency_is_counted_from_the_last_frame_that_was_sent():
    def windows():
        yield over_time.Window(0.0, 1.0, {}, 20, dropped=5)
        yield over_time.Window(1.0, 2.0, {}, 25)

    starts = [0.0, time.monotonic() - 3.0]  # Of an earlier source, and of this one.
    _, rate, dropped, median, worst = live._row("name", windows(), starts)
    assert dropped == "5" and float(rate) == pytest.approx(45 / 3, abs=0.5)
    assert float(worst) == pytest.approx(3 - 24 / 25, abs=0.1)
    assert float(median) == pytest.approx(3 - (24 + 49) / 2 / 25, abs=0.1)


def test_a_frame_comes_when_it_is_due_or_at_once_if_that_is_over():
    starts, came = [], []
    frames = [sources.Frame(t / 10, np.zeros((2, 2, 3), np.uint8)) for t in range(4)]
    for frame in live.paced(iter(frames), starts):
        came.append(time.monotonic() - starts[0])
        if frame is frames[0]:
            time.sleep(0.25)
    assert came[1] == pytest.approx(came[2], abs=0.1) and came[1] >= 0.25 and came[3] >= 0.3


def test_the_server_sends_frames_as_cameras_do():
    starts = []
    with live.served([b"one", b"two"], starts) as address:
        assert address.startswith("http://127.0.0.1:")  # Nobody else can connect.
        with urllib.request.urlopen(address) as reply:
            body = reply.read()
    assert body.count(b"--frame\r\n") == 2 and body.endswith(b"two\r\n") and len(starts) == 1
