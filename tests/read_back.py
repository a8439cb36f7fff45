"""Reads what a store and a batch hold back into NumPy arrays."""

import numpy as np
import tensorflow as tf

from tf_twostream.flow import codec
from tf_twostream.store import records


def fields_of(reader, video_id, direction="forward"):
    """All fields of a video in one direction: codes `[T - 1, 2, H, W]`, ranges and means.

    Not by `store.Reader`, which does not return the means.
    """
    table = reader.table([video_id], direction)
    serialized = list(tf.data.TFRecordDataset(table.path(0)).as_numpy_iterator())
    parsed = {name: value.numpy() for name, value in records.parse_flow(serialized).items()}
    codes = np.array([codec.decode(jpeg) for jpeg in parsed["jpeg"]])
    return codes, parsed["range"], parsed["mean"]


def offsets(table, number=0):
    """The bytes at which the records of one video of a table begin."""
    records_of_video = np.arange(table.num_records[number])
    return table.offsets(np.full(len(records_of_video), number), records_of_video)


def arrays(batch):
    return {name: np.asarray(tensor) for name, tensor in batch.items()}


def assert_same(first, second):
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
