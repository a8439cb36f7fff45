import csv
import pathlib

import cv2
import numpy as np
import pytest

from tf_twostream import datasets, store
from tf_twostream.precompute import extraction, filling
from tf_twostream.processes import workers

RECIPE = extraction.Recipe(method="dis", shorter_side=32)
EFFORT = filling.Effort(num_workers=2, timeout=20)


def write_clip(path, *, seed=0, num_frames=8):
    """Writes noise that moves 1 px a frame, 32x42 pixels."""
    texture = np.random.default_rng(seed).integers(0, 255, (32, 80, 3)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (42, 32))
    for t in range(num_frames):
        writer.write(texture[:, t : t + 42])
    writer.release()
    return path


@pytest.fixture
def videos(tmp_path):
    """Four good clips, by id."""
    names = [f"class {n % 2}/clip {n}.avi" for n in range(4)]
    clips = tmp_path / "clips"
    return [(name, write_clip(clips / name, seed=n)) for n, name in enumerate(names)]


@pytest.fixture
def bad_tasks(monkeypatch):
    monkeypatch.syspath_prepend(pathlib.Path(__file__).parent)
    import worker_tasks

    return worker_tasks


def fill(path, videos, **kwargs):
    return filling.run(videos, path=str(path), **({"recipe": RECIPE, "effort": EFFORT} | kwargs))


