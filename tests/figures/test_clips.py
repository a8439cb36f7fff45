"""Figures 2 and 3 show what the store holds and what the volumes read."""

import itertools

import numpy as np
import pytest
from matplotlib import quiver

from tf_twostream import store
from tf_twostream.figures import clips
from tf_twostream.flow import codec

LENGTH = 4


@pytest.fixture(scope="module")
def clip(tiny_store):
    reader = store.Reader(tiny_store[0])
    return clips.read_clip(reader, "class 2/v_2 (1+!).avi", 3, LENGTH)


def moving(u, v, *, mean_of_rest=0.0):
    """A clip of 48 x 64 pixels of which the square from (20, 12) on, 12 wide, moves by (u, v)."""
    fields = np.full((LENGTH, 48, 64, 2), mean_of_rest, np.float32)
    fields[:, 12:24, 20:32] = (u, v)
    codes, ranges = zip(*map(codec.quantise, fields))
    frames = np.zeros((LENGTH + 1, 48, 64, 3), np.uint8)
    return clips.Clip(frames, np.stack(codes), np.stack(ranges))


def test_a_clip_begins_at_its_frame(clip):
    assert clip.frames.shape[0] == LENGTH + 1
    assert clip.fields.shape == (LENGTH, *clip.frames.shape[1:3], 2)
    assert clip.frames[0, 0, 0].mean() == pytest.approx(3, abs=25)  # The corner tells the frame.
    means = clip.fields[..., 1].mean((1, 2))
    assert np.abs(means).max() < 0.1  # Class 2 moves to the right: u has a mean, v has none.
    assert clip.fields[..., 0].mean() > 1.5


def test_the_video_that_moves_most_is_found(tiny_store):
    reader = store.Reader(tiny_store[0])
    ids = [f"class {number % 3}/v_{number} (1+!).avi" for number in range(10)]
    still = [video_id for video_id in ids if "class 2" not in video_id]
    moves = "class 2/v_5 (1+!).avi"
    for videos in ([*still[:3], moves], [moves, *still[:3]]):
        assert clips.find_motion(reader, videos, 4) == (moves, (19 - 5) // 2)
    assert clips.find_motion(reader, ids[4:5], 4) == (ids[4], 0)  # Five frames: just enough.
    assert clips.find_motion(reader, ids[4:5], 5) is None
    assert clips.find_motion(reader, [], 5) is None


@pytest.mark.parametrize(("first", "length"), [(-1, 4), (12, 4), (0, 0)])
def test_a_clip_must_lie_in_its_video(tiny_store, first, length):
    with pytest.raises(ValueError, match="has 16 frames.*Received"):
        clips.read_clip(store.Reader(tiny_store[0]), "class 2/v_2 (1+!).avi", first, length)


def test_points_travel_with_the_motion():
    paths = clips.trajectories(moving(1.0, 2.0), np.array([[22.0, 13.0], [5.0, 5.0]]))
    steps = np.arange(LENGTH + 1)[:, None]
    np.testing.assert_allclose(paths[0], [22, 13] + steps * [1, 2], atol=0.05)
    np.testing.assert_allclose(paths[1], [5, 5] + steps * [0, 0], atol=0.05)


def test_fig_2_outlines_what_moves_against_the_camera():
    panels = clips.draw_flow(moving(-3.0, 1.0, mean_of_rest=5.0)).axes
    titles = [panel.get_title() for panel in panels if panel.get_title()]
    assert [title[:3] for title in titles] == ["(a)", "(b)", "(c)", "(d)", "(e)", "(f)"]
    [outline] = panels[0].patches
    left, top = outline.get_xy()
    assert (20, 12) <= (left + 6, top + 6) <= (32, 24)
    components = [panel.images[0].get_array() for panel in panels[3:5]]
    assert [float(component[18, 26]) for component in components] == pytest.approx([-3, 1], abs=0.1)
    assert float(components[0][0, 0]) == pytest.approx(5, abs=0.1)


def test_fig_3_reads_both_ways(clip):
    fixed, along, _ = clips.draw_sampling(clip).axes
    assert fixed.get_title().startswith("stacking (1)")
    at_rest, moved = (
        [arrows for arrows in panel.collections if isinstance(arrows, quiver.Quiver)]
        for panel in (fixed, along)
    )
    assert len(at_rest) == len(moved) == LENGTH
    for arrows in at_rest:
        np.testing.assert_array_equal(arrows.get_offsets(), at_rest[0].get_offsets())
    for arrows, following in itertools.pairwise(moved):
        tips = arrows.get_offsets() + np.stack([arrows.U, arrows.V], axis=-1)
        np.testing.assert_allclose(following.get_offsets(), tips, atol=1e-4)


def test_fig_3_follows_what_moves_at_its_first_frame():
    clip = moving(2.0, 1.0)
    later = np.full((48, 64, 2), 0, np.float32)
    later[30:44, 40:60] = (-9, 0)  # Faster, but not yet there at tau.
    codes, ranges = codec.quantise(later)
    for array, value in ((clip.codes, codes), (clip.ranges, ranges)):
        array[1:] = value
    starts = clips._moving_points(clip)
    assert (18, 10) <= tuple(starts[0]) <= (33, 25)


def test_fig_3_follows_no_point_at_rest():
    starts = clips._moving_points(moving(2.0, 1.0))
    assert len(starts) > 3
    assert ((starts >= (17, 9)) & (starts <= (34, 26))).all()  # The square, and what blur adds.


def test_fig_3_shows_a_part_of_the_frame_of_its_shape(clip):
    height, width = clip.frames.shape[1:3]
    for panel in clips.draw_sampling(clip).axes[:2]:
        left, right = panel.get_xlim()
        bottom, top = panel.get_ylim()
        assert (right - left) / (bottom - top) == pytest.approx(width / height)
        assert left >= -0.5 and right <= width - 0.5 and top >= -0.5 and bottom <= height - 0.5


def test_a_still_clip_can_be_drawn():
    still = moving(0.0, 0.0)
    assert len(clips.draw_flow(still).axes) >= 6
    clips.draw_sampling(still).canvas.draw()
