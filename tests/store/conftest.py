"""A small store for the tests of this folder."""

import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.flow import codec
from tf_twostream.store import coding

SETTINGS = store.Settings(
    method="dis",
    parameters={"opencv": "5.0.0"},
    directions=("forward", "backward"),
    shorter_side=16,
)
NUM_FRAMES = {"a/1 (x)!.avi": 5, "a/2.avi": 2, "b/1+2&3.avi": 4}


def write_video(writer, video_id, num_frames):
    """Writes real JPEG images of noise that depends on the id alone; `[16, 24]` pixels."""
    draw = np.random.default_rng(list(video_id.encode()))
    with writer.video(video_id) as video:
        for t in range(num_frames):
            frame = draw.integers(0, 255, (16, 24, 3)).astype(np.uint8)
            video.add_rgb(coding.encode(frame))
            for direction in SETTINGS.directions if t else []:
                field = draw.normal(size=(16, 24, 2)).astype(np.float32)
                codes, ranges = codec.quantise(field)
                video.add_flow(direction, codec.encode(codes), ranges, field.mean(axis=(0, 1)))
        video.finish(height=16, width=24, promised_frames=num_frames + 1, fps=25.0)


def fill(path, video_ids):
    """Makes a store of videos, written in the order given."""
    writer = store.Writer(str(path), SETTINGS)
    for video_id in video_ids:
        write_video(writer, video_id, NUM_FRAMES[video_id])
    writer.write_index()
    writer.write_failed({})
    return str(path)


@pytest.fixture
def num_frames():
    return NUM_FRAMES


@pytest.fixture
def settings():
    return SETTINGS


@pytest.fixture
def make_store(tmp_path):
    """Makes a store of these videos in this order."""
    return lambda name, video_ids: fill(tmp_path / name, video_ids)


@pytest.fixture
def small_store(tmp_path):
    return fill(tmp_path / "store", NUM_FRAMES)


@pytest.fixture
def add_video():
    return write_video
