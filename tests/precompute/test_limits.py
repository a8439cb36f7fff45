"""Clips of strangers, which may be anything."""

import made_up_clips
import numpy as np
import pytest

from tf_twostream.precompute import extraction, filling, frames, limits
from tf_twostream.precompute.resources import Resources
from tf_twostream.store import Settings

LIMITS = limits.Limits(max_seconds=1, max_megabytes=0.5)


def write(path, count, shape=(48, 64, 3)):
    images = np.random.default_rng(0).integers(0, 255, (count, *shape)).astype(np.uint8)
    return str(made_up_clips.write(path, images))


def refused(clip):
    with pytest.raises(limits.ClipError) as error:
        limits.check(clip, LIMITS, timeout=20)
    return str(error.value)


def test_a_clip_within_the_limits_may_have_the_frames_of_its_seconds(tmp_path):
    assert limits.check(write(tmp_path / "a.avi", 25), LIMITS, timeout=20) == 25


def test_a_clip_that_is_too_long_is_told_its_length(tmp_path):
    said = refused(write(tmp_path / "a.avi", 30))
    assert said == "A clip must last 1 second at most. This one lasts 1.2."


def test_the_size_is_looked_at_before_a_clip_is_opened(tmp_path, monkeypatch):
    (tmp_path / "a.avi").write_bytes(bytes(700_000))
    monkeypatch.setattr(limits.workers, "run", None)
    assert refused(str(tmp_path / "a.avi")) == "A clip must have 0.5 MB at most. This one has 0.7."


@pytest.mark.parametrize("content", [b"", b"RIFF", b"<html>"])
def test_what_is_no_video_gets_a_sentence_without_a_path(tmp_path, content):
    (tmp_path / "a.avi").write_bytes(content)
    said = refused(str(tmp_path / "a.avi"))
    assert said.startswith("This file cannot be labelled. ") and said.endswith(".")
    assert "Error" not in said and str(tmp_path) not in said


@pytest.mark.parametrize(("promised", "fps"), [(0, 25), (3, 25), (0, 0), (900, 1000)])
def test_a_header_that_lies_does_not_let_more_frames_in(tmp_path, monkeypatch, promised, fps):
    def lie(video):
        yield from ()
        return frames.Header(promised, fps)

    clip = write(tmp_path / "a.avi", 70)
    monkeypatch.setattr(limits.workers, "run", run_here)
    monkeypatch.setattr(extraction, "header", lie)
    most = limits.check(clip, LIMITS, timeout=20)
    assert most == (25 if fps == 25 else limits.MOST_FPS)
    monkeypatch.undo()
    made = filling.fill(
        [("clip", clip)], path=str(tmp_path / "store"), settings=Settings.of("none"),
        resources=Resources(), most_frames=most,
    )  # fmt: skip
    said = limits.sentence(made.failed["clip"], clip)
    assert said.endswith(f"A video must have {most} frames at most. Received: more.")


def run_here(function, jobs, **_):
    for job in jobs:
        try:
            next(function(job))
        except StopIteration as stop:
            yield job, limits.workers.Done(stop.value)
