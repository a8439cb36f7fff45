"""Flow that is solved between the workers and the store."""

import itertools
import threading

import cv2
import made_up_clips
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import flow, store
from tf_twostream.flow import brox, codec
from tf_twostream.precompute import extraction, filling, resources, solving
from tf_twostream.processes import workers
from tf_twostream.store import records

SETTINGS = store.Settings.of("brox", shorter_side=32)
BOTH = store.Settings.of("brox", shorter_side=32, directions=("forward", "backward"))


def events(lengths, settings=SETTINGS):
    """Videos of so many frames that come interleaved; frame t of video n has level 20 n + t."""
    jobs = [
        extraction.Job(f"{n}.avi", f"{n}.avi", settings, settings.kinds)
        for n in range(len(lengths))
    ]
    for t, (n, job) in itertools.product(range(max(lengths) + 1), enumerate(jobs)):
        if t < lengths[n]:
            grey = np.full([4, 6], 20 * n + t, np.uint8)
            yield job, workers.Piece(extraction.Unsolved(b"%d" % t, grey))
        elif t == lengths[n]:
            yield job, workers.Done(t)


@pytest.fixture
def batch_sizes(monkeypatch):
    """Replaces the solver: a field is (first grey level, second); returns what was batched."""
    sizes = []

    def fields(frames, *, parameters, backward, pairs_per_call):
        assert parameters is brox.FAST
        sizes.append((len(frames) - 1, pairs_per_call))
        for pair in itertools.pairwise(frames):
            first, second = pair[::-1] if backward else pair
            yield np.stack([first, second], axis=-1).astype(np.float32)

    monkeypatch.setattr(brox, "fields", fields)
    return sizes


def solvers(num_pairs=1, num_threads=2):
    """Threads that solve `num_pairs` pairs of any size at a time, as GPUs would."""
    threads = solving.Solvers(["CPU:0"] * num_threads, 0)
    object.__setattr__(threads, "num_pairs", lambda *_: num_pairs)
    return threads


@pytest.mark.parametrize("num_pairs, num_threads", [(1, 1), (1, 3), (3, 2), (64, 1)])
def test_each_time_step_gets_its_fields_and_events_keep_their_order(
    batch_sizes, num_pairs, num_threads
):
    lengths = [7, 2, 12]
    seen = {f"{n}.avi": [] for n in range(3)}
    for job, event in solving.add_fields(events(lengths, BOTH), solvers(num_pairs, num_threads)):
        seen[job.video_id].append(event)
    for n, (length, pieces) in enumerate(zip(lengths, seen.values())):
        assert pieces[-1] == workers.Done(length) and len(pieces) == length + 1
        for t, piece in enumerate(pieces[:-1]):
            assert piece.value.rgb == b"%d" % t
            now, then = 20 * n + t, 20 * n + t + 1
            wanted = {"forward": [now, then], "backward": [then, now]} if t < length - 1 else {}
            found = {name: field.mean.tolist() for name, field in piece.value.fields.items()}
            assert found == wanted
    assert max(size for size, _ in batch_sizes) <= num_pairs
    assert all(call in (1, 2, 4, 8, 16) and size <= call < 2 * size for size, call in batch_sizes)


def test_frames_that_no_field_needs_end_a_batch_and_get_empty_fields(batch_sizes):
    job = extraction.Job("a.avi", "a.avi", SETTINGS, SETTINGS.kinds)
    greys = [np.full([4, 6], t, np.uint8) if t not in (2, 3) else None for t in range(7)]
    pieces = [workers.Piece(extraction.Unsolved(b"%d" % t, grey)) for t, grey in enumerate(greys)]
    given = [(job, event) for event in (*pieces, workers.Done(7))]
    *steps, _ = [event for _, event in solving.add_fields(given, solvers(num_pairs=64))]
    assert [step.value.rgb for step in steps] == [b"%d" % t for t in range(7)]
    fields = [step.value.fields.get("forward") for step in steps]
    assert [bool(field and field.codes) for field in fields] == [
        True, False, False, False, True, True, False
    ]  # fmt: skip
    # All but the last frame have a field, though an empty one.
    assert [field is None for field in fields] == [False] * 6 + [True]
    assert [size for size, _ in batch_sizes] == [1, 2]


def test_a_video_that_fails_midway_does_so_in_its_place(batch_sizes):
    job = extraction.Job("a.avi", "a.avi", SETTINGS, SETTINGS.kinds)
    pieces = [workers.Piece(extraction.Unsolved(b"", np.zeros([4, 6], np.uint8)))] * 4
    came = [(job, event) for event in (*pieces, workers.Failed("crashed"))]
    seen = [event for _, event in solving.add_fields(came, solvers())]
    assert seen[-1] == workers.Failed("crashed")
    assert all(set(event.value.fields) == {"forward"} for event in seen[:-1])


