"""Where the records of many videos are."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import store
from tf_twostream.store import layout, records, tables


def test_an_offset_is_the_sum_of_all_records_before_with_what_a_file_adds():
    rng = np.random.default_rng(0)
    counts = np.array([3, 0, 5])
    lengths = (rng.integers(0, 1 << 31, 8, dtype=np.int32), rng.integers(0, 9, 4, dtype=np.int32))
    table = tables.Table(
        kind="rgb", folders=("a/videos/", "b/videos/"), store=np.array([0, 0, 0, 1]),
        video_ids="wxyz", num_records=np.append(counts, 4), height=np.ones(4), width=np.ones(4),
        first=np.append(np.cumsum(counts) - counts, 8), lengths=np.concatenate(lengths),
    )  # fmt: skip
    for video, own in ((0, lengths[0][:3]), (2, lengths[0][3:]), (3, lengths[1])):
        for record in range(len(own)):
            wanted = sum(own[:record].tolist()) + record * layout.RECORD_OVERHEAD
            found = table.offsets(np.array([video]), np.array([record]))
            assert found.tolist() == [wanted]
            in_graph = records.offset(tf.constant(table.lengths), table.first[video], record)
            assert in_graph.numpy() == wanted
    assert table.offsets(np.array([3, 0]), np.array([0, 0])).dtype == np.int64
    assert table.path(3) == "b/videos/z/rgb.tfrecord"


@pytest.mark.parametrize("kind", ["rgb", "forward"])
def test_paths_in_the_graph_are_those_of_the_layout(small_store, kind):
    reader = store.Reader(small_store)
    table = reader.table(reader.video_ids, kind)
    folders = tf.gather(table.folders, table.store)
    wanted = [layout.records_path(small_store, v, kind) for v in reader.video_ids]
    found = records.paths(folders, tf.constant(table.video_ids), kind).numpy()
    assert [path.decode() for path in found] == wanted
    assert [table.path(n) for n in range(len(wanted))] == wanted
