"""How long a store takes is known from a few videos."""

import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.precompute import estimating, filling, flow_files
from tf_twostream.precompute.resources import Resources

ONE = Resources(num_workers=1)
SETTINGS = store.Settings.of("farneback", shorter_side=32)


def write(folder, *lengths):
    """Writes clips of so many frames; returns pairs of id and file."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    names = [f"{n}.avi" for n in range(len(lengths))]
    paths = [made_up_clips.write(folder / name, [noise] * t) for name, t in zip(names, lengths)]
    return [*zip(names, paths)]


def survey_of(**lengths):
    total = sum(lengths.values())
    return estimating.Survey(len(lengths), total, total / 25, {"64x48": len(lengths)}, lengths, ())


def test_headers_say_what_there_is(tmp_path):
    videos = write(tmp_path, 10, 14)
    (tmp_path / "bad.avi").write_bytes(b"no video")
    found = estimating.survey([*videos, ("bad.avi", tmp_path / "bad.avi")], SETTINGS, ONE)
    assert (found.num_videos, found.num_frames) == (3, 24)
    assert found.unreadable == ("bad.avi",)
    assert sum(found.sizes.values()) == 2


def test_of_very_many_videos_some_are_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(estimating, "MOST_HEADERS", 2)
    [(_, path)] = write(tmp_path, 10)
    found = estimating.survey([(str(n), path) for n in range(6)], SETTINGS, ONE)
    assert len(found.opened) == 2
    assert (found.num_videos, found.num_frames) == (6, 60)


def test_a_rate_is_that_of_a_store_without_its_first_video(tmp_path, monkeypatch):
    videos = write(tmp_path, 10, 14)
    calls = []
    fill = filling.fill
    monkeypatch.setattr(filling, "fill", lambda v, **k: calls.append(fill(v, **k)) or calls[-1])
    found = survey_of(**{video_id: 10 for video_id, _ in videos})
    path = str(tmp_path / "store")
    rate = estimating.measure(videos, found, path=path, settings=SETTINGS, resources=ONE)
    assert rate.frames_per_second == pytest.approx(14 / calls[1].seconds)
    assert rate.bytes_per_frame > 100


def test_where_no_video_can_be_read_there_is_no_rate(tmp_path):
    (tmp_path / "bad.avi").write_bytes(b"no video")
    videos, path = [("bad.avi", tmp_path / "bad.avi")], str(tmp_path / "store")
    with pytest.raises(flow_files.UnreadableError, match=r"some must be readable.*bad\.avi"):
        estimating.measure(
            videos, survey_of(**{"bad.avi": 9}), path=path, settings=SETTINGS, resources=ONE
        )


def test_short_videos_of_the_whole_data_set_are_chosen():
    lengths = {f"{n:03}": 40 + n for n in range(100)} | {"hardly": 2}
    chosen = estimating._choose(survey_of(**lengths))
    assert "hardly" not in chosen
    assert 300 <= sum(lengths[v] for v in chosen[1:]) < 400
    assert chosen[0] == "000" and max(map(int, chosen)) > 20
