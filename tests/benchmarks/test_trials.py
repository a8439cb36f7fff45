import itertools
import types

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import flow
from tf_twostream.benchmarks import trials
from tf_twostream.flow import brox, flo, presets
from tf_twostream.processes import workers

SIZE = (40, 56)


def texture(left=0):
    """A smooth random frame `[H, W]` uint8, seen `left` pixels further to the right."""
    noise = np.random.default_rng(0).random((SIZE[0], SIZE[1] + 20)).astype(np.float32)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return smooth.astype(np.uint8)[:, left : left + SIZE[1]].copy()


@pytest.fixture
def scenes(tmp_path):
    """A folder with the scenes b (with flow) and a (in colour, without)."""
    for scene in ("b", "a"):
        (tmp_path / scene).mkdir()
        for number, left in ((10, 2), (11, 0)):
            frame = texture(left)
            if scene == "a":
                frame = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
            cv2.imwrite(str(tmp_path / scene / f"frame{number}.png"), frame)
    truth = np.zeros((*SIZE, 2), np.float32)
    truth[..., 0] = 2
    truth[3, 4] = np.nan
    flo.write_flo(tmp_path / "b" / "flow10.flo", truth)
    return tmp_path


def test_scenes_are_read_in_order_as_grey_frames(scenes):
    a, b = trials.read_pairs(scenes)
    assert (a.scene, b.scene) == ("a", "b")
    assert a.truth is None
    for pair in (a, b):
        np.testing.assert_array_equal(pair.first, texture(2))
        np.testing.assert_array_equal(pair.second, texture(0))
    assert np.isnan(b.truth[3, 4]).all()
    np.testing.assert_array_equal(b.truth[5, 6], [2, 0])


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="Received: .*nowhere"):
        trials.read_pairs(tmp_path / "nowhere")


def test_a_folder_without_scenes_is_refused(tmp_path):
    (tmp_path / "frame10.png").write_bytes(b"")
    with pytest.raises(ValueError, match="no scene"):
        trials.read_pairs(tmp_path)


def test_a_scene_without_its_second_frame_is_refused(scenes):
    (scenes / "b" / "frame11.png").unlink()
    with pytest.raises(FileNotFoundError, match="No such file.*frame11.png"):
        trials.read_pairs(scenes)


def test_a_frame_that_is_no_picture_is_refused(scenes):
    (scenes / "b" / "frame11.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="frame11.png, which does not decode"):
        trials.read_pairs(scenes)


def test_frames_of_different_sizes_are_refused(scenes):
    cv2.imwrite(str(scenes / "a" / "frame11.png"), texture()[:-2])
    with pytest.raises(ValueError, match=r"Received: 56x40 and 56x38 in .*a\."):
        trials.read_pairs(scenes)


def test_flow_of_another_size_is_refused(scenes):
    flo.write_flo(scenes / "b" / "flow10.flo", np.zeros((4, 5, 2)))
    with pytest.raises(ValueError, match="Received: 56x40 and 56x40 and 5x4"):
        trials.read_pairs(scenes)


def finish(generator):
    """Lists what a generator yields and, last, returns."""
    values = []
    while True:
        try:
            values.append(next(generator))
        except StopIteration as stop:
            return [*values, stop.value]


def test_fields_are_those_of_each_pair_and_times_are_taken():
    pairs = [(texture(2), texture(0)), (texture(1), texture(4))]
    *fields, times = finish(trials.measure("farneback", pairs, seconds=0))
    for pair, field in zip(pairs, fields, strict=True):
        np.testing.assert_array_equal(field, *flow.fields(pair, method="farneback"))
    assert times.first_pair > 0 and times.per_pair > 0


def test_times_are_medians_per_pair_averaged_over_the_pairs(monkeypatch):
    first_fields, rounds = [5, 90], [7, 60, 1, 10, 2, 30]  # Seconds; two pairs, three rounds.
    waits, clock = iter(first_fields + rounds), iter([0, 1, 2, 9])
    monkeypatch.setattr(flow, "fields", lambda frames, method: None)
    monkeypatch.setattr(trials, "_timed", lambda video: (video, next(waits)))
    monkeypatch.setattr(trials, "time", types.SimpleNamespace(perf_counter=clock.__next__))
    *_, times = finish(trials.measure("dis", [(0, 1), (0, 1)], seconds=3))
    assert times == trials.Times(first_pair=5, per_pair=(2 + 30) / 2)


def test_a_trial_is_run_in_a_process_of_its_own():
    pair = texture(2), texture(0)
    trial = trials.Trial(method="dis", frames=[pair], seconds=0, threads=1)
    events = workers.run(trials.run, [trial], num_workers=1, timeout=60)
    field, times = [event.value for _, event in events]
    np.testing.assert_array_equal(field, *flow.fields(pair, method="dis"))
    assert times.per_pair > 0


@pytest.fixture
def settings(monkeypatch):
    """What the libraries are told, by name, instead of telling them."""
    told = {}

    def teller(name):
        return lambda *values: told.update({name: values})

    monkeypatch.setattr(cv2, "setNumThreads", teller("opencv"))
    threading = tf.config.threading
    monkeypatch.setattr(threading, "set_intra_op_parallelism_threads", teller("within"))
    monkeypatch.setattr(threading, "set_inter_op_parallelism_threads", teller("between"))
    monkeypatch.setattr(tf.config, "set_visible_devices", teller("devices"))
    return told


@pytest.mark.parametrize(
    "method, gpu, expected",
    [
        ("dis", False, {"opencv": (3,)}),
        ("brox", False, {"opencv": (3,), "within": (3,), "between": (3,), "devices": ([], "GPU")}),
        ("brox", True, {"opencv": (3,), "within": (3,), "between": (3,)}),
    ],
)
def test_libraries_are_told_their_threads_and_devices(settings, method, gpu, expected):
    pair = texture(2), texture(0)
    trial = trials.Trial(method=method, frames=[pair], seconds=0, threads=3, gpu=gpu)
    trials._prepare(trial)
    assert settings == expected


def test_batches_are_counted_by_their_pairs(monkeypatch):
    calls, solved = [], itertools.count()

    def fields(frames, **options):
        calls.append(options)
        for _ in itertools.pairwise(frames):
            yield next(solved)

    monkeypatch.setattr(brox, "fields", fields)
    clock = iter([10, 12, 14])  # Seconds.
    monkeypatch.setattr(trials, "time", types.SimpleNamespace(perf_counter=clock.__next__))
    rate = trials.measure_batch("brox_opencv", (texture(2), texture(0)), batch=8, seconds=1)
    assert calls == [{"parameters": presets.OPENCV, "pairs_per_call": 8}]
    assert next(solved) == 8 + 3 * 8  # The first batch compiles and does not count.
    assert rate == trials.Rate(pairs_per_second=3 * 8 / 4, peak_memory=0)  # Nobody's GPU.