def test_devices_solve_at_the_same_time(monkeypatch):
    together = threading.Barrier(2, timeout=20)  # Breaks, as an error, if one has to wait.

    def fields(frames, **_):
        together.wait()
        yield np.zeros([4, 6, 2], np.float32)

    monkeypatch.setattr(brox, "fields", fields)
    assert len(list(solving.add_fields(events([3]), solvers(num_threads=2)))) == 4


def test_decoding_goes_on_while_flow_is_solved_but_not_without_end(monkeypatch):
    solved, came = threading.Event(), []

    def fields(frames, **_):
        assert solved.wait(20)
        yield np.zeros([4, 6, 2], np.float32)

    def noted():
        for event in events([60]):
            came.append(event)
            if len(came) == 4:
                solved.set()  # Three pairs have come before the first was solved.
            yield event

    monkeypatch.setattr(brox, "fields", fields)
    next(solving.add_fields(noted(), solvers(num_threads=1)))
    assert 4 <= len(came) < 10


def test_memory_decides_how_many_pairs_a_gpu_solves_at_a_time():
    pair = brox.BYTES_PER_PIXEL * 256 * 341
    for memory, wanted in ((0.5 * pair, 1), (10.5 * pair, 8), (1e6 * pair, solving.MAX_PAIRS)):
        assert solving.Solvers(["GPU:0"], memory).num_pairs(256, 341) == wanted
        assert solving.Solvers(["CPU:0"], memory).num_pairs(256, 341) == 1


def test_without_a_gpu_a_thread_per_core_solves():
    assert solving.find_solvers(memory=1, num_threads=3).devices == ["CPU:0"] * 3


def test_what_does_not_fit_into_memory_is_said(monkeypatch):
    def fields(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")
        yield

    monkeypatch.setattr(brox, "fields", fields)
    [(_, failed)] = solving.add_fields(events([3]), solvers())
    assert "no memory for 1 pair" in failed.reason and "`flow_memory`" in failed.reason


def test_a_video_that_cannot_be_solved_does_not_stop_the_others(monkeypatch):
    def fields(frames, **_):
        yield np.full([4, 6, 2], np.nan if frames[0][0, 0] == 22 else 1.0, np.float32)

    monkeypatch.setattr(brox, "fields", fields)
    seen = {f"{n}.avi": [] for n in range(3)}
    for job, event in solving.add_fields(events([4, 5, 4]), solvers()):
        seen[job.video_id].append(event)
    assert [len(pieces) for pieces in seen.values()] == [5, 3, 5]
    assert isinstance(seen["1.avi"][-1], workers.Failed)
    assert "finite" in seen["1.avi"][-1].reason
    assert seen["2.avi"][-1] == workers.Done(4)


def test_a_store_holds_the_fields_of_brox(tmp_path):
    texture = np.random.default_rng(0).integers(0, 255, (16, 40, 3)).astype(np.uint8)
    texture = cv2.resize(texture, (80, 32), interpolation=cv2.INTER_CUBIC)
    clips = []
    for name, num_frames in (("a.avi", 4), ("b.avi", 2)):
        frames = [texture[:, t : t + 40] for t in range(num_frames)]
        clips.append((name, made_up_clips.write(tmp_path / name, frames, code="FFV1")))
    paths = [tmp_path / "one", tmp_path / "other"]
    for path, videos, num_workers in zip(paths, (clips, clips[::-1]), (1, 2)):
        spent = resources.Resources(num_workers=num_workers)
        outcome = filling.fill(videos, path=str(path), settings=BOTH, resources=spent)
        assert sorted(outcome.done) == ["a.avi", "b.avi"] and outcome.num_frames == 6
    one, other = (
        {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}
        for path in paths
    )
    assert one == other  # Neither the order nor the number of threads changes a byte.
    reader = store.Reader(str(paths[0]))
    assert reader.settings.parameters == flow.parameters("brox")
    grey = [cv2.cvtColor(texture[:, t : t + 40], cv2.COLOR_BGR2GRAY) for t in range(4)]
    for direction in BOTH.directions:
        wanted = list(flow.fields(grey, method="brox", direction=direction))
        table = reader.table(["a.avi"], direction)
        whole = tf.data.TFRecordDataset(table.path(0)).batch(9).get_single_element()
        parsed = {name: value.numpy() for name, value in records.parse_flow(whole).items()}
        assert len(parsed["jpeg"]) == 3
        for t, field in enumerate(wanted):
            restored = codec.restore(codec.decode(parsed["jpeg"][t]), parsed["range"][t])
            assert np.abs(restored - field).mean() < 0.05  # Pixels, of JPEG.
            np.testing.assert_allclose(parsed["mean"][t], field.mean(axis=(0, 1)), atol=1e-3)
        assert abs(np.mean(wanted[0][8:-8, 8:-8, 0]) + (1 if direction == "forward" else -1)) < 0.1
