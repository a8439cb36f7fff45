"""Many videos to a store."""

import csv
import dataclasses
import os

import cv2
import made_up_clips
import numpy as np
import pytest
import worker_jobs

from tf_twostream import datasets, flow, inputs, store
from tf_twostream.flow import codec
from tf_twostream.paper import recipes
from tf_twostream.precompute import extraction, filling, frames, resources, verification
from tf_twostream.processes import printing
from tf_twostream.store import checking, coding

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
    kept = {v: (i.num_frames, i.promised_frames) for v, i in findings.videos.items()}
    assert kept == dict.fromkeys(ids, (8, 8))
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
    assert findings.videos.keys() == set(outcome.done) and not findings.damaged
    odd = findings.videos["opencv_mpeg4.mp4"]
    assert (odd.num_frames, odd.promised_frames) == (30, 30)


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
        filling.warn_of_cut_off("a.avi", extraction.Summary(32, 42, 8, promised, 25.0, ""))
    assert log == []


def test_a_complete_store_is_only_read(tmp_path, videos, monkeypatch):
    fill(tmp_path / "store", videos)
    before = contents(tmp_path / "store")
    # As on a disk that is mounted for reading only.
    monkeypatch.setattr(filling.locks, "exclusive", None)
    outcome = fill(tmp_path / "store", videos)
    assert (outcome.done, len(outcome.skipped)) == ((), 4)
    assert contents(tmp_path / "store") == before


@pytest.mark.parametrize("method", ["dis", "brox"])
def test_flow_is_added_to_frames_and_backward_flow_to_forward(tmp_path, videos, method):
    videos = videos[:2]
    both = ("forward", "backward")
    steps = [("none", both), (method, ("forward",)), (method, both)]
    for name, directions in steps[1 if method == "brox" else 0 :]:
        settings = store.Settings.of(name, shorter_side=32, directions=directions)
        outcome = fill(tmp_path / "grown", videos, settings=settings)
        assert len(outcome.done) == 2
    fill(tmp_path / "once", videos, settings=settings)
    assert contents(tmp_path / "grown") == contents(tmp_path / "once")


