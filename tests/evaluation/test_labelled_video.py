"""Videos with their flow and their label."""

import dataclasses
import pathlib
import weakref

import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.evaluation import explanation, labelled_video
from tf_twostream.flow import codec
from tf_twostream.precompute import extraction, filling, frames
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import workers

SIDE = 24  # Pixels, of the store; frames are twice as large.


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """(reader, job) of one video of nine frames, 49x65 pixels, that crashes a decoder."""
    folder = tmp_path_factory.mktemp("stored")
    rng = np.random.default_rng(0)
    noise = [np.kron(rng.integers(0, 255, (7, 13, 3)), np.ones((7, 5, 1))) for _ in range(9)]
    path = made_up_clips.write_uncompressed(folder / "a.avi", [f.astype(np.uint8) for f in noise])
    settings = store.Settings.of("dis", shorter_side=SIDE)
    resources = Resources(num_workers=1)
    outcome = filling.fill([("a", path)], path=str(folder / "store"), settings=settings,
                           resources=resources)  # fmt: skip
    assert outcome.done == ("a",)
    return store.Reader(str(folder / "store")), extraction.Job(
        "a", str(path), settings, settings.kinds
    )


def write(stored, path, text="text", job=None):
    labelled_video.write(str(path), job or stored[1], stored[0], text, timeout=60)


def test_frames_have_their_own_size_and_odd_sides_one_pixel_more(stored, tmp_path):
    write(stored, tmp_path / "a.mp4")
    pages = list(frames.read_frames(tmp_path / "a.mp4"))
    originals = list(frames.read_frames(stored[1].path, decoder="pyav"))
    assert len(pages) == len(originals) == 9
    assert pages[0].shape == (20 + 49 + 1, 2 * 65, 3)
    for page, original in zip(pages, originals):
        assert np.abs(page[20:69, :65].astype(int) - original).mean() < 20
    assert frames.read_header(tmp_path / "a.mp4").fps == 25


def test_each_frame_has_its_own_map_below_it(stored, tmp_path):
    maps = np.linspace(0, 1, 9, dtype=np.float32)[:, None, None]
    middle = np.array([0.5])
    heat = explanation.Heat(maps, np.arange(9), middle, middle)
    labelled_video.write(str(tmp_path / "a.mp4"), stored[1], stored[0], "text", 60, [heat])
    pages = list(frames.read_frames(tmp_path / "a.mp4"))
    assert pages[0].shape == (20 + 2 * 49, 2 * 65, 3)
    light = [page[69:, :65].mean() for page in pages]
    assert (np.diff(light) > 0).all() and light[-1] > 3 * light[0] / 2


def test_one_field_of_the_labelled_video_is_in_memory_at_a_time(stored, tmp_path, monkeypatch):
    restore, fields = codec.restore, []

    def restore_and_count(*args):
        most.append(sum(reference() is not None for reference in fields))
        field = restore(*args)
        fields.append(weakref.ref(field))
        return field

    most: list[int] = []
    monkeypatch.setattr(codec, "restore", restore_and_count)
    monkeypatch.setattr(labelled_video, "SCALE_FIELDS", 2)
    write(stored, tmp_path / "a.mp4")
    assert max(most) <= 2  # Those for the colours, then one after the other.


def test_what_came_before_a_restart_is_not_in_the_video(stored, tmp_path, monkeypatch):
    def events(*_, **__):
        black, white = (np.full((48, 64, 3), level, np.uint8) for level in (0, 255))
        yield from [(None, workers.Piece(black))] * 2
        yield None, workers.Restarted()
        yield from [(None, workers.Piece(white))] * 3
        yield None, workers.Done(None)

    monkeypatch.setattr(workers, "run", events)
    write(stored, tmp_path / "a.mp4")
    pages = list(frames.read_frames(tmp_path / "a.mp4"))
    assert len(pages) == 3 and min(page[30:60, 5:60].min() for page in pages) > 240


@pytest.mark.parametrize("fps", [0.0, 1e9, float("nan")])
def test_a_rate_that_cannot_be_true_is_replaced(stored, tmp_path, fps, monkeypatch):
    monkeypatch.setattr(store.Reader, "fps", lambda *_: fps)
    write(stored, tmp_path / "a.mp4")
    assert frames.read_header(tmp_path / "a.mp4").fps == labelled_video.UNKNOWN_FPS


def test_a_video_that_is_gone_is_one_line_and_leaves_no_file(stored, tmp_path):
    job = dataclasses.replace(stored[1], path="absent.avi")
    with pytest.raises(OSError, match="Received: absent.avi .*no such video"):
        write(stored, tmp_path / "a.mp4", job=job)
    assert not list(tmp_path.iterdir())


def test_two_videos_of_one_name_have_two_labelled_ones(tmp_path):
    videos = ["x/a.avi", "y/a.mp4", "y/A.avi", "a_2.avi", "x/a.avi"]
    named = labelled_video.paths(str(tmp_path / "new"), videos)
    names = [pathlib.Path(path).name for path in named]
    assert names == ["a.mp4", "a_2.mp4", "A_3.mp4", "a_2_2.mp4", "a_4.mp4"]
    assert not list((tmp_path / "new").iterdir())


def test_no_video_is_overwritten(tmp_path):
    video = tmp_path / "a.mp4"
    video.write_bytes(b"mine")
    (tmp_path / "linked").symlink_to(tmp_path)
    for folder in (tmp_path, tmp_path / "linked"):
        with pytest.raises(ValueError, match="another folder than that of the videos"):
            labelled_video.paths(str(folder), [str(video)])
    assert video.read_bytes() == b"mine"


def test_an_output_dir_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(OSError, match=r"a\.mp4"):
        labelled_video.paths(str(tmp_path), ["a.avi"])
