"""What is in a store, and at which bytes."""

import dataclasses
import pathlib

import numpy as np
import pytest
import read_back
import tensorflow as tf

from tf_twostream import store
from tf_twostream.flow import codec
from tf_twostream.store import coding, records


@pytest.fixture
def reader(small_store) -> store.Reader:
    return store.Reader(small_store)


def test_reader_knows_videos_lengths_sizes_and_settings(reader, num_frames, settings):
    assert reader.video_ids == tuple(sorted(num_frames))
    assert {video_id: reader.num_frames(video_id) for video_id in reader.video_ids} == num_frames
    assert reader.size("a/2.avi") == (16, 24)
    assert reader.settings == settings


@pytest.mark.parametrize("kind", ["rgb", "forward", "backward"])
def test_every_offset_of_the_table_is_where_its_record_begins(reader, kind):
    video_ids = ["b/1+2&3.avi", "a/1 (x)!.avi", "b/1+2&3.avi"]  # Any order, repeated.
    table = reader.table(video_ids, kind)
    for n in range(len(video_ids)):
        path = table.path(n)
        whole = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        assert table.num_records[n] == len(whole)
        for record, offset in zip(whole, read_back.offsets(table, n)):
            assert records.read_records(str(path), offset, 1).numpy().tolist() == [record]


def test_table_has_the_sizes_of_its_videos(reader, num_frames):
    table = reader.table(["a/2.avi", "a/1 (x)!.avi"], "forward")
    assert table.num_records.tolist() == [1, 4]
    assert table.height.tolist() == [16, 16] and table.width.tolist() == [24, 24]
    assert read_back.offsets(table).dtype == np.int64


def test_table_of_no_videos_is_empty(reader):
    table = reader.table([], "rgb")
    assert len(table.video_ids) == len(table.num_records) == len(table.first) == 0


def test_unknown_video_is_named(reader):
    with pytest.raises(ValueError, match="'c.avi' is not among the 3 videos"):
        reader.table(["a/2.avi", "c.avi"], "rgb")


def test_direction_that_the_store_lacks_is_refused(tmp_path, settings):
    forward = dataclasses.replace(settings, directions=("forward",))
    store.Writer(str(tmp_path), forward).write_index()
    with pytest.raises(ValueError, match="holds rgb, forward. Received: backward"):
        store.Reader(str(tmp_path)).table([], "backward")


def test_folder_without_index_is_no_store(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold store.json. Received"):
        store.Reader(str(tmp_path))


def test_other_schema_is_refused(small_store):
    path = pathlib.Path(small_store, "store.json")
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 0'))
    with open(pathlib.Path(small_store, "index.npz"), "wb") as file:
        np.savez(file, names=["a.avi"])  # Another schema may have other arrays.
    with pytest.raises(
        store.DamagedStoreError,
        match="schema of a store must be 2 or earlier. Received: .* with schema 0",
    ):
        store.Reader(small_store)


def test_frames_and_fields_of_a_video_are_read_without_a_graph(reader):
    video = "a/1 (x)!.avi"
    paths = {kind: reader.table([video], kind).path(0) for kind in ("rgb", "backward")}
    whole = {
        kind: [records.deserialize(r) for r in tf.data.TFRecordDataset(path).as_numpy_iterator()]
        for kind, path in paths.items()
    }
    frames = list(reader.frames(video))
    assert len(frames) == 5
    for frame, record in zip(frames, whole["rgb"], strict=True):
        np.testing.assert_array_equal(frame, coding.decode(record["jpeg"]))
    wanted = [codec.restore(codec.decode(r["jpeg"]), r["range"]) for r in whole["backward"]]
    for first, count, step in ((0, None, 1), (1, 2, 1), (0, None, 2), (3, 1, 1), (2, 0, 1)):
        fields = list(reader.fields(video, first, count, direction="backward", step=step))
        last = None if count is None else first + count
        for field, other in zip(fields, wanted[first:last:step], strict=True):
            np.testing.assert_array_equal(field, other)


def test_frames_of_an_unknown_video_are_refused(reader):
    with pytest.raises(store.MissingVideoError, match="'c.avi' is not among"):
        next(reader.frames("c.avi"))


def test_an_index_without_a_kind_of_the_store_is_refused(small_store):
    path = pathlib.Path(small_store, "index.npz")
    with np.load(path) as content:
        np.savez(path, **{n: content[n] for n in content.files if n != "backward_lengths"})
    with pytest.raises(store.DamagedStoreError, match="all kinds.*without backward"):
        store.Reader(str(small_store))


@pytest.mark.parametrize(
    "change", [{"num_frames": np.zeros(2)}, {"rgb_lengths": np.zeros(3, "i4")}]
)
def test_an_index_of_arrays_that_do_not_fit_is_damaged(small_store, change):
    path = pathlib.Path(small_store, "index.npz")
    with np.load(path) as content:
        arrays = dict(content)
    np.savez(path, **arrays | change)
    with pytest.raises(store.DamagedStoreError, match=r"index\.npz is damaged"):
        store.Reader(str(small_store))
