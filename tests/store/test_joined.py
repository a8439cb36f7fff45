"""Several stores read as one."""

import numpy as np
import pytest
import read_back
import tensorflow as tf

from tf_twostream import store
from tf_twostream.store import layout, records

VIDEOS = [(1, "b.avi"), (0, "a.avi"), (1, "a.avi"), (0, "b.avi"), (1, "b.avi")]
IDS = [store.added_id(video_id) if number else video_id for number, video_id in VIDEOS]
NUM_FRAMES = {(0, "a.avi"): 3, (0, "b.avi"): 5, (1, "a.avi"): 4, (1, "b.avi"): 2}


def fill(path, number, directions):
    settings = store.Settings(
        method="dis", parameters={}, directions=tuple(directions), shorter_side=8
    )
    writer = store.Writer(str(path), settings)
    for (own, video_id), num_frames in NUM_FRAMES.items():
        if own != number:
            continue
        with writer.video(video_id) as video:
            for t in range(num_frames):
                video.add_rgb(f"frame {t} of {video_id} in {number}".encode())
                for direction in directions if t else ():
                    data = f"{direction} {t} of {video_id} in {number}" + "!" * t
                    video.add_flow(direction, data.encode(), np.zeros((2, 2)), np.zeros(2))
            video.finish(height=8, width=8 + number, promised_frames=num_frames, fps=25.0)
    writer.write_index()
    return store.Reader(str(path))


@pytest.fixture
def readers(tmp_path):
    """Two stores whose videos have the same names, the second with one direction."""
    return [
        fill(tmp_path / "first", 0, ["forward", "backward"]),
        fill(tmp_path / "second", 1, ["forward"]),
    ]


@pytest.mark.parametrize("kind", ["rgb", "forward"])
def test_each_row_is_of_the_store_that_its_video_is_in(readers, kind):
    table = store.JoinedReader(readers).table(IDS, kind)
    for n, (number, video_id) in enumerate(VIDEOS):
        assert table.path(n) == layout.records_path(readers[number].path, video_id, kind)
        assert table.num_records[n] == NUM_FRAMES[number, video_id] - (kind != "rgb")
        assert (table.height[n], table.width[n]) == (8, 8 + number)
        whole = list(tf.data.TFRecordDataset(table.path(n)).as_numpy_iterator())
        offsets = read_back.offsets(table, n)
        read = [records.read_records(table.path(n), at, 1).numpy()[0] for at in offsets]
        assert read == whole


def test_videos_of_one_store_alone_have_the_table_of_that_store(readers):
    ids = ["b.avi", "a.avi"]
    for number, reader in enumerate(readers):
        joined = store.JoinedReader(readers).table(
            [store.added_id(name) if number else name for name in ids], "rgb"
        )
        own = reader.table(ids, "rgb")
        for n in range(len(ids)):
            assert joined.path(n) == own.path(n)
            assert read_back.offsets(joined, n).tolist() == read_back.offsets(own, n).tolist()


def test_table_of_no_videos_is_empty(readers):
    table = store.JoinedReader(readers).table([], "rgb")
    assert len(table.video_ids) == len(table.num_records) == len(table.first) == 0


def test_only_directions_that_all_stores_have_are_there(readers):
    assert store.JoinedReader(readers).settings.directions == ("forward",)
    assert store.JoinedReader(readers[:1]).settings == readers[0].settings


def test_a_store_that_is_not_there_is_refused(readers):
    with pytest.raises(ValueError, match=r"2 stores, .*first and .*second.* Received: 2"):
        store.JoinedReader(readers).table([store.added_id("a.avi", 2)], "rgb")


def test_a_video_that_its_store_lacks_is_refused(readers):
    with pytest.raises(ValueError, match=r"'c.avi' is not among .*second"):
        store.JoinedReader(readers).table(["a.avi", store.added_id("c.avi")], "rgb")


def test_what_lies_in_an_added_store_is_known_by_its_id():
    assert store.is_added(store.added_id("a b/c.avi")) and not store.is_added("a b/c.avi")
