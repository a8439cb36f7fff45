"""Frames chosen by their time."""

import fractions
import itertools

import av
import made_up_clips
import numpy as np
import pytest

from tf_twostream.precompute import frames, timed


def at(*seconds):
    return [(fractions.Fraction(s).limit_denominator(10**6), n) for n, s in enumerate(seconds)]


def numbers(part, *seconds):
    return [number for _, number in part.choose(at(*seconds))]


def test_all_frames_are_the_part_that_is_everything():
    assert numbers(timed.Part(), 0, 0.04, 0.5) == [0, 1, 2]


def test_a_part_begins_at_its_start_and_ends_before_its_end():
    tenth = fractions.Fraction(1, 10)  # No binary number.
    assert numbers(timed.Part(tenth, 3 * tenth), 0, 0.1, 0.2, 0.299, 0.3, 0.4) == [1, 2, 3]


def test_a_step_counts_from_the_first_frame_of_the_part():
    part = timed.Part(fractions.Fraction(1), frame_step=3)
    assert numbers(part, *range(10)) == [1, 4, 7]


@pytest.mark.parametrize("fps", [1, 7.5, 12.5, 24, 25, 29.97, 60])
def test_a_frame_at_a_rate_is_the_nearest_in_time(fps):
    gaps = np.random.default_rng(0).integers(5, 90, 60)  # Milliseconds: a rate that varies.
    stamps = [float(s) for s in np.cumsum(gaps) / 1000]
    chosen = list(timed.Part(fps=fps).choose(at(*stamps)))
    for k, (moment, number) in enumerate(chosen):
        assert float(moment) == pytest.approx(stamps[0] + k / fps, abs=1e-4)
        distances = np.abs(np.array(stamps) - float(moment))
        assert distances[number] == pytest.approx(distances.min(), abs=1e-6)
    # It ends with the last moment that a frame is shown at.
    assert chosen[-1][0] <= stamps[-1] + 1e-6 < chosen[-1][0] + 1 / fps + 1e-5


def test_half_the_rate_is_every_second_frame_and_twice_the_rate_each_twice():
    seconds = [n / 25 for n in range(7)]
    assert numbers(timed.Part(fps=12.5), *seconds) == [0, 2, 4, 6]
    assert numbers(timed.Part(fps=25), *seconds) == list(range(7))
    assert numbers(timed.Part(fps=50), *seconds[:3]) == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("rate", [25, 29.97, 30])
@pytest.mark.parametrize(
    "part",
    [
        timed.Part(),
        timed.Part(fps=10),
        timed.Part(frame_step=4),
        timed.Part(fractions.Fraction("0.3"), fractions.Fraction("1.7")),
        timed.Part(fractions.Fraction(1), fps=12.5),
        timed.Part(fractions.Fraction("0.5"), fractions.Fraction(2), fps=60),
    ],
)
def test_the_count_of_a_constant_rate_is_that_of_the_frames(part, rate):
    exact = fractions.Fraction(rate).limit_denominator(1001)
    assert part.count(77, rate) == len(list(part.choose((n / exact, n) for n in range(77))))


def test_what_a_header_does_not_tell_is_not_known():
    assert timed.Part().count(9, 0) == 9
    assert timed.Part(fps=5).count(9, 0) == 0
    assert timed.Part(fps=5).rate(0) == 5 and timed.Part(frame_step=2).rate(25) == 12.5


def write(path, **options):
    """Writes 40 frames of noise, 25 a second, with frames that depend on later ones."""
    images = np.random.default_rng(0).integers(0, 255, (40, 32, 48, 3)).astype(np.uint8)
    if path.suffix == ".avi":
        return made_up_clips.write(path, list(images))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "12", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_frames_of_a_clip_are_those_of_the_whole_video(tmp_path, name):
    path = write(tmp_path / name)
    whole = list(frames.read_frames(path))
    assert len(whole) == 40
    for first, last in ((0, 3), (1, 40), (11, 13), (25, 31)):
        part = timed.Part(fractions.Fraction(first, 25), fractions.Fraction(last, 25))
        np.testing.assert_array_equal(list(frames.read_frames(path, part=part)), whole[first:last])


def test_what_is_not_wanted_is_none(tmp_path):
    path = write(tmp_path / "a.avi")
    part = timed.Part(fps=12.5)
    read = list(frames.read_frames(path, part=part, wanted=lambda t: t == 3))
    assert [n for n, frame in enumerate(read) if frame is not None] == [3] and len(read) == 20
    np.testing.assert_array_equal(read[3], next(itertools.islice(frames.read_frames(path), 6, 7)))
