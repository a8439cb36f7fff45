"""One video to coded frames and fields."""

import cv2
import made_up_clips
import numpy as np
import pytest

from tf_twostream import flow, store
from tf_twostream.flow import codec
from tf_twostream.precompute import extraction, frames
from tf_twostream.processes import workers


@pytest.fixture
def clip(tmp_path):
    """Five frames of 48x64 pixels of a texture that moves 2 px left and 1 px down a frame."""
    noise = np.random.default_rng(0).integers(0, 255, (80, 100, 3)).astype(np.uint8)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    frames = [texture[20 - t : 68 - t, 10 + 2 * t : 74 + 2 * t] for t in range(5)]
    return made_up_clips.write(tmp_path / "a.avi", frames, code="FFV1")


def job_of(path, **knobs):
    settings = store.Settings.of(**({"method": "dis", "shorter_side": 48} | knobs))
    return extraction.Job("a.avi", str(path), settings, settings.kinds)


def extract(path, **knobs):
    """Returns all time steps and the summary."""
    steps = []
    generator = extraction.time_steps(job_of(path, **knobs))
    while True:
        try:
            steps.append(next(generator))
        except StopIteration as end:
            return steps, end.value


def test_frames_and_fields_are_those_of_the_video(clip):
    steps, summary = extract(clip, directions=("forward", "backward"))
    rgb = list(frames.read_frames(clip, shorter_side=48))
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in rgb]
    estimate = flow.METHODS["dis"].make()
    assert summary == extraction.Summary(48, 64, 5, 5, 25.0, frames.fingerprint(clip))
    for t, step in enumerate(steps):
        frame = cv2.imdecode(np.frombuffer(step.rgb, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert np.abs(frame.astype(int) - rgb[t]).mean() < 5
        if t == 4:
            assert step.fields == {}
            continue
        for direction, (first, second) in {"forward": (t, t + 1), "backward": (t + 1, t)}.items():
            field, coded = estimate(grey[first], grey[second]), step.fields[direction]
            restored = codec.restore(codec.decode(coded.codes), coded.range)
            assert np.abs(restored - field).mean() < 0.05
            np.testing.assert_allclose(coded.mean, field.mean(axis=(0, 1)), atol=1e-5)
            np.testing.assert_array_equal(coded.range[:, 0], field.min(axis=(0, 1)))


def test_flow_is_that_of_the_rescaled_frames(clip):
    whole, _ = extract(clip)
    half, summary = extract(clip, shorter_side=24)
    assert (summary.height, summary.width) == (24, 32)
    np.testing.assert_allclose(whole[1].fields["forward"].mean, [-2, 1], atol=0.3)
    np.testing.assert_allclose(half[1].fields["forward"].mean, [-1, 0.5], atol=0.2)


def test_same_video_gives_the_same_bytes(clip):
    first, second = extract(clip)[0], extract(clip)[0]
    assert [step.rgb for step in first] == [step.rgb for step in second]
    coded = [[step.fields["forward"].codes for step in steps[:-1]] for steps in (first, second)]
    assert coded[0] == coded[1]


def test_header_is_what_the_job_returns(clip):
    with pytest.raises(StopIteration) as end:
        next(extraction.header(("a.avi", str(clip))))
    assert end.value.value == frames.Header(5, 25.0)


def test_one_frame_has_no_flow(tmp_path):
    path = made_up_clips.write(tmp_path / "a.avi", [np.zeros((48, 64, 3), np.uint8)])
    with pytest.raises(ValueError, match="two frames or more for flow. Received: 1"):
        extract(path)


def test_a_video_that_crashes_one_decoder_is_done_by_the_other(tmp_path):
    rng = np.random.default_rng(0)
    written = [rng.integers(0, 255, (25, 33, 3)).astype(np.uint8) for _ in range(3)]
    path = made_up_clips.write_uncompressed(tmp_path / "a.avi", written)
    job = job_of(path, shorter_side=25)
    decoded = []
    # Whether OpenCV crashes depends on its version and on luck.
    for _, event in workers.run(
        extraction.whole_frames, [job], num_workers=1, timeout=60, again=extraction.by_other_decoder
    ):
        match event:
            case workers.Restarted():
                decoded.clear()
            case workers.Piece(frame):
                decoded.append(frame)
    assert event == workers.Done(None)
    np.testing.assert_array_equal(np.stack(decoded)[..., ::-1], written)


def test_there_are_two_decoders(clip):
    job = job_of(clip)
    other = extraction.by_other_decoder(job)
    assert (job.decoder, other.decoder) == ("opencv", "pyav")
    assert extraction.by_other_decoder(other) is None
    first, second = ([step.rgb for step in extraction.time_steps(one)][:3] for one in (job, other))
    assert first == second
