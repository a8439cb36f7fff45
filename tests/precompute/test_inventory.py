"""What is in a store already, and what was replaced since."""

import json
import os
import pathlib

import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.precompute import filling, frames, inventory, resources

SETTINGS = store.Settings.of("none", shorter_side=32)


def write_clip(path, level, num_frames=3):
    return made_up_clips.write(path, [np.full((32, 42, 3), level, np.uint8)] * num_frames)


@pytest.fixture
def videos(tmp_path):
    return {f"{n}.avi": str(write_clip(tmp_path / f"{n}.avi", 100 * n)) for n in range(2)}


@pytest.fixture
def path(tmp_path, videos):
    fill(tmp_path / "store", videos)
    return str(tmp_path / "store")


def fill(path, videos):
    given = resources.Resources(num_workers=1)
    return filling.fill(list(videos.items()), path=str(path), settings=SETTINGS, resources=given)


def test_of_an_absent_store_nothing_is_there(tmp_path, videos):
    there = inventory.take(str(tmp_path / "none"), SETTINGS, videos)
    assert (there.complete, there.partial, there.is_current) == (frozenset(), {}, False)


def test_what_is_complete_is_current_while_the_index_lists_it(path, videos):
    assert inventory.take(path, SETTINGS, videos).is_current
    os.remove(f"{path}/index.npz")
    there = inventory.take(path, SETTINGS, videos)
    assert there.complete == set(videos) and not there.is_current


def test_frames_without_flow_are_partial(path, videos):
    there = inventory.take(path, store.Settings.of("dis", shorter_side=32), videos)
    assert set(there.partial) == set(videos) and not there.complete
    assert list(there.partial["0.avi"].lengths) == ["rgb"]


@pytest.mark.parametrize("num_frames", [3, 5], ids=["of the same size", "of another size"])
def test_a_replaced_video_is_done_anew(path, videos, tmp_path, num_frames):
    size = os.path.getsize(videos["0.avi"])
    write_clip(tmp_path / "0.avi", 200, num_frames)
    # A copy may bring the time of its original along.
    os.utime(videos["0.avi"], (0, 0))
    assert (os.path.getsize(videos["0.avi"]) == size) == (num_frames == 3)
    assert inventory.take(path, SETTINGS, videos).complete == {"1.avi"}
    assert fill(path, videos).done == ("0.avi",)
    reader = store.Reader(path)
    assert reader.num_frames("0.avi") == num_frames
    assert next(reader.frames("0.avi")).mean() == pytest.approx(200, abs=3)
    assert reader.sources(["0.avi"])["0.avi"] == frames.fingerprint(videos["0.avi"])


def test_what_is_gone_or_empty_now_stays(path, videos):
    os.remove(videos["0.avi"])
    open(videos["1.avi"], "w").close()
    assert inventory.take(path, SETTINGS, videos).is_current


def test_a_store_without_hashes_is_valid_and_that_is_said(path, videos, caplog):
    for video_id in videos:
        file = pathlib.Path(path, "videos", video_id, "video.json")
        kept = json.loads(file.read_text())
        del kept["source"]
        file.write_text(json.dumps(kept))
    with np.load(f"{path}/index.npz") as index:
        arrays = {name: index[name] for name in index if name != "sources"}
    np.savez(f"{path}/index.npz", **arrays)
    there = inventory.take(path, SETTINGS, videos)
    there.warn(path)
    assert there.is_current and "2 videos of" in caplog.text and "no hash" in caplog.text
    assert store.Reader(path).sources(["0.avi"]) == {}
