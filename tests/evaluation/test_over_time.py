"""Windows of a long video, in bounded memory."""

import os
import signal
import threading
import time
import weakref

import cv2
import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.evaluation import over_time, sources
from tf_twostream.precompute import filling, resources

FPS, NUM_FRAMES = 25, 60
SETTINGS = store.Settings.of("dis", shorter_side=48)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """60 frames, 2.4 seconds; frame t has the level 4 t."""
    path = tmp_path_factory.mktemp("clips") / "a.avi"
    texture = np.random.default_rng(0).integers(0, 12, (48, 64, 3)).astype(np.uint8)
    return made_up_clips.write(path, [texture + np.uint8(4 * t) for t in range(NUM_FRAMES)])


def everything(num_frames):
    kinds = ("rgb", "forward")
    return {kind: np.ones(store.num_records(num_frames, kind), bool) for kind in kinds}


def cut(clip, scorer, *, window, step, needed=everything, settings=SETTINGS):
    labeller = over_time.Labeller(
        scorer, settings, needed, window=window, step=step, num_threads=2, timeout=20
    )
    [source] = sources.expand([str(clip)])
    return list(labeller.windows(source))


def levels(reader, videos):
    """As scores: the first and the last level, and the number of fields."""
    [video] = videos
    frames = [frame.mean() for frame in reader.frames(video.id)]
    fields = sum(1 for _ in reader.fields(video.id))
    return {"spatial": np.array([[frames[0], frames[-1], fields]])}


@pytest.mark.parametrize(
    ("window", "step", "wanted"),
    [
        (1.0, 1.0, [(0, 1), (1, 2)]),  # 0.4 seconds are less than half a window.
        (0.8, 0.8, [(0, 0.8), (0.8, 1.6), (1.6, 2.4)]),
        (1.0, 0.5, [(0, 1), (0.5, 1.5), (1, 2), (1.5, 2.4)]),
        (0.4, 1.0, [(0, 0.4), (1, 1.4), (2, 2.4)]),
        (9.0, 9.0, [(0, 2.4)]),
    ],
)
def test_windows_hold_the_frames_of_their_time(clip, window, step, wanted):
    found = cut(clip, levels, window=window, step=step)
    np.testing.assert_allclose([(w.start, w.end) for w in found], wanted)
    for one in found:
        first, last, num_fields = one.scores["spatial"][0:3]
        assert first == pytest.approx(4 * FPS * one.start + 5.5, abs=3)
        assert last == pytest.approx(4 * (FPS * one.end - 1) + 5.5, abs=3)
        assert num_fields == one.num_frames - 1
        assert one.num_frames == round(FPS * (one.end - one.start))


@pytest.mark.parametrize("fps", [None, 10.0])  # At which two frames are often as near.
def test_a_window_has_the_records_of_a_store_of_it(clip, tmp_path, fps):
    """The frames and the flow are those that `filling` would make, byte for byte."""
    given = [("window", str(clip))]
    settings = store.Settings.of("dis", shorter_side=48, fps=fps)
    filling.fill(given, path=str(tmp_path), settings=settings, resources=resources.Resources())
    wanted = {k: list(store.Reader(str(tmp_path))._records("window", k, 0, None))
              for k in SETTINGS.kinds}  # fmt: skip

    def compare(reader, videos):
        for kind, records in wanted.items():
            for own, its in zip(records, reader._records("window", kind, 0, None), strict=True):
                assert own["jpeg"] == its["jpeg"]
                if kind != "rgb":
                    np.testing.assert_array_equal(own["range"], its["range"])
                    np.testing.assert_array_equal(own["mean"], its["mean"])
        return {"spatial": np.zeros((1, 1))}

    assert len(cut(clip, compare, window=5, step=5, settings=settings)) == 1


def test_flow_that_nobody_reads_is_not_computed_and_none_is_twice(clip, monkeypatch):
    estimated = []

    def count(pair, method, direction):
        estimated.append(1)
        return over_time.extraction.EMPTY

    def some(num_frames):
        needed = {kind: ~mask for kind, mask in everything(num_frames).items()}
        needed["forward"][5:8] = needed["rgb"][0] = True
        return needed

    def nothing(reader, videos):
        return {"spatial": np.zeros((1, 1))}

    monkeypatch.setattr(over_time, "_field", count)
    cut(clip, nothing, window=0.8, step=0.8, needed=some)
    assert len(estimated) == 3 * 3
    estimated.clear()
    cut(clip, nothing, window=1.6, step=0.8)  # Two windows, which share 20 frames.
    assert len(estimated) == NUM_FRAMES - 1
    estimated.clear()
    frames_only = store.Settings.of("none", shorter_side=48)
    cut(clip, nothing, window=0.8, step=0.8, settings=frames_only)
    assert not estimated


