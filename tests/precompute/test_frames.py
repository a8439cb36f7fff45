"""Between video files and frames."""

import errno
import struct
from unittest import mock

import av
import cv2
import made_up_clips
import numpy as np
import pytest

from tf_twostream.precompute import frames


def write(path, *, width=64, height=48, num_frames=10, codec="MJPG"):
    """Writes frames of one colour each: frame t has red 10 + 20 t, green 100, blue 50."""
    colours = [(50, 100, 10 + 20 * t) for t in range(num_frames)]
    frames = [np.full((height, width, 3), colour, np.uint8) for colour in colours]
    return made_up_clips.write(path, frames, code=codec)


@pytest.mark.parametrize("codec, suffix", [("MJPG", "avi"), ("XVID", "avi"), ("mp4v", "mp4")])
def test_all_frames_come_in_order_as_rgb(tmp_path, codec, suffix):
    path = write(tmp_path / f"a.{suffix}", codec=codec)
    decoded = list(frames.read_frames(path, shorter_side=48))
    assert len(decoded) == 10
    assert all(frame.shape == (48, 64, 3) and frame.dtype == np.uint8 for frame in decoded)
    means = [frame.mean(axis=(0, 1)) for frame in decoded]
    expected = [(10 + 20 * t, 100, 50) for t in range(10)]
    np.testing.assert_allclose(means, expected, atol=6)


@pytest.mark.parametrize(
    "height, width, expected",
    [
        (240, 320, (256, 341)),
        (320, 240, (341, 256)),
        (144, 180, (256, 320)),
        (512, 1024, (256, 512)),
    ],
)
def test_shorter_side_is_rescaled_and_the_aspect_kept(height, width, expected):
    assert frames.rescaled_size(height, width, shorter_side=256) == expected


@pytest.mark.parametrize("shorter_side", [24, 48, 96])
def test_frames_have_the_size_asked_for(tmp_path, shorter_side):
    path = write(tmp_path / "a.avi")
    shapes = {frame.shape for frame in frames.read_frames(path, shorter_side=shorter_side)}
    assert shapes == {(shorter_side, shorter_side * 4 // 3, 3)}


def test_shrinking_averages_over_areas(tmp_path):
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    frame = cv2.cvtColor(board, cv2.COLOR_GRAY2BGR)
    path = made_up_clips.write(tmp_path / "a.avi", [frame], code="FFV1")
    (frame,) = frames.read_frames(path, shorter_side=16)
    assert np.abs(frame.astype(int) - 127).max() < 3  # Sampling would give black or white.


def test_header_is_reported(tmp_path):
    assert frames.read_header(write(tmp_path / "a.avi")) == frames.Header(10, 25.0)


def test_what_decodes_of_a_truncated_file_is_used(tmp_path):
    data = write(tmp_path / "a.avi", num_frames=40).read_bytes()
    path = tmp_path / "half.avi"
    path.write_bytes(data[: len(data) * 7 // 8])
    count = sum(1 for _ in frames.read_frames(path, shorter_side=48))
    assert 2 < count < 40 and frames.read_header(path).num_frames == 40


@pytest.mark.parametrize(
    "call", [frames.read_header, lambda p: next(frames.read_frames(p, shorter_side=32))]
)
@pytest.mark.parametrize("data", [b"", b"RIFF", b"no video at all" * 1000])
def test_what_is_no_video_is_refused(tmp_path, call, data):
    path = tmp_path / "a.avi"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"Received: .*a\.avi"):
        call(path)


def test_missing_file_is_reported_as_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such video"):
        frames.read_header(tmp_path / "a.avi")


def test_shorter_side_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="Received: 0"):
        next(frames.read_frames(tmp_path / "a.avi", shorter_side=0))


def test_hmdb_promises_one_frame_more_than_decodes(shared_data):
    path = next((shared_data / "clips/hmdb51/golf").iterdir())
    count = sum(1 for _ in frames.read_frames(path, shorter_side=32))
    assert (frames.read_header(path).num_frames, count) == (90, 89)


def test_one_frame_less_than_promised_is_normal():
    cut_off = [frames.is_cut_off(8, promised) for promised in (0, 7, 8, 9, 10)]
    assert cut_off == [False, False, False, False, True]


def test_a_written_video_has_its_frames_in_their_colours(tmp_path):
    path = tmp_path / "a.mp4"
    written = [np.full((48, 64, 3), (10 + 20 * t, 100, 50), np.uint8) for t in range(4)]
    frames.write_h264(path, iter(written), fps=12)
    assert frames.read_header(path) == frames.Header(4, 12.0)
    for frame, other in zip(frames.read_frames(path), written, strict=True):
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), other[0, 0], atol=6)
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def test_a_written_video_is_what_browsers_play(tmp_path):
    path = tmp_path / "a.mp4"
    frames.write_h264(path, [np.zeros((48, 64, 3), np.uint8)] * 4, fps=25)
    with av.open(str(path)) as container:
        coder = container.streams.video[0].codec_context
        assert (coder.name, coder.pix_fmt) == ("h264", "yuv420p")
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # It plays before all of it has come.