def test_what_was_complete_before_flow_was_asked_for_stays(tmp_path, videos, monkeypatch):
    fill(tmp_path / "store", videos, settings=store.Settings.of("none", shorter_side=32))
    frames = {n: c for n, c in contents(tmp_path / "store").items() if "rgb" in n or "video." in n}

    def interrupt(self, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(store.VideoWriter, "finish", interrupt)
        fill(tmp_path / "store", videos)
    assert {n: c for n, c in contents(tmp_path / "store").items() if n in frames} == frames
    fill(tmp_path / "store", videos)
    assert not checking.check(str(tmp_path / "store")).damaged


def test_only_what_is_needed_is_computed(tmp_path, videos):
    asked = []

    def needed(num_frames):
        asked.append(num_frames)
        wanted = {"rgb": np.zeros(num_frames, bool), "forward": np.zeros(num_frames - 1, bool)}
        wanted["rgb"][2:3] = wanted["forward"][4:6] = True
        return wanted

    fill(tmp_path / "whole", videos[:1])
    fill(tmp_path / "part", videos[:1], needed=needed)
    whole, part = (store.Reader(str(tmp_path / name)) for name in ("whole", "part"))
    ((video_id, _),) = videos[:1]
    np.testing.assert_array_equal(
        list(part.frames(video_id, 2, 1)), list(whole.frames(video_id, 2, 1))
    )
    np.testing.assert_array_equal(
        list(part.fields(video_id, 4, 2)), list(whole.fields(video_id, 4, 2))
    )
    assert part.num_frames(video_id) == 8 and asked == [8]
    with pytest.raises(ValueError, match="0 bytes"):
        next(part.frames(video_id))


def test_a_header_that_is_wrong_is_corrected_when_all_is_decoded(tmp_path, videos, monkeypatch):
    asked = []

    def needed(num_frames):
        asked.append(num_frames)
        return {
            "rgb": np.arange(num_frames) == 7,
            "forward": np.zeros(max(0, num_frames - 1), bool),
        }

    monkeypatch.setattr(extraction, "header", worker_jobs.header_of_nothing)
    fill(tmp_path / "store", videos[:1], needed=needed)
    assert asked == [0, 8]
    assert next(store.Reader(str(tmp_path / "store")).frames(videos[0][0], 7)).shape == (32, 42, 3)


BAD_NAMES = [b"a/caf\xe9.avi", b"a/red\x1b[31m.avi", b"a/two\nlines.avi", b"a/back\\slash.avi"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_cannot_be_an_id_fails_alone(tmp_path, videos, name, caplog):
    try:
        write_clip(tmp_path / "clips/a/x.avi").rename(tmp_path / "clips" / os.fsdecode(name))
    except OSError:
        pytest.skip("This file system takes UTF-8 alone.")
    source = datasets.Source(dataset="folders", videos_dir=str(tmp_path / "clips"))
    outcome = fill(tmp_path / "store", datasets.list_videos(source))
    assert sorted(outcome.done) == sorted(video_id for video_id, _ in videos)
    [(video_id, reason)] = failures(tmp_path / "store").items()
    assert printing.is_printable(video_id) and "\\" in video_id
    assert "An id must be" in reason and str(tmp_path) not in reason
    assert printing.is_printable(caplog.text.replace("\n", ""))
    # The same file is known again.
    listed = datasets.list_videos(source)
    verdict = verification.verify(str(tmp_path / "store"), listed, resources=RESOURCES)
    assert (verdict.is_good, list(verdict.failed)) == (True, [video_id])


@pytest.mark.parametrize("name", ["two  spaces.avi", "it's.avi", 'it\'s "it".avi'])
def test_no_path_of_this_machine_gets_into_the_list_of_failures(tmp_path, name):
    path = tmp_path / "my  clips" / name
    path.parent.mkdir()
    path.write_bytes(b"RIFF")
    fill(tmp_path / "store", [(name, path), (f"no {name}", path.with_name(f"no {name}"))])
    reasons = failures(tmp_path / "store")
    assert len(reasons) == 2
    assert all(name in reason and "my " not in reason for reason in reasons.values())


def test_what_was_made_of_a_file_stays_when_it_does_not_decode_any_more(tmp_path, videos):
    videos = videos[:1]
    fill(tmp_path / "store", videos)
    before = contents(tmp_path / "store")
    videos[0][1].write_bytes(b"half a copy")
    assert fill(tmp_path / "store", videos).failed.keys() == {videos[0][0]}
    after = contents(tmp_path / "store")
    assert {name: data for name, data in after.items() if name != "failed.csv"} == {
        name: data for name, data in before.items() if name != "failed.csv"
    }


def test_flow_of_another_file_is_not_put_beside_the_frames(tmp_path, videos, monkeypatch):
    videos = videos[:1]
    fill(tmp_path / "store", videos, settings=store.Settings.of("none", shorter_side=32))
    take, taken = filling.inventory.take, []

    def take_and_replace(*given):
        taken.append(take(*given))
        if len(taken) == 2:  # The one under the lock, by which the work is planned.
            write_clip(videos[0][1], seed=9)
        return taken[-1]

    with monkeypatch.context() as patch:
        patch.setattr(filling.inventory, "take", take_and_replace)
        outcome = fill(tmp_path / "store", videos)
    assert not outcome.done and "another one" in outcome.failed[videos[0][0]]
    assert fill(tmp_path / "store", videos).done == (videos[0][0],)
    fill(tmp_path / "once", videos)
    assert contents(tmp_path / "store") == contents(tmp_path / "once")


def test_what_another_run_did_before_it_let_go_of_the_lock_is_not_done_again(
    tmp_path, videos, monkeypatch
):
    take, taken = filling.inventory.take, []

    def take_and_lose_the_race(*given):
        taken.append(take(*given))
        if len(taken) == 1:
            fill(tmp_path / "store", videos[:3])
        return taken[-1]

    monkeypatch.setattr(filling.inventory, "take", take_and_lose_the_race)
    outcome = fill(tmp_path / "store", videos)
    assert outcome.done == (videos[3][0],) and len(outcome.skipped) == 3


def test_clips_of_one_file_are_videos_of_its_frames_between_their_seconds(tmp_path, videos):
    file = write_clip(tmp_path / "long.avi", num_frames=30)  # 25 frames per second.
    ids = ["long.avi", "long.avi#0-0.2", "long.avi#0.2-0.48"]
    fill(tmp_path / "store", [(video_id, file) for video_id in ids])
    reader = store.Reader(str(tmp_path / "store"))
    whole, first, second = (list(reader.frames(video_id)) for video_id in ids)
    np.testing.assert_array_equal(first, whole[:5])
    np.testing.assert_array_equal(second, whole[5:12])
    assert len(set(reader.sources(ids).values())) == 1  # The hash is that of the file.
    assert fill(tmp_path / "store", [(video_id, file) for video_id in ids]).done == ()


def test_a_clip_beyond_the_end_fails_with_its_seconds(tmp_path, videos):
    outcome = fill(tmp_path / "store", [("a.avi#7-9.5", videos[0][1]), *videos])
    assert "none from 7 to 9.5 seconds" in outcome.failed["a.avi#7-9.5"]


def test_a_store_of_another_rate_is_not_continued(tmp_path, videos):
    slow = store.Settings.of("none", shorter_side=32, fps=12.5)
    fill(tmp_path / "store", videos, settings=slow)
    reader = store.Reader(str(tmp_path / "store"))
    assert [reader.num_frames(i) for i in reader.video_ids] == [4] * 4
    assert reader.fps(videos[0][0]) == 12.5
    with pytest.raises(store.OtherSettingsError, match="fps: 12.5 there, None asked"):
        fill(tmp_path / "store", videos, settings=store.Settings.of("none", shorter_side=32))
    # Flow is added to the frames that are there.
    outcome = fill(
        tmp_path / "store", videos, settings=store.Settings.of("dis", shorter_side=32, fps=12.5)
    )
    assert len(outcome.done) == 4


def test_what_is_needed_is_planned_for_the_frames_of_the_rate(tmp_path, videos):
    planned = []

    def needed(num_frames):
        planned.append(num_frames)
        return {"rgb": np.ones(num_frames, bool), "forward": np.zeros(max(0, num_frames - 1), bool)}

    half = store.Settings.of("dis", shorter_side=32, frame_step=3)
    fill(tmp_path / "store", videos, settings=half, needed=needed)
    assert planned == [3] * 4


def test_raw_codes_are_read_as_they_were_made(tmp_path, videos):
    raw = dataclasses.replace(SETTINGS, flow_coding="raw", flow_quality=None)
    path = str(tmp_path / "raw")
    fill(path, videos[:1], settings=raw)
    assert not checking.check(path).damaged
    reader = store.Reader(path)
    [video_id, *_] = reader.video_ids
    clip = frames.read_frames(dict(videos)[video_id], shorter_side=32)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]
    wanted = [codec.quantise(field) for field in flow.fields(grey, method="dis")]
    recipe = recipes.TemporalRecipe(stack_length=len(wanted), crop_size=32)
    [batch] = inputs.evaluation(
        inputs.Windows(reader, [datasets.Video(video_id, 0)], recipe), num_windows=1
    )
    for t, (codes, ranges) in enumerate(reader.coded_fields(video_id)):
        np.testing.assert_array_equal(codes, wanted[t][0])
        np.testing.assert_array_equal(ranges, wanted[t][1])
        np.testing.assert_array_equal(batch["codes"][0, t], codes)


def test_raw_codes_that_are_too_few_are_found(tmp_path, videos):
    raw = dataclasses.replace(SETTINGS, flow_coding="raw", flow_quality=None)
    writer = store.Writer(str(tmp_path / "store"), raw)
    jpeg = coding.encode(np.zeros((32, 40, 3), np.uint8))
    with writer.video("v") as video:
        video.add_rgb(jpeg)
        video.add_rgb(jpeg)
        video.add_flow("forward", bytes(2 * 32 * 40 - 1), np.zeros((2, 2)), np.zeros(2))
        video.finish(height=32, width=40, promised_frames=2, fps=25.0)
    writer.write_index()
    assert "a byte per code" in checking.check(str(tmp_path / "store")).damaged["v"]