def test_no_more_frames_are_held_than_two_windows_have(clip, monkeypatch):
    alive, most = weakref.WeakSet(), []

    class Held(over_time._Held):
        def __init__(self, *given):
            super().__init__(*given)
            alive.add(self)

    def look(reader, videos):
        most.append(len(alive))
        return {"spatial": np.zeros((1, 1))}

    monkeypatch.setattr(over_time, "_Held", Held)
    cut(clip, look, window=0.2, step=0.2)
    assert len(most) == 12 and max(most) <= 3 * 5 + 1


def test_windows_of_which_all_frames_were_dropped_are_left_out(monkeypatch):
    image = np.zeros((48, 64, 3), np.uint8)
    moments = [0.0, 0.5, 3.2, 3.6, 3.9]
    frames = [sources.Frame(t, image, dropped=60 * (t == 3.2)) for t in moments]
    monkeypatch.setattr(over_time, "read", lambda *_: iter(frames))
    found = cut("0", levels, window=1, step=1)
    assert [(w.start, w.num_frames, w.dropped) for w in found] == [(0, 2, 0), (3, 3, 60)]


def test_what_cannot_be_read_is_said(tmp_path):
    (tmp_path / "a.avi").write_bytes(b"RIFF")
    with pytest.raises(sources.SourceError, match="no video stream"):
        cut(tmp_path / "a.avi", levels, window=1, step=1)


def test_numbered_images_are_a_video(tmp_path):
    for n in range(1, 14):
        cv2.imwrite(str(tmp_path / f"img_{n:05}.png"), np.full((48, 64, 3), 10 * n, np.uint8))
    [one] = cut(tmp_path / "img_%05d.png", levels, window=1, step=1)
    np.testing.assert_allclose(one.scores["spatial"], [10, 130, 12], atol=1)


def test_what_was_seen_before_a_source_broke_is_told(monkeypatch):
    def frames(*_):
        image = np.zeros((48, 64, 3), np.uint8)
        yield from (sources.Frame(t / 2, image) for t in range(5))
        raise sources.SourceError("gone")

    monkeypatch.setattr(over_time, "read", frames)
    labeller = over_time.Labeller(
        levels, SETTINGS, everything, window=1, step=1, num_threads=1, timeout=9
    )
    windows = labeller.windows(sources.Source("x", "x"))
    assert [next(windows).start, next(windows).start] == [0, 1]
    with pytest.raises(sources.SourceError, match="gone"):
        next(windows)


def test_a_source_of_one_frame_is_no_silent_success(monkeypatch):
    frame = sources.Frame(0.0, np.zeros((48, 64, 3), np.uint8))
    monkeypatch.setattr(over_time, "read", lambda *_: iter([frame]))
    with pytest.raises(sources.SourceError, match="two frames"):
        cut("0", levels, window=1, step=1)


def test_a_source_keeps_the_size_of_its_first_frame(monkeypatch):
    sizes = [(48, 64), (60, 48), (48, 64)]
    frames = [sources.Frame(t / 3, np.zeros((*size, 3), np.uint8)) for t, size in enumerate(sizes)]
    monkeypatch.setattr(over_time, "read", lambda *_: iter(frames))
    [window] = cut("0", levels, window=1, step=1)
    assert window.num_frames == 3


def test_whoever_stops_does_not_wait_for_flow(clip, monkeypatch):
    monkeypatch.setattr(
        over_time, "_field", lambda *_: time.sleep(0.2) or over_time.extraction.EMPTY
    )
    labeller = over_time.Labeller(
        levels, SETTINGS, everything, window=1.2, step=1.2, num_threads=1, timeout=9
    )
    windows = labeller.windows(sources.Source(str(clip), str(clip)))
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        next(windows)
    windows.close()
    assert time.monotonic() - began < 3  # All of it would take 29 fields of 0.2 seconds.