def contents(path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def failures(path) -> dict[str, str]:
    with open(path / "failed.csv", newline="") as file:
        return {row["video_id"]: row["reason"] for row in csv.DictReader(file)}


def test_every_video_gets_into_the_store(tmp_path, videos):
    report = fill(tmp_path / "store", videos)
    ids = sorted(video_id for video_id, _ in videos)
    assert (sorted(report.done), report.skipped, report.failed) == (ids, (), {})
    assert report.num_frames == 32
    reader = store.Reader(str(tmp_path / "store"))
    assert list(reader.video_ids) == ids
    assert all(reader.num_frames(video_id) == 8 for video_id in ids)
    assert reader.settings["method"] == "dis"
    findings = store.check(str(tmp_path / "store"))
    assert findings.frames == dict.fromkeys(ids, (8, 8))
    assert (findings.damaged, findings.index) == ({}, "")


def test_bytes_do_not_depend_on_workers_order_or_interruptions(tmp_path, videos):
    fill(tmp_path / "one", videos)
    fill(tmp_path / "other", videos[2:])
    report = fill(
        tmp_path / "other", videos[::-1], effort=filling.Effort(num_workers=1, timeout=20)
    )
    assert len(report.skipped) == len(report.done) == 2
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_bad_videos_are_listed_with_reasons_and_the_others_done(tmp_path, videos):
    whole = write_clip(tmp_path / "clips/whole.avi", num_frames=40).read_bytes()
    files = {"empty.avi": b"", "text.mp4": b"text" * 999, "half.avi": whole[: len(whole) // 2]}
    for name, data in files.items():
        (tmp_path / "clips" / name).write_bytes(data)
    one = write_clip(tmp_path / "clips/one.avi", num_frames=1)
    bad = [(name, tmp_path / "clips" / name) for name in files]
    report = fill(tmp_path / "store", [*bad, ("one.avi", one), *videos, ("gone.avi", "gone.avi")])
    clips = str(tmp_path / "clips")
    assert failures(tmp_path / "store") == {
        video_id: reason.replace(f"{clips}/", "") for video_id, reason in report.failed.items()
    }
    assert str(one) in report.failed["one.avi"]  # The user's path, which the store must not hold.
    assert sorted(report.done) == sorted([*(i for i, _ in videos), "half.avi"])
    assert "0 bytes" in report.failed["empty.avi"]
    assert "no video stream" in report.failed["text.mp4"]
    assert "two frames" in report.failed["one.avi"]
    assert "no such video" in report.failed["gone.avi"]
    assert 2 < store.Reader(str(tmp_path / "store")).num_frames("half.avi") < 40
    assert str(tmp_path) not in (tmp_path / "store/failed.csv").read_text()


def test_crash_midway_leaves_nothing_of_the_video(tmp_path, videos, bad_tasks, monkeypatch):
    bad = write_clip(tmp_path / "clips/bad.avi")
    monkeypatch.setattr(extraction, "time_steps", bad_tasks.abort_midway)
    report = fill(tmp_path / "store", [("bad.avi", bad), *videos])
    assert report.failed == {"bad.avi": "crashed: the worker was ended by SIGABRT"}
    assert len(report.done) == 4
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
    report = fill(
        tmp_path / "store",
        [(path.name, path) for path in files],
        recipe=extraction.Recipe(method="dis", shorter_side=64),
    )
    failed = failures(tmp_path / "store")
    assert set(report.done) | failed.keys() == {path.name for path in files}
    assert not set(report.done) & failed.keys()
    assert "0 bytes" in failed["zero_length.avi"] and "hung" not in "".join(failed.values())
    findings = store.check(str(tmp_path / "store"))
    assert findings.frames.keys() == set(report.done) and not findings.damaged
    assert findings.frames["opencv_mpeg4.mp4"] == (30, 30)


def test_failed_video_is_tried_again(tmp_path, videos):
    (video_id, path), *_ = videos
    good = path.read_bytes()
    path.write_bytes(b"")
    assert list(fill(tmp_path / "store", videos).failed) == [video_id]
    path.write_bytes(good)
    report = fill(tmp_path / "store", videos)
    assert report.done == (video_id,) and len(report.skipped) == 3
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


def test_other_recipe_needs_another_store(tmp_path, videos):
    fill(tmp_path / "store", videos[:1])
    with pytest.raises(ValueError, match="method: dis there, farneback asked"):
        recipe = extraction.Recipe(method="farneback", shorter_side=32)
        fill(tmp_path / "store", videos[:1], recipe=recipe)


def test_truncated_video_is_reported_but_one_frame_less_is_normal(tmp_path, monkeypatch):
    log = []
    monkeypatch.setattr(filling.logging, "warning", lambda text, *args: log.append(text % args))
    whole = write_clip(tmp_path / "clips/whole.avi", num_frames=40).read_bytes()
    half = tmp_path / "clips/half.avi"
    half.write_bytes(whole[: len(whole) // 2])
    fill(tmp_path / "store", [("half.avi", half)])
    assert len(log) == 1 and "half.avi: 17 frames decode of" in log[0]
    log.clear()
    run = filling._Progress(
        store.Writer(str(tmp_path / "other"), RECIPE.settings()), num_videos=1, num_skipped=0
    )
    for promised in (7, 8, 9):
        video = store.Writer(str(tmp_path / "other"), RECIPE.settings()).video("a.avi")
        monkeypatch.setattr(video, "finish", lambda **_: None)
        task = extraction.Task("a.avi", "a.avi", RECIPE)
        run._finish(video, task, extraction.Summary(32, 42, 8, promised, 25.0))
    assert log == []


def test_classes_to_test_on_only_are_computed_too(tmp_path, videos):
    rows = [f"{video_id},{video_id.partition('/')[0]},train" for video_id, _ in videos]
    rows[1] = rows[1].replace("train", "test")
    lists = tmp_path / "lists.csv"
    lists.write_text("\n".join(["path,label,split", *rows]) + "\n")
    videos[3][1].unlink()  # Of class 1 a test video is left.
    source = datasets.Source("csv", str(tmp_path / "clips"), str(lists), allow_missing=True)
    ids = [video_id for video_id, _ in filling.list_videos(source)]
    assert ids == [videos[0][0], videos[2][0], videos[1][0]]


def test_default_is_a_worker_per_core_that_may_be_used(monkeypatch):
    monkeypatch.setattr(workers, "count_cores", lambda: 3)
    assert filling.Effort().num_processes == 3
    assert filling.Effort(num_workers=2).num_processes == 2


def test_folders_need_no_classes(tmp_path, videos):
    write_clip(tmp_path / "clips/loose.avi")
    source = datasets.Source("folders", str(tmp_path / "clips"))
    listed = filling.list_videos(source)
    assert [video_id for video_id, _ in listed] == sorted(["loose.avi", *(i for i, _ in videos)])
    assert all(path.is_file() for _, path in listed)


def test_only_the_classes_asked_for_are_listed(tmp_path, videos):
    source = datasets.Source("folders", str(tmp_path / "clips"), classes=("class 1",))
    ids = [video_id for video_id, _ in filling.list_videos(source)]
    assert ids == ["class 1/clip 1.avi", "class 1/clip 3.avi"]


def test_official_lists_are_needed_for_ucf101(tmp_path, videos):
    with pytest.raises(ValueError, match="--annotations"):
        filling.list_videos(datasets.Source("ucf101", str(tmp_path / "clips")))


def test_folder_without_videos_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no videos"):
        filling.list_videos(datasets.Source("folders", str(tmp_path)))


@pytest.mark.parametrize("knobs", [{"num_workers": -1}, {"timeout": 0}])
def test_effort_must_be_positive(knobs):
    with pytest.raises(ValueError, match="Received: --num_workers"):
        filling.Effort(**knobs)