@pytest.mark.parametrize("fps", [0.5, 12.5, 29.97, 59.94, 1000.0])
def test_a_written_video_plays_at_its_own_rate(tmp_path, fps):
    path = tmp_path / "a.mp4"
    frames.write_h264(path, [np.zeros((48, 64, 3), np.uint8)] * 4, fps=fps)
    assert frames.read_header(path).fps == pytest.approx(fps, abs=0.001)


def test_motion_jpeg_has_a_quality(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    for quality in (20, 95):
        frames.write_mjpeg(tmp_path / f"{quality}.avi", [noise] * 4, fps=25, quality=quality)
    assert (tmp_path / "20.avi").stat().st_size < 0.7 * (tmp_path / "95.avi").stat().st_size


def test_a_video_that_cannot_be_written_is_refused(tmp_path):
    frame = np.zeros((48, 64, 3), np.uint8)
    with pytest.raises(OSError, match="nowhere"):
        frames.write_mjpeg(tmp_path / "nowhere/a.avi", [frame], fps=25, quality=95)
    with pytest.raises(OSError, match="nowhere"):
        frames.write_h264(tmp_path / "nowhere/a.mp4", [frame], fps=25)


@pytest.mark.parametrize("codec, suffix", [("MJPG", "avi"), ("XVID", "avi"), ("mp4v", "mp4")])
def test_both_decoders_give_the_same_frames(tmp_path, codec, suffix):
    path = write(tmp_path / f"a.{suffix}", codec=codec, width=66, height=50)
    assert frames.read_header(path, decoder="pyav") == frames.read_header(path)
    both = [frames.read_frames(path, decoder=decoder) for decoder in ("opencv", "pyav")]
    for first, second in zip(*both, strict=True):
        np.testing.assert_array_equal(first, second)


def test_both_decoders_give_the_same_frames_of_real_clips(shared_data):
    paths = [next((shared_data / "clips/hmdb51/golf").iterdir()), *(shared_data / "odd").iterdir()]
    for path in paths:
        # Of a damaged part PyAV leaves out the frames, while OpenCV ends.
        if path.stat().st_size < 1000 or "corrupted" in path.name:
            continue
        assert frames.read_header(path, decoder="pyav") == frames.read_header(path)
        both = [frames.read_frames(path, decoder=decoder) for decoder in ("opencv", "pyav")]
        for first, second in zip(*both, strict=True):
            np.testing.assert_array_equal(first, second)


def test_both_decoders_turn_what_a_telephone_turned(tmp_path):
    plain, turned = write(tmp_path / "a.mp4", codec="mp4v"), tmp_path / "b.mp4"
    data = bytearray(plain.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)  # A quarter.
    data[place : place + 36] = matrix
    turned.write_bytes(data)
    both = [list(frames.read_frames(turned, decoder=decoder)) for decoder in ("opencv", "pyav")]
    assert both[0][0].shape == (64, 48, 3)
    np.testing.assert_array_equal(*both)


def test_what_opencv_cannot_open_is_left_to_the_other_decoder(tmp_path, monkeypatch):
    path = write(tmp_path / "a.avi")
    wanted = list(frames.read_frames(path))
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: mock.Mock(
        open=lambda *_: False, grab=lambda: False))  # fmt: skip
    assert frames.read_header(path) == frames.Header(10, 25.0)
    np.testing.assert_array_equal(list(frames.read_frames(path)), wanted)


def test_a_file_without_permission_and_a_folder_are_called_so(tmp_path, monkeypatch):
    with pytest.raises(IsADirectoryError, match="Received: .*, a folder"):
        next(frames.read_frames(tmp_path))
    path = write(tmp_path / "a.avi")

    def deny(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", deny)  # Of root, no file is kept.
    with pytest.raises(PermissionError, match=r"Received: .*a\.avi \(Permission denied\)"):
        frames.read_header(path)
