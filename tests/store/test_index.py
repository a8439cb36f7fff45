"""All `video.json` joined in one file."""

import dataclasses
import pathlib

import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.store import index, layout

KINDS = ("rgb", "forward")
VIDEOS = {
    "b.avi": layout.VideoInfo(2, 16, 24, 3, 25.0, {"rgb": [5, 6], "forward": [7]}),
    "a.avi": layout.VideoInfo(3, 32, 48, 3, 29.97, {"rgb": [1, 2, 3], "forward": [8, 9]}),
}


def test_videos_are_joined_in_order_of_their_ids():
    joined = index.join(VIDEOS, KINDS)
    assert joined.video_ids.tolist() == ["a.avi", "b.avi"]
    assert joined.num_frames.tolist() == [3, 2]
    assert joined.height.tolist() == [32, 16] and joined.width.tolist() == [48, 24]
    assert joined.promised_frames.tolist() == [3, 3] and joined.fps.tolist() == [29.97, 25.0]
    assert joined.lengths["rgb"].tolist() == [1, 2, 3, 5, 6]
    assert joined.lengths["forward"].tolist() == [8, 9, 7]


@pytest.mark.parametrize("videos", [VIDEOS, {}])
def test_what_is_written_is_read(tmp_path, videos):
    joined = index.join(videos, KINDS)
    index.write(str(tmp_path), joined)
    assert index.equal(index.read(str(tmp_path)), joined)


def test_order_of_the_videos_does_not_change_the_bytes(tmp_path):
    written = []
    for videos in (VIDEOS, dict(reversed(VIDEOS.items()))):
        index.write(str(tmp_path), index.join(videos, KINDS))
        written.append(pathlib.Path(tmp_path, "index.npz").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("change", [{"fps": 24.0}, {"lengths": {"rgb": [5, 9], "forward": [7]}}])
def test_indices_that_differ_are_not_equal(change):
    other = VIDEOS | {"b.avi": dataclasses.replace(VIDEOS["b.avi"], **change)}
    assert not index.equal(index.join(VIDEOS, KINDS), index.join(other, KINDS))
    assert not index.equal(index.join(VIDEOS, KINDS), index.join(VIDEOS, KINDS[:1]))


def test_lengths_are_kept_as_they_are(small_store, num_frames):
    scanned = index.scan(small_store, ("rgb", "forward", "backward"))
    assert scanned.num_frames.tolist() == [num_frames[i] for i in scanned.video_ids]
    assert len(scanned.lengths["forward"]) == np.sum(scanned.num_frames - 1)


@pytest.mark.parametrize("data", [b"", b"PK\3\4half", b"no archive"])
def test_a_damaged_index_is_named(tmp_path, data):
    (tmp_path / "index.npz").write_bytes(data)
    with pytest.raises(store.DamagedStoreError, match=r"index\.npz is damaged"):
        index.read(str(tmp_path))


def test_other_arrays_are_no_index(tmp_path):
    np.savez(tmp_path / "index.npz", names=["a.avi"])
    with pytest.raises(store.DamagedStoreError, match=r"index\.npz is damaged"):
        index.read(str(tmp_path))


LONGER = {
    "b.avi": layout.VideoInfo(2, 9, 9, 2, 25.0, {"rgb": [1, 2], "forward": [3]}, source="1:ab"),
    "a longer name.avi": layout.VideoInfo(1, 9, 9, 1, 25.0, {"rgb": [4], "forward": []}),
    "c.avi": layout.VideoInfo(3, 9, 9, 3, 5.0, {"rgb": [5, 6, 7], "forward": [8, 9]}, "1234:abc"),
}


@pytest.mark.parametrize("first", [(), ("c.avi",), ("b.avi", "a longer name.avi"), tuple(LONGER)])
def test_merged_indices_are_the_index_of_all(first):
    parts = [{v: LONGER[v] for v in LONGER if (v in first) == wanted} for wanted in (True, False)]
    merged = index.merge([index.join(part, KINDS) for part in parts])
    assert index.equal(merged, index.join(LONGER, KINDS))


def test_what_an_index_says_is_not_read_again(small_store, monkeypatch):
    kinds = ("rgb", "forward", "backward")
    whole, read = index.scan(small_store, kinds), []
    part = index.join({"a/2.avi": layout.read_video(small_store, "a/2.avi")}, kinds)
    read_video = layout.read_video
    monkeypatch.setattr(
        layout, "read_video", lambda path, name: read.append(name) or read_video(path, name)
    )
    assert index.equal(index.scan(small_store, kinds, known=part), whole)
    assert sorted(read) == ["a/1 (x)!.avi", "b/1+2&3.avi"]
    assert index.equal(index.scan(small_store, kinds, known=whole), whole) and len(read) == 2
    index.scan(small_store, kinds, known=whole, changed={"a/2.avi"})
    assert read[2:] == ["a/2.avi"]
    layout.remove_video(small_store, "a/1 (x)!.avi")
    left = index.scan(small_store, kinds, known=whole)
    assert index.equal(left, index.scan(small_store, kinds))


def test_arrays_of_a_local_file_are_mapped(small_store):
    lengths = index.read(small_store).lengths["rgb"]
    assert not lengths.flags.writeable and lengths.base is not None


def test_pickles_and_compressed_files_are_no_index(tmp_path):
    index.write(str(tmp_path), index.join(VIDEOS, KINDS))
    arrays = dict(np.load(tmp_path / "index.npz"))
    np.savez_compressed(tmp_path / "index.npz", **arrays)
    with pytest.raises(store.DamagedStoreError, match="is damaged"):
        index.read(str(tmp_path))
    np.savez(tmp_path / "index.npz", **arrays | {"sources": np.array([{}, {}])})
    with pytest.raises(store.DamagedStoreError, match="is damaged"):
        index.read(str(tmp_path))
