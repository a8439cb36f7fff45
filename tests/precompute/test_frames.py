"""Between video files and frames."""

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


@pytest.mark.parametrize("code, suffix", [("MJPG", "avi"), ("FFV1", "avi"), ("mp4v", "mp4")])
def test_a_written_video_has_its_frames_in_their_colours(tmp_path, code, suffix):
    path = tmp_path / f"a.{suffix}"
    written = [np.full((48, 64, 3), (10 + 20 * t, 100, 50), np.uint8) for t in range(4)]
    frames.write_video(path, iter(written), code=code, fps=12)
    assert frames.read_header(path) == frames.Header(4, 12.0)
    for frame, other in zip(frames.read_frames(path, shorter_side=48), written, strict=True):
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), other[0, 0], atol=6)


@pytest.mark.parametrize(("code", "suffix"), [("MJPG", "avi"), ("mp4v", "mp4")])
def test_a_written_video_plays_at_its_own_rate(tmp_path, code, suffix):
    path = tmp_path / f"a.{suffix}"
    frames.write_video(path, [np.zeros((48, 64, 3), np.uint8)] * 4, code=code, fps=29.97)
    assert frames.read_header(path).fps == pytest.approx(29.97, abs=0.001)


def test_opencvs_own_coder_knows_whole_rates_and_a_quality(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    for quality in (20, 95):
        path = tmp_path / f"{quality}.avi"
        frames.write_video(path, [noise] * 4, code="MJPG", fps=25, jpeg_quality=quality)
    assert (tmp_path / "20.avi").stat().st_size < 0.7 * (tmp_path / "95.avi").stat().st_size


def test_a_video_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(OSError, match="can be written. Received: .*nowhere"):
        frames.write_video(
            tmp_path / "nowhere/a.avi", [np.zeros((48, 64, 3), np.uint8)], code="MJPG", fps=25
        )
