"""Records, written one by one and read from any offset."""

import pathlib

import numpy as np
import pytest
import read_back
import tensorflow as tf

from tf_twostream import store
from tf_twostream.store import records

RANGE = np.array([[-1.5, 2], [-3, 4.25]], np.float32)
MEAN = np.array([0.5, -0.25], np.float32)


@pytest.fixture
def table(small_store, num_frames):
    return store.Reader(small_store).table(list(num_frames), "forward")


def test_field_is_parsed_as_it_was_written():
    serialized = records.serialize_flow(b"jpeg", RANGE, MEAN)
    for parse in (records.parse_flow, tf.function(records.parse_flow)):
        parsed = parse(tf.constant([serialized, serialized, serialized]))
        assert parsed["jpeg"].numpy().tolist() == [b"jpeg"] * 3
        np.testing.assert_array_equal(parsed["range"], np.stack([RANGE] * 3))
        np.testing.assert_array_equal(parsed["mean"], np.stack([MEAN] * 3))


def test_frame_is_parsed_as_it_was_written():
    parsed = records.parse_rgb(tf.constant([records.serialize_rgb(b"jpeg")]))
    assert parsed["jpeg"].numpy().tolist() == [b"jpeg"]


def test_records_are_the_same_outside_of_a_graph():
    content = records.deserialize(records.serialize_flow(b"jpeg", RANGE, MEAN))
    assert content["jpeg"] == b"jpeg"
    np.testing.assert_array_equal(content["range"], RANGE)
    np.testing.assert_array_equal(content["mean"], MEAN)
    assert records.deserialize(records.serialize_rgb(b"jpeg")) == {"jpeg": b"jpeg"}


def test_what_is_no_record_is_refused():
    with pytest.raises(ValueError, match=r"tf\.train\.Example"):
        records.deserialize(b"\xff\xff\xff")


def test_equal_contents_give_equal_bytes():
    assert records.serialize_flow(b"a", RANGE, MEAN) == records.serialize_flow(b"a", RANGE, MEAN)


def test_window_in_a_dataset_is_the_slice_of_the_whole(table):
    path, offsets = table.path(0), read_back.offsets(table)
    whole = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    starts = tf.data.Dataset.range(3).map(
        lambda t: records.read_records(tf.constant(path), tf.gather(offsets, t), 2)
    )
    assert starts.element_spec == tf.TensorSpec([2], tf.string)
    windows = [window.tolist() for window in starts.as_numpy_iterator()]
    assert windows == [whole[t : t + 2] for t in range(3)]


def test_reading_beyond_the_end_is_an_error(table):
    last = read_back.offsets(table)[-1]
    with pytest.raises(tf.errors.InvalidArgumentError):
        records.read_records(table.path(0), last, 2)


def test_damaged_record_is_an_error(table):
    path = table.path(0)
    data = bytearray(pathlib.Path(path).read_bytes())
    data[40] ^= 1
    pathlib.Path(path).write_bytes(data)
    with pytest.raises(tf.errors.DataLossError):
        records.read_records(path, 0, 1)
    assert (
        records.read_records(path, read_back.offsets(table)[1], 1).shape == 1
    )  # The others are good.


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("share", [0, 3])
def test_a_file_that_is_too_short_is_named(table, tmp_path, share, graph):
    path = tmp_path / "short.tfrecord"
    ends = read_back.offsets(table)[1] if share else 0
    path.write_bytes(pathlib.Path(table.path(0)).read_bytes()[:ends])
    read = tf.function(records.read_records) if graph else records.read_records
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Received: .*short\.tfrecord"):
        read(tf.constant(str(path)), tf.constant(0, tf.int64), 3)


def test_the_coding_names_the_codes():
    record = records.serialize_flow(b"codes", RANGE, MEAN, "raw")
    assert records.deserialize(record, "raw")["raw"] == b"codes"
    assert records.parse_flow(tf.constant([record]), "raw")["raw"].numpy().tolist() == [b"codes"]
    with pytest.raises(ValueError, match="must hold 'jpeg'"):
        records.deserialize(record)
