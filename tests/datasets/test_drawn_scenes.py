import dataclasses

import cv2
import numpy as np
import pytest

from tf_twostream.datasets import drawn_scenes

SIZE = {"height": 48, "width": 64}


def draw_group(seed=0):
    return drawn_scenes.draw_group(np.random.default_rng(seed), **SIZE)


def draw_clip(seed=0):
    return drawn_scenes.draw_clip(np.random.default_rng(seed))


def draw_video(appearance, motion, *, seed=0, num_frames=4):
    group, clip = draw_group(seed), draw_clip(seed)
    frames = drawn_scenes.draw_frames(
        group, clip, appearance=appearance, motion=motion, num_frames=num_frames
    )
    return np.stack(list(frames))


def poses_of_many_clips(motion, frame):
    return np.stack(
        [drawn_scenes.trace_poses(draw_clip(s), motion, frame + 1)[frame] for s in range(600)]
    )


def test_frames_are_rgb_of_the_size_asked_for():
    video = draw_video("amber", "sway")
    assert video.shape == (4, 48, 64, 3)
    assert video.dtype == np.uint8


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("motion", drawn_scenes.MOTIONS)
def test_appearances_have_the_same_luminance(motion, seed):
    amber, azure = (
        [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(int) for frame in video]
        for video in (draw_video(name, motion, seed=seed) for name in drawn_scenes.APPEARANCES)
    )
    assert np.abs(np.subtract(amber, azure)).max() <= 2


def test_appearances_differ_in_colour_where_the_object_is():
    amber, azure = (draw_video(name, "sway").astype(int) for name in drawn_scenes.APPEARANCES)
    difference = np.abs(amber - azure).max(axis=-1)
    assert 0.03 < (difference > 40).mean() < 0.3
    assert (difference == 0).mean() > 0.6


@pytest.mark.parametrize("running, motion", list(enumerate(drawn_scenes.MOTIONS)))
def test_a_motion_runs_one_part_of_the_pose(running, motion):
    spread = np.ptp(drawn_scenes.trace_poses(draw_clip(), motion, 20), axis=0)
    assert spread[running] > 0.1
    assert np.all(np.delete(spread, running) == 0)


@pytest.mark.parametrize("appearance", drawn_scenes.APPEARANCES)
def test_first_frame_is_the_same_for_every_motion(appearance):
    first = [draw_video(appearance, motion)[0] for motion in drawn_scenes.MOTIONS]
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[0], first[2])


def test_later_frames_differ_between_motions():
    sway, bob, turn = (draw_video("amber", motion)[3] for motion in drawn_scenes.MOTIONS)
    assert not np.array_equal(sway, bob)
    assert not np.array_equal(bob, turn)
    assert not np.array_equal(turn, sway)


@pytest.mark.parametrize("frame", [3, 17])
def test_poses_of_single_frames_are_distributed_alike_for_all_motions(frame):
    # Deciles of 600 poses: a sampling error of about 0.02 in rank, so 0.1 is far beyond chance.
    poses = [poses_of_many_clips(motion, frame) for motion in drawn_scenes.MOTIONS]
    for part in range(3):
        deciles = np.quantile(poses[0][:, part], np.linspace(0.1, 0.9, 9))
        for other in poses[1:]:
            ranks = (other[:, part, None] < deciles).mean(axis=0)
            np.testing.assert_allclose(ranks, np.linspace(0.1, 0.9, 9), atol=0.1)


def test_sideways_and_downward_swings_are_alike():
    for seed in range(20):
        clip = draw_clip(seed)
        assert clip.swing[0] == clip.swing[1]


def test_object_and_camera_stay_within_the_scene():
    for seed in range(100):
        clip = draw_clip(seed)
        camera = drawn_scenes.trace_camera(clip, 60)
        assert np.abs(camera).max() < drawn_scenes.MARGIN
        for motion in drawn_scenes.MOTIONS:
            poses = drawn_scenes.trace_poses(clip, motion, 60)
            assert np.abs(poses[:, :2] + camera).max() + clip.radius < 0.5


def test_camera_moves_object_and_background_together():
    """With the object's phases standing still, the scene is one picture that is shifted."""
    group, clip = draw_group(), draw_clip()
    still = dataclasses.replace(clip, swing=np.zeros(3))
    frames = drawn_scenes.draw_frames(
        group, still, appearance="azure", motion="sway", num_frames=12
    )
    frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in frames]
    shift = np.diff(drawn_scenes.trace_camera(still, 12)[[0, 11]], axis=0)[0] * SIZE["height"]
    assert np.abs(shift).max() > 1
    matrix = np.column_stack([np.eye(2), shift])
    inner = np.s_[8:-8, 8:-8]
    unshifted = np.abs(frames[0] - frames[11])[inner].mean()
    shifted = np.abs(cv2.warpAffine(frames[0], matrix, (64, 48)) - frames[11])[inner].mean()
    assert shifted < 0.25 * unshifted  # What is left comes from reading between pixels.


def test_flow_finds_the_motion_of_the_object():
    """The mean of Farneback's flow over the object follows the pose."""
    group = drawn_scenes.draw_group(np.random.default_rng(5), height=96, width=128)
    clip = draw_clip(5)
    for part, motion in enumerate(("sway", "bob")):
        frames = drawn_scenes.draw_frames(
            group, clip, appearance="amber", motion=motion, num_frames=8
        )
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        fields = [
            cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 11, 3, 5, 1.1, 0)
            for a, b in zip(grey, grey[1:])
        ]
        centres = drawn_scenes.trace_poses(clip, motion, 8)[:, :2]
        centres = 96 * (centres + drawn_scenes.trace_camera(clip, 8))
        truth = np.diff(centres, axis=0)
        places = np.rint(centres + [63.5, 47.5]).astype(int)
        found = np.stack(
            [
                field[y - 6 : y + 7, x - 6 : x + 7].mean(axis=(0, 1))
                for field, (x, y) in zip(fields, places)
            ]
        )
        assert np.abs(found[:, part] - truth[:, part]).mean() < 0.5
        assert np.ptp(truth[:, part]) > 2
