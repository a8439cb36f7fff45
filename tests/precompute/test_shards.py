"""A store filled in parts."""

import dataclasses
import os
import pathlib
import shutil

import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.precompute import filling, shards
from tf_twostream.precompute.resources import Resources

SETTINGS = store.Settings.of("none", shorter_side=16)
NUM_VIDEOS, COUNT = 7, 3


def fill(videos, path, settings=SETTINGS):
    return filling.fill(
        videos, path=str(path), settings=settings, resources=Resources(num_workers=1)
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Videos in three parts and in one store; one of them cannot be decoded."""
    top = tmp_path_factory.mktemp("shards")
    names = [f"class {n % 2}/a{'b' * n}.avi" for n in range(NUM_VIDEOS)]
    for n, name in enumerate(names):
        made_up_clips.write(top / name, [np.full((16, 20, 3), 30 * n, np.uint8)] * (2 + n))
    (top / names[3]).write_bytes(b"RIFF")
    videos = [(name, str(top / name)) for name in names]
    for number in range(COUNT):
        shard, own = shards.deal(videos, number, COUNT)
        shards.begin(str(top / f"parts/{number}"), shard)
        fill(own, top / f"parts/{number}")
    fill(videos, top / "whole")
    return top


@pytest.fixture
def parts(filled, tmp_path):
    """Copies of the parts, which a test may change."""
    shutil.copytree(filled / "parts", tmp_path / "parts")
    return [str(tmp_path / f"parts/{number}") for number in range(COUNT)]


def contents(path):
    top = pathlib.Path(path)
    return {p.relative_to(top).as_posix(): p.read_bytes() for p in top.rglob("*") if p.is_file()}


@pytest.mark.parametrize("count", [1, 3, 10])
def test_each_video_is_dealt_once_in_any_order_of_the_list_and_parts_are_even(count):
    videos = [(f"{n:02d}", n) for n in range(8)]
    parts = [shards.deal(videos, n, count) for n in range(count)]
    assert sorted(video for _, own in parts for video in own) == videos
    sizes = [len(own) for _, own in parts]
    assert max(sizes) - min(sizes) <= 1 and sizes == [shard.num_videos for shard, _ in parts]
    assert parts == [shards.deal(videos[::-1], n, count) for n in range(count)]
    assert shards.deal(videos[1:], 0, count)[0].all_videos != parts[0][0].all_videos


def test_joined_parts_are_byte_for_byte_the_store_that_one_fills(filled, parts, tmp_path):
    before = contents(tmp_path / "parts")
    assert shards.join(parts[::-1], str(tmp_path / "joined")) == NUM_VIDEOS - 1
    assert contents(tmp_path / "joined") == contents(filled / "whole")
    assert contents(tmp_path / "parts") == before
    # Nothing is on the disk twice.
    for file in (tmp_path / "joined/videos").rglob("*"):
        assert file.is_dir() or file.stat().st_nlink == 2


def test_an_interrupted_join_goes_on(filled, parts, tmp_path, monkeypatch):
    link, linked = shards.files.link, []

    def die(source, target):
        if len(linked) == 5:
            raise KeyboardInterrupt
        linked.append(target)
        link(source, target)

    monkeypatch.setattr(shards.files, "link", die)
    with pytest.raises(KeyboardInterrupt):
        shards.join(parts, str(tmp_path / "joined"))
    with pytest.raises(store.NoStoreError):
        store.Reader(str(tmp_path / "joined"))
    monkeypatch.setattr(shards.files, "link", link)
    for _ in range(2):  # A store that is complete is left as it is.
        shards.join(parts, str(tmp_path / "joined"))
        assert contents(tmp_path / "joined") == contents(filled / "whole")


def test_what_is_missing_or_there_twice_is_named(parts, tmp_path):
    with pytest.raises(shards.PartsError, match="All 3 parts .* Received: without 0, 2"):
        shards.join(parts[1:2], str(tmp_path / "joined"))
    with pytest.raises(shards.PartsError, match="Received twice: 1"):
        shards.join([*parts, parts[1]], str(tmp_path / "joined"))
    assert not (tmp_path / "joined").exists()


def test_a_part_that_is_not_finished_is_refused(parts, tmp_path):
    (tmp_path / "parts/1/failed.csv").write_text("video_id,reason\n")
    whole = {name for name in contents(parts[1]) if name.endswith("video.json")}
    if len(whole) == 2:  # The video that cannot be decoded was dealt to another part.
        os.remove(f"{parts[1]}/index.npz")
        with pytest.raises(store.NoStoreError):
            shards.join(parts, str(tmp_path / "joined"))
    else:
        with pytest.raises(shards.PartsError, match="hold all its videos.*parts/1 with 1 of 2"):
            shards.join(parts, str(tmp_path / "joined"))


def test_parts_of_other_settings_or_of_other_lists_are_refused(parts, tmp_path):
    path = pathlib.Path(parts[2], "store.json")
    path.write_text(path.read_text().replace(": 16", ": 32"))
    with pytest.raises(store.OtherSettingsError, match="parts/2/store.json with shorter_side: 32"):
        shards.join(parts, str(tmp_path / "joined"))
    shard, _ = shards.deal([("x", "x")], 2, COUNT)
    shards.files.write_json(f"{parts[2]}/shard.json", dataclasses.asdict(shard))
    with pytest.raises(shards.PartsError, match="of one list of videos"):
        shards.join(parts, str(tmp_path / "joined"))
    os.remove(f"{parts[2]}/shard.json")
    with pytest.raises(shards.PartsError, match="must hold shard.json. Received: .*parts/2"):
        shards.join(parts, str(tmp_path / "joined"))


def test_nothing_is_joined_into_another_store(filled, parts, tmp_path):
    fill([("other.avi", str(filled / "class 0/a.avi"))], tmp_path / "joined")
    with pytest.raises(FileExistsError, match="with 'other.avi'"):
        shards.join(parts, str(tmp_path / "joined"))


def test_a_folder_stays_the_part_that_it_was_begun_as(filled, parts):
    videos = [("a", "a"), ("b", "b")]
    shard, _ = shards.deal(videos, 0, 2)
    for path, wanted in ((parts[0], shard), (parts[0], None), (str(filled / "whole"), shard)):
        with pytest.raises(shards.OtherShardError, match="as the part that it was begun as"):
            shards.begin(path, wanted)
    shards.begin(str(filled / "whole"), None)


def test_a_damaged_file_of_a_part_is_named(parts, tmp_path):
    pathlib.Path(parts[0], "shard.json").write_text('{"index": "0"}')
    with pytest.raises(store.DamagedStoreError, match="shard.json does not describe a part"):
        shards.join(parts, str(tmp_path / "joined"))
