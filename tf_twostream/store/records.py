"""Records: protocol buffers in TFRecord files, written one by one, read from any offset."""

from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import message

from tf_twostream.flow import codec
from tf_twostream.store import layout

READ_BUFFER = 1 << 16  # Bytes; filling 256 KiB took 25 % longer than this.


def serialize_rgb(jpeg: bytes) -> bytes:
    """Returns the record of one RGB frame, given its JPEG image."""
    return _serialize({"jpeg": _bytes(jpeg)})


def serialize_flow(
    codes: bytes, ranges: np.ndarray, mean: np.ndarray, coding: codec.CodingName = "jpeg"
) -> bytes:
    """Returns the record of one displacement field.

    Args:
        codes: The codes as bytes, u above v (`flow.codec.CODINGS`).
        ranges: `[2, 2]` float32, the range: (minimum, maximum) of u and of v in pixels.
        mean: `[2]` float32, mean of u and of v in pixels.
        coding: How the codes became bytes, which names them in the record: a program that does not
            know it then finds none.
    """
    return _serialize({coding: _bytes(codes), "range": _floats(ranges), "mean": _floats(mean)})


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _floats(values: np.ndarray) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(values)))


def _serialize(features: dict[str, tf.train.Feature]) -> bytes:
    record = tf.train.Example(features=tf.train.Features(feature=features))
    # The features are a map, whose order protocol buffers leave open otherwise.
    return record.SerializeToString(deterministic=True)


def deserialize(record: bytes, coding: codec.CodingName = "jpeg") -> dict[str, Any]:
    """Reads one record of either kind, outside of a graph.

    Args:
        record: What `serialize_rgb` or `serialize_flow` returned.
        coding: Of the codes, if it is a field.

    Returns:
        "jpeg", or another `coding`: bytes; and for a field "range": `[2, 2]` and "mean": `[2]`
        float32 in pixels.

    Raises:
        ValueError: If it is no such record.
    """
    try:
        features = tf.train.Example.FromString(record).features.feature
    except message.DecodeError as error:
        raise ValueError(f"A record must be a tf.train.Example. Received: {error}.") from error
    if coding not in features:
        given = f"{sorted(features)} without it"
        raise ValueError(f"A record must hold {coding!r}. Received: {given}.")
    (data,) = features[coding].bytes_list.value
    if "range" not in features:
        return {coding: data}
    return {
        coding: data,
        "range": np.array(features["range"].float_list.value, np.float32).reshape(2, 2),
        "mean": np.array(features["mean"].float_list.value, np.float32).reshape(2),
    }


def parse_rgb(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parses the records of RGB frames, in the graph.

    Args:
        serialized: `[L]` string.

    Returns:
        "jpeg": `[L]` string.
    """
    return tf.io.parse_example(serialized, {"jpeg": tf.io.FixedLenFeature([], tf.string)})


def parse_flow(serialized: tf.Tensor, coding: codec.CodingName = "jpeg") -> dict[str, tf.Tensor]:
    """Parses the records of displacement fields, in the graph.

    Args:
        serialized: `[L]` string.
        coding: Of the codes.

    Returns:
        "jpeg", or another `coding`: `[L]` string; "range": `[L, 2, 2]` float32, (minimum, maximum)
        of u and of v; "mean": `[L, 2]` float32; both in pixels per frame.
    """
    return tf.io.parse_example(
        serialized,
        {
            coding: tf.io.FixedLenFeature([], tf.string),
            "range": tf.io.FixedLenFeature([2, 2], tf.float32),
            "mean": tf.io.FixedLenFeature([2], tf.float32),
        },
    )


def paths(folder: tf.Tensor, video_id: tf.Tensor, kind: str) -> tf.Tensor:
    """Returns where records lie, in a graph: see `layout.records_path`.

    Args:
        folder: `[B]` string, `Table.folders`.
        video_id: `[B]` string.
        kind: "rgb", "forward" or "backward".
    """
    return tf.strings.join([folder, video_id, f"/{kind}.tfrecord"])


def offset(lengths: tf.Tensor, first: tf.Tensor, record: tf.Tensor) -> tf.Tensor:
    """Returns the byte at which a record begins, in a graph: see `Table.offsets`.

    Args:
        lengths: int32, `Table.lengths`.
        first: Scalar int64, where those of the video begin.
        record: Scalar int64, the number of the record, counted from 0.
    """
    before = tf.cast(lengths[first : first + record], tf.int64)
    return tf.reduce_sum(before) + record * layout.RECORD_OVERHEAD


def read_records(path: tf.Tensor, offset: tf.Tensor, count: int) -> tf.Tensor:
    """Reads successive records from the middle of a TFRecord file, in a graph or outside.

    Only these records are read; their checksums are verified.

    Args:
        path: Scalar string, the file, on any file system that TensorFlow knows.
        offset: Scalar int64, the byte where the first record begins (`Reader.table`).
        count: How many records, at least one.

    Returns:
        `[count]` string, serialized records.

    Raises:
        tf.errors.InvalidArgumentError: If the file ends before `count` records.
        tf.errors.DataLossError: If a checksum is wrong or no record begins at `offset`.
    """
    # `tf.data.TFRecordDataset` reads a file from its beginning; the op below it starts anywhere.
    # A window of ten records takes 1 ms like this, decoding them four times as long.
    variant = tf.raw_ops.TFRecordDatasetV2(
        filenames=tf.reshape(path, [1]),
        compression_type="",
        buffer_size=tf.constant(READ_BUFFER, tf.int64),
        byte_offsets=tf.reshape(tf.cast(offset, tf.int64), [1]),
    )
    records = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
    # Too few records are no batch then, where a shorter window would go unseen. Of no batch
    # TensorFlow would not say which file lacks it, so that empty texts take its place.
    batch = records.take(count).batch(count, drop_remainder=True)
    absent = tf.data.Dataset.from_tensors(tf.fill([count], ""))
    # As a single element, for an iterator over this op cannot be made (TensorFlow 2.21).
    found = batch.concatenate(absent).take(1).get_single_element()
    rule = "A file of a store must hold the records that its index lists. Received: "
    named = tf.strings.join([rule, path])
    with tf.control_dependencies([tf.debugging.Assert(found[0] != "", [named])]):
        return tf.identity(found)
