"""Many videos to a store."""

import csv

import made_up_clips
import numpy as np
import pytest
import worker_jobs

from tf_twostream import store
from tf_twostream.precompute import extraction, filling, resources
from tf_twostream.store import checking

SETTINGS = store.Settings.of("dis", shorter_side=32)
RESOURCES = resources.Resources(num_workers=2, timeout=20)


def write_clip(path, *, seed=0, num_frames=8):
    """Writes noise that moves 1 px a frame, 32x42 pixels."""
    texture = np.random.default_rng(seed).integers(0, 255, (32, 80, 3)).astype(np.uint8)
    return made_up_clips.write(path, [texture[:, t : t + 42] for t in range(num_frames)])


@pytest.fixture
def videos(tmp_path):
    """Four good clips, by id."""
    names = [f"class {n % 2}/clip {n}.avi" for n in range(4)]
    clips = tmp_path / "clips"
    return [(name, write_clip(clips / name, seed=n)) for n, name in enumerate(names)]


def fill(path, videos, **kwargs):
    given = {"settings": SETTINGS, "resources": RESOURCES} | kwargs
    return filling.fill(videos, path=str(path), **given)


def contents(path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def failures(path) -> dict[str, str]:
    with open(path / "failed.csv", newline="") as file:
        return {row["video_id"]: row["reason"] for row in csv.DictReader(file)}


def test_every_video_gets_into_the_store(tmp_path, videos):
    outcome = fill(tmp_path / "store", videos)
    ids = sorted(video_id for video_id, _ in videos)
    assert (sorted(outcome.done), outcome.skipped, outcome.failed) == (ids, (), {})
    assert outcome.num_frames == 32
    reader = store.Reader(str(tmp_path / "store"))
    assert list(reader.video_ids) == ids
    assert all(reader.num_frames(video_id) == 8 for video_id in ids)
    assert reader.settings.method == "dis"
    findings = checking.check(str(tmp_path / "store"))
    assert findings.frames == dict.fromkeys(ids, (8, 8))
    assert (findings.damaged, findings.index) == ({}, "")


def test_bytes_do_not_depend_on_workers_order_or_interruptions(tmp_path, videos):
    fill(tmp_path / "one", videos)
    fill(tmp_path / "other", videos[2:])
    outcome = fill(
        tmp_path / "other", videos[::-1], resources=resources.Resources(num_workers=1, timeout=20)
    )
    assert len(outcome.skipped) == len(outcome.done) == 2
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_bad_videos_are_listed_with_reasons_and_the_others_done(tmp_path, videos):
    whole = write_clip(tmp_path / "clips/whole.avi", num_frames=40).read_bytes()
    files = {"empty.avi": b"", "text.mp4": b"text" * 999, "half.avi": whole[: len(whole) // 2]}
    for name, data in files.items():
        (tmp_path / "clips" / name).write_bytes(data)
    one = write_clip(tmp_path / "clips/one.avi", num_frames=1)
    bad = [(name, tmp_path / "clips" / name) for name in files]
    outcome = fill(tmp_path / "store", [*bad, ("one.avi", one), *videos, ("gone.avi", "gone.avi")])
    clips = str(tmp_path / "clips")
    assert failures(tmp_path / "store") == {
        video_id: reason.replace(f"{clips}/", "") for video_id, reason in outcome.failed.items()
    }
    assert str(one) in outcome.failed["one.avi"]  # The user's path, which the store must not hold.
    assert sorted(outcome.done) == sorted([*(i for i, _ in videos), "half.avi"])
    assert "0 bytes" in outcome.failed["empty.avi"]
    assert "no video stream" in outcome.failed["text.mp4"]
    assert "two frames" in outcome.failed["one.avi"]
    assert "no such video" in outcome.failed["gone.avi"]
    assert 2 < store.Reader(str(tmp_path / "store")).num_frames("half.avi") < 40
    assert str(tmp_path) not in (tmp_path / "store/failed.csv").read_text()


def test_crash_midway_leaves_nothing_of_the_video(tmp_path, videos, monkeypatch):
    bad = write_clip(tmp_path / "clips/bad.avi")
    monkeypatch.setattr(extraction, "time_steps", worker_jobs.abort_midway)
    outcome = fill(tmp_path / "store", [("bad.avi", bad), *videos])
    assert outcome.failed == {"bad.avi": "crashed: the worker was ended by SIGABRT"}
    assert len(outcome.done) == 4
    assert not (tmp_path / "store/videos/bad.avi").exists()


def test_what_a_killed_run_left_of_a_video_that_fails_now_is_removed(tmp_path, videos):
    videos = [*videos, ("bad.avi", tmp_path / "gone.avi")]
    fill(tmp_path / "whole", videos)
    rest = tmp_path / "store/videos/bad.avi/rgb.tfrecord.partial"
    rest.parent.mkdir(parents=True)
    rest.write_bytes(b"half")
    fill(tmp_path / "store", videos)
    assert contents(tmp_path / "store") == contents(tmp_path / "whole")


def test_two_runs_at_a_time_are_refused(tmp_path, videos, monkeypatch):
    path, finish, errors = tmp_path / "store", store.VideoWriter.finish, []

    def finish_and_start_another(self, **kwargs):
        with pytest.raises(OSError, match="Only one process may write") as error:
            fill(path, videos)
        errors.append(error)
        finish(self, **kwargs)

    monkeypatch.setattr(store.VideoWriter, "finish", finish_and_start_another)
    assert len(fill(path, videos).done) == len(errors) == 4
    monkeypatch.undo()
    fill(tmp_path / "alone", videos)
    assert contents(path) == contents(tmp_path / "alone")


def test_failures_do_not_depend_on_the_classes_done_last(tmp_path, videos):
    bad = [(f"bad {n}.avi", "gone.avi") for n in range(2)]
    fill(tmp_path / "once", [*videos, *bad])
    fill(tmp_path / "parts", [*videos[:2], bad[0]])
    fill(tmp_path / "parts", [*videos[2:], bad[1]])
    assert contents(tmp_path / "once") == contents(tmp_path / "parts")


def test_odd_files_end_in_the_store_or_in_the_list_of_failures(tmp_path, shared_data):
    files = sorted((shared_data / "odd").iterdir())
    outcome = fill(
        tmp_path / "store",
        [(path.name, path) for path in files],
        settings=store.Settings.of("dis", shorter_side=64),
    )
    failed = failures(tmp_path / "store")
    assert set(outcome.done) | failed.keys() == {path.name for path in files}
    assert not set(outcome.done) & failed.keys()
    assert "0 bytes" in failed["zero_length.avi"] and "hung" not in "".join(failed.values())
    findings = checking.check(str(tmp_path / "store"))
    assert findings.frames.keys() == set(outcome.done) and not findings.damaged
    assert findings.frames["opencv_mpeg4.mp4"] == (30, 30)


def test_failed_video_is_tried_again(tmp_path, videos):
    (video_id, path), *_ = videos
    good = path.read_bytes()
    path.write_bytes(b"")
    assert list(fill(tmp_path / "store", videos).failed) == [video_id]
    path.write_bytes(good)
    outcome = fill(tmp_path / "store", videos)
    assert outcome.done == (video_id,) and len(outcome.skipped) == 3
    assert failures(tmp_path / "store") == {}


def test_interruption_keeps_what_is_complete_and_leaves_no_rest(tmp_path, videos, monkeypatch):
    finish, finished = store.VideoWriter.finish, []

    def interrupt(self, **kwargs):
        if len(finished) == 2:
            raise KeyboardInterrupt
        finish(self, **kwargs)
        finished.append(kwargs)

    monkeypatch.setattr(store.VideoWriter, "finish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "store", videos)
    monkeypatch.undo()
    names = [path.name for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert names.count("video.json") == 2 and not any("partial" in name for name in names)
    assert len(fill(tmp_path / "store", videos).skipped) == 2
    fill(tmp_path / "whole", videos)
    assert contents(tmp_path / "store") == contents(tmp_path / "whole")


def test_other_settings_need_another_store(tmp_path, videos):
    fill(tmp_path / "store", videos[:1])
    with pytest.raises(ValueError, match="method: dis there, farneback asked"):
        settings = store.Settings.of("farneback", shorter_side=32)
        fill(tmp_path / "store", videos[:1], settings=settings)


def test_truncated_video_is_reported_but_one_frame_less_is_normal(tmp_path, monkeypatch):
    log = []
    monkeypatch.setattr(filling.logging, "warning", lambda text, *args: log.append(text % args))
    whole = write_clip(tmp_path / "clips/whole.avi", num_frames=40).read_bytes()
    half = tmp_path / "clips/half.avi"
    half.write_bytes(whole[: len(whole) // 2])
    fill(tmp_path / "store", [("half.avi", half)])
    assert len(log) == 1 and "half.avi: 17 frames decode of" in log[0]
    log.clear()
    for promised in (7, 8, 9):
        filling.warn_of_cut_off("a.avi", extraction.Summary(32, 42, 8, promised, 25.0))
    assert log == []
