"""What is damaged or half-done is found and can be done again."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.flow import codec
from tf_twostream.processes import locks
from tf_twostream.store import checking

VIDEO = "a/1 (x)!.avi"


def file(path, name) -> pathlib.Path:
    return pathlib.Path(path, "videos", VIDEO, name)


def flip_a_bit(path):
    data = bytearray(file(path, "forward.tfrecord").read_bytes())
    data[len(data) // 2] ^= 1
    file(path, "forward.tfrecord").write_bytes(data)


def cut_off(path):
    data = file(path, "rgb.tfrecord").read_bytes()
    file(path, "rgb.tfrecord").write_bytes(data[: len(data) // 2])


def empty(path):
    file(path, "backward.tfrecord").write_bytes(b"")


def remove(path):
    file(path, "backward.tfrecord").unlink()


def take_from_another_video(path):
    shutil.copy(file(path, "../2.avi/rgb.tfrecord"), file(path, "rgb.tfrecord"))


def swap_files(path):
    shutil.copy(file(path, "backward.tfrecord"), file(path, "forward.tfrecord"))


def put_frames_for_fields(path):
    shutil.copy(file(path, "rgb.tfrecord"), file(path, "forward.tfrecord"))


def break_json(path):
    file(path, "video.json").write_text("{")


def drop_a_field(path):
    text = file(path, "video.json").read_text()
    file(path, "video.json").write_text(text.replace('"fps": 25.0, ', ""))


def claim_another_size(path):
    text = file(path, "video.json").read_text()
    file(path, "video.json").write_text(text.replace('"height": 16', '"height": 32'))


def is_sound(path, num_frames):
    findings = checking.check(path)
    found = {video_id: info.num_frames for video_id, info in findings.videos.items()}
    return (found, findings.damaged, findings.index) == (num_frames, {}, "")


def test_sound_store_has_no_findings(small_store, num_frames):
    assert is_sound(small_store, num_frames)


@pytest.mark.parametrize(
    "damage, reason",
    [
        (flip_a_bit, "record 1 is damaged"),
        (cut_off, "damaged or cut off"),
        (empty, "0 records instead of 4"),
        (remove, "backward.tfrecord: the file is missing"),
        (take_from_another_video, "2 records instead of 5"),
        (put_frames_for_fields, "forward.tfrecord: record 0 "),
        (swap_files, "not as long as"),
        (break_json, "must hold JSON"),
        (drop_a_field, "fps"),
        (claim_another_size, "size"),
    ],
)
def test_damage_is_found_and_redone(small_store, num_frames, settings, add_video, damage, reason):
    damage(small_store)
    findings = checking.check(small_store, num_threads=2)
    assert list(findings.damaged) == [VIDEO]
    assert reason in findings.damaged[VIDEO]
    checking.remove(small_store, findings.damaged)
    assert VIDEO not in store.Reader(small_store).video_ids
    assert VIDEO not in checking.check(small_store).videos
    writer = store.Writer(small_store, settings)
    add_video(writer, VIDEO, num_frames[VIDEO])
    writer.write_index()
    assert is_sound(small_store, num_frames)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e9])
def test_faulty_range_is_found(tmp_path, settings, bad):
    writer = store.Writer(str(tmp_path), dataclasses.replace(settings, directions=("forward",)))
    codes = codec.encode(np.zeros((2, 16, 16), np.uint8))
    with writer.video("a.avi") as video:
        for t in range(2):
            video.add_rgb(codec.encode(np.zeros((2, 8, 16), np.uint8)))
            if t:
                video.add_flow("forward", codes, np.array([[bad, 1], [0, 1]]), np.zeros(2))
        video.finish(height=16, width=16, promised_frames=2, fps=25.0)
    writer.write_index()
    assert "faulty range" in checking.check(str(tmp_path)).damaged["a.avi"]


def test_half_done_video_is_found(small_store):
    file(small_store, "video.json").unlink()
    assert checking.check(small_store).damaged == {VIDEO: "half-done"}


def test_index_that_is_not_up_to_date_is_found(small_store, settings, add_video):
    add_video(store.Writer(small_store, settings), "c.avi", 2)
    assert "does not agree" in checking.check(small_store).index
    pathlib.Path(small_store, "index.npz").unlink()
    assert "must have an index" in checking.check(small_store).index
    pathlib.Path(small_store, "index.npz").write_bytes(b"PK\3\4half")
    assert "index.npz is damaged" in checking.check(small_store).index


@pytest.mark.parametrize("name", ["method", "parameters"])
def test_store_must_say_how_its_flow_was_computed(small_store, name):
    path = pathlib.Path(small_store, "store.json")
    settings = json.loads(path.read_text())
    del settings[name]
    path.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=f"must say method.* without {name}"):
        checking.check(small_store)


def test_nothing_is_removed_while_another_process_writes(small_store):
    with locks.exclusive(small_store), pytest.raises(BlockingIOError):
        checking.remove(small_store, [VIDEO])
    assert file(small_store, "video.json").exists()


def test_folder_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"store\.json"):
        checking.check(str(tmp_path))
