"""Flow in files of other tools."""

import cv2
import made_up_clips
import numpy as np
import pytest

from tf_twostream import flow, store
from tf_twostream.flow import exchange, flo
from tf_twostream.precompute import flow_files, frame_folders

TEXTURE = cv2.GaussianBlur(
    np.random.default_rng(0).integers(0, 255, (48, 90, 3)).astype(np.uint8), (7, 7), 2
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Five frames that move 2 px left each; FFV1 makes the sizes even."""
    images = [TEXTURE[:47, 2 * t : 2 * t + 63] for t in range(5)]
    return made_up_clips.write(
        tmp_path_factory.mktemp("clips") / "a.avi", [np.ascontiguousarray(i) for i in images],
        code="FFV1",
    )  # fmt: skip


@pytest.fixture(scope="module")
def pairs(clip):
    return list(flow_files.open_video(clip, method="dis")[1])


def test_frames_and_fields_are_those_of_the_video(clip, pairs):
    fps, _ = flow_files.open_video(clip, method="dis")
    frames, fields = zip(*pairs)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    wanted = list(flow.fields(grey, method="dis"))
    assert fps == 25.0 and len(frames) == 5 and fields[-1] is None
    np.testing.assert_array_equal(fields[:-1], wanted)


@pytest.mark.parametrize(
    ("format", "read", "error"),
    [
        ("flo", flo.read_flo, 0),
        ("npy", np.load, 0),
        ("png", lambda path: exchange.decode_kitti(path.read_bytes()), 0.5 / 64 + 1e-4),
    ],
)
def test_a_file_for_each_field_is_counted_from_one(tmp_path, pairs, format, read, error):
    flow_files.FORMATS[format](tmp_path, iter(pairs), 20.0, 25.0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"flow_{n:05}.{format}" for n in range(1, 5)]
    for name, (_, field) in zip(names, pairs):
        np.testing.assert_allclose(read(tmp_path / name), field, atol=error)


def test_the_jpeg_form_can_be_read_again(tmp_path, pairs):
    (tmp_path / "in/clip").mkdir(parents=True)
    flow_files.FORMATS["jpeg"](tmp_path / "in/clip", iter(pairs), 8.0, 25.0)
    videos = frame_folders.find(str(tmp_path / "in"), str(tmp_path / "in"))
    path = str(tmp_path / "store")
    frame_folders.fill(videos, path=path, bounded=frame_folders.Bounded(8.0))
    _, again = flow_files.open_stored(store.Reader(path), "clip")
    for (frame, field), (own_frame, own_field) in zip(pairs, again, strict=True):
        assert np.abs(frame.astype(int) - own_frame).mean() < 4
        if field is None:
            assert own_field is None
        else:  # Two JPEG images, and half a step of 16 / 255 pixels.
            assert np.abs(np.clip(field, -8, 8) - own_field).mean() < 16 / 255


def test_the_coloured_video_plays(tmp_path, pairs):
    flow_files.FORMATS["video"](tmp_path, iter(pairs), 2.0, 25.0)
    capture = cv2.VideoCapture(str(tmp_path / "flow.mp4"))
    decoded, page = capture.read()
    assert decoded and page.shape == (46, 62, 3) and capture.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    blue, _, red = page[10:40, 10:50].mean(axis=(0, 1))
    assert blue > red  # Motion to the left.


def test_a_file_that_is_no_video_is_said(tmp_path):
    (tmp_path / "a.avi").write_bytes(b"RIFF")
    with pytest.raises(flow_files.UnreadableError, match="no video stream"):
        flow_files.open_video(tmp_path / "a.avi", method="dis")


def test_a_folder_is_whole_or_absent(tmp_path):
    with pytest.raises(KeyboardInterrupt), flow_files.whole_or_absent(tmp_path / "a") as folder:
        (folder / "1").write_text("")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with flow_files.whole_or_absent(tmp_path / "a") as folder:
        (folder / "1").write_text("")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "1"]
