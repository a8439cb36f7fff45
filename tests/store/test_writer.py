"""Complete videos only, and the same bytes in any order."""

import csv
import dataclasses
import json
import pathlib

import pytest

from tf_twostream import store
from tf_twostream.store import index, layout


def contents(path) -> dict[str, bytes]:
    top = pathlib.Path(path)
    return {p.relative_to(top).as_posix(): p.read_bytes() for p in top.rglob("*") if p.is_file()}


def test_bytes_do_not_depend_on_the_order_or_the_place(make_store, num_frames):
    one = contents(make_store("one", num_frames))
    other = contents(make_store("elsewhere/other", reversed(num_frames)))
    assert one == other


def test_store_holds_the_files_of_the_schema(small_store):
    files = {"rgb.tfrecord", "forward.tfrecord", "backward.tfrecord", "video.json"}
    expected = {f"videos/a/2.avi/{file}" for file in files}
    found = contents(small_store).keys()
    assert expected == {name for name in found if "a/2.avi" in name}
    assert {"store.json", "index.npz", "failed.csv"} == {n for n in found if "/" not in n}


def test_video_without_finish_does_not_count_and_leaves_nothing(small_store, settings):
    writer = store.Writer(small_store, settings)
    before = contents(small_store)
    with pytest.raises(KeyboardInterrupt), writer.video("c.avi") as video:
        video.add_rgb(b"jpeg")
        raise KeyboardInterrupt
    writer.write_index()
    assert contents(small_store) == before
    assert not writer.is_complete("c.avi")


def test_what_a_killed_run_left_is_replaced(make_store, num_frames, settings, tmp_path, add_video):
    expected = contents(make_store("one", num_frames))
    path = make_store("killed", list(num_frames)[:2])
    writer = store.Writer(path, settings)
    for name in ("rgb.tfrecord", "forward.tfrecord.partial", "junk"):
        folder = pathlib.Path(path, "videos/b/1+2&3.avi")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"half")
    assert not writer.is_complete("b/1+2&3.avi")
    add_video(writer, "b/1+2&3.avi", num_frames["b/1+2&3.avi"])
    writer.write_index()
    assert contents(path) == expected


def test_index_is_what_counts_for_the_reader(small_store, settings, add_video):
    add_video(store.Writer(small_store, settings), "c.avi", 3)
    assert "c.avi" not in store.Reader(small_store).video_ids
    store.Writer(small_store, settings).write_index()
    assert "c.avi" in store.Reader(small_store).video_ids


@pytest.mark.parametrize(
    "changed",
    [{"method": "tvl1"}, {"directions": ("forward",)}, {"shorter_side": 32}, {"flow_quality": 1}],
)
def test_other_settings_need_another_store(small_store, settings, changed):
    (key, value), *_ = changed.items()
    with pytest.raises(ValueError, match=f"{key}: .* there, .* asked"):
        store.Writer(small_store, dataclasses.replace(settings, **changed))
    store.Writer(small_store, settings)  # The same ones do not.


@pytest.mark.parametrize("num_rgb, num_flow", [(3, 3), (3, 1), (1, 2)])
def test_t_frames_have_t_minus_1_fields(tmp_path, settings, num_rgb, num_flow):
    forward = dataclasses.replace(settings, directions=("forward",))
    writer = store.Writer(str(tmp_path), forward)
    with pytest.raises(ValueError, match="T - 1 fields"), writer.video("a.avi") as video:
        for _ in range(num_rgb):
            video.add_rgb(b"x")
        for _ in range(num_flow):
            video.add_flow("forward", b"x", [[0, 1], [0, 1]], [0, 0])
        video.finish(height=1, width=1, promised_frames=3, fps=25.0)
    assert not writer.is_complete("a.avi")


def test_failed_videos_are_listed_by_id(tmp_path, settings):
    writer = store.Writer(str(tmp_path), settings)
    writer.write_failed({"b,1.avi": 'it says "no"', "a.avi": "hung"})
    with open(tmp_path / "failed.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["video_id", "reason"], ["a.avi", "hung"], ["b,1.avi", 'it says "no"']]


def test_earlier_failures_stay_listed_until_the_video_is_complete(small_store, settings, add_video):
    writer = store.Writer(small_store, settings)
    writer.write_failed({"c.avi": "hung", "d.avi": 'no, "video"'})
    add_video(writer, "c.avi", 2)
    writer.write_failed({"e.avi": "empty"})
    assert store.read_failed(small_store) == {"d.avi": 'no, "video"', "e.avi": "empty"}


def test_what_is_left_of_a_video_is_discarded(small_store, settings):
    writer = store.Writer(small_store, settings)
    folder = pathlib.Path(small_store, "videos/c.avi")
    folder.mkdir()
    (folder / "rgb.tfrecord.partial").write_bytes(b"half")
    writer.discard("c.avi")
    writer.discard("c.avi")  # Nothing is there now.
    assert not folder.exists()


def test_video_json_tells_what_the_header_promised(small_store):
    content = json.loads(pathlib.Path(small_store, "videos/a/2.avi/video.json").read_text())
    assert (content["num_frames"], content["promised_frames"], content["fps"]) == (2, 3, 25.0)


def test_a_store_that_is_continued_reads_no_video_that_its_index_lists(
    small_store, settings, add_video, monkeypatch
):
    whole, read = contents(small_store), []
    read_video = layout.read_video
    monkeypatch.setattr(
        layout, "read_video", lambda path, name: read.append(name) or read_video(path, name)
    )
    store.Writer(small_store, settings).write_index()
    assert contents(small_store) == whole and not read
    writer = store.Writer(small_store, settings)
    add_video(writer, "a/2.avi", 5)
    writer.write_index()
    assert read == ["a/2.avi"] and store.Reader(small_store).num_frames("a/2.avi") == 5


def test_with_other_kinds_of_records_all_videos_are_read_again(small_store, settings):
    forward = dataclasses.replace(settings, directions=("forward",))
    path = pathlib.Path(small_store, "store.json")
    path.write_text(path.read_text().replace('"backward", ', "").replace(', "backward"', ""))
    writer = store.Writer(small_store, forward)
    writer.write_index()
    assert [*index.read(small_store).lengths] == ["rgb", "forward"]
