"""Clips: frames and flow of the same moments, all with one view."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import datasets, inputs, store
from tf_twostream.flow import codec
from tf_twostream.paper import recipes
from tf_twostream.store import coding

SIDE, WIDTH, LENGTH, FRAMES = 48, 64, 4, 40
SPATIAL = recipes.SpatialRecipe(crop_size=41)
TEMPORAL = recipes.TemporalRecipe(crop_size=41, stack_length=LENGTH, mean_subtraction=False)


def recipe_of(temporal=TEMPORAL, **knobs):
    given = {"temporal_fusion": "3d_pool", "num_snippets": 3, "batch_size": 4} | knobs
    return recipes.ConvFusionRecipe(
        spatial_run="s", temporal_run="t", spatial=SPATIAL, temporal=temporal, **given
    )


@pytest.fixture(scope="module")
def ramp(tmp_path_factory):
    """A store of videos whose frame t is a ramp to the right on a grey level of t, as is u.

    v is the number of the video. The second video has 3 frames, fewer than a window.
    """
    path = str(tmp_path_factory.mktemp("store") / "store")
    settings = store.Settings(
        method="synthetic", parameters={}, directions=("forward", "backward"), shorter_side=SIDE
    )
    writer = store.Writer(path, settings)
    slope = np.arange(WIDTH)[None, :] * np.ones((SIDE, 1))
    for number, length in enumerate((FRAMES, 3)):
        with writer.video(f"v{number}") as video:
            for t in range(length):
                grey = np.repeat((slope + 4 * t)[..., None], 3, axis=2)
                video.add_rgb(coding.encode(grey.astype(np.uint8)))
                field = np.stack([slope + 4 * t, np.full_like(slope, number)], -1)
                for direction, sign in (("forward", 1), ("backward", -1)):
                    if t:
                        own = (sign * field - 4 * sign * np.array([1, 0])).astype(np.float32)
                        codes, ranges = codec.quantise(own)
                        video.add_flow(direction, codec.encode(codes), ranges, own.mean((0, 1)))
            video.finish(height=SIDE, width=WIDTH, promised_frames=length, fps=25.0)
    writer.write_index()
    return store.Reader(path)


VIDEOS = [datasets.Video("v0", 0), datasets.Video("v1", 1)]


def clips_of(reader, recipe, videos=VIDEOS):
    return inputs.Clips(reader, videos, recipe)


def read(clips, starts, views=((0, 0, SIDE, WIDTH, 0),)):
    """Reads and prepares a clip of the first video."""
    places = clips.locate(np.array([0]), np.array([starts]))
    place = {**tf.nest.map_structure(lambda c: c[0], places), "views": tf.constant(views)}
    element = clips.read(place)
    batch = tf.nest.map_structure(lambda c: c[None], element)
    return inputs.prepare(batch, clips.recipe)


def levels(array):
    return (np.asarray(array)[..., 0].mean(axis=(-2, -1)) - (WIDTH - 1) / 2) / 4


def test_the_frame_of_a_snippet_is_that_in_the_middle_of_its_volume(ramp):
    clips = clips_of(ramp, recipe_of())
    seen = read(clips, [3, 10, 20])
    assert seen["rgb"].shape == (1, 3, 41, 41, 3)
    assert seen["volume"].shape == (1, 3, 41, 41, 2 * LENGTH)
    np.testing.assert_allclose(levels(seen["rgb"][0]), [5, 12, 22], atol=0.1)
    # The first of its fields leads from frame 3, L/2 before the frame that is seen.
    np.testing.assert_allclose(levels(seen["volume"][0]), [3, 10, 20], atol=0.1)


def test_the_frame_of_a_bidirectional_volume_is_tau(ramp):
    both = recipes.TemporalRecipe(
        crop_size=41, stack_length=LENGTH, bidirectional=True, mean_subtraction=False
    )
    seen = read(clips_of(ramp, recipe_of(both)), [3, 10, 20])
    np.testing.assert_allclose(levels(seen["rgb"][0]), [5, 12, 22], atol=0.1)
    np.testing.assert_allclose(levels(seen["volume"][0]), [5, 12, 22], atol=0.1)


@pytest.mark.parametrize("flip", [0, 1])
def test_both_streams_and_all_snippets_have_the_same_view(ramp, flip):
    clips = clips_of(ramp, recipe_of())
    view = (5, 10, 30, 50, flip)
    seen = read(clips, [3, 10, 20], views=[view])
    columns = np.linspace(10, 59, 41)
    if flip:
        columns = columns[::-1]
    for name, first in (("rgb", [5, 12, 22]), ("volume", [3, 10, 20])):
        for snippet, t in enumerate(first):
            shown = np.asarray(seen[name])[0, snippet, :, :, 0].mean(axis=0)
            sign = -1 if flip and name == "volume" else 1  # u changes its sign in a mirror.
            np.testing.assert_allclose(sign * shown - 4 * t, columns, atol=1.0)


def test_v_keeps_its_sign_in_a_mirror(ramp):
    for flip in (0, 1):
        places = clips_of(ramp, recipe_of()).locate(np.array([1]), np.array([[0, 0, 0]]))
        place = {**tf.nest.map_structure(lambda c: c[0], places), "views": tf.constant([[flip]])}
        element = clips_of(ramp, recipe_of()).read(place)
        batch = tf.nest.map_structure(lambda c: c[None], element)
        volume = inputs.prepare(batch, recipe_of())["volume"]
        np.testing.assert_allclose(volume[..., 1], 1, atol=0.01)


def test_snippets_are_drawn_within_the_stride_and_the_video(ramp):
    recipe = recipe_of(snippet_stride="2:6")
    clips = clips_of(ramp, recipe)
    draws = np.random.default_rng(0).random((400, clips.num_draws))
    places = clips.place(np.zeros(400, np.int64), tf.constant(draws))
    first = clips.locate(
        np.zeros(FRAMES - LENGTH, np.int64), np.arange(FRAMES - LENGTH)[:, None] + [0, 0, 0]
    )
    known = {offset: t for t, offset in enumerate(first["flow"]["record"][:, 0, 0].numpy())}
    starts = np.vectorize(known.get)(places["flow"]["record"][..., 0].numpy())
    strides = np.diff(starts, axis=1)
    assert set(strides.ravel()) == {2, 3, 4, 5, 6}
    assert (strides[:, 0] == strides[:, 1]).all()
    assert starts.min() == 0 and starts.max() == FRAMES - 1 - LENGTH
    sides = places["views"].numpy()[:, 0]
    assert sides[:, 2].min() >= 31 and sides[:, 2].max() == SIDE
    assert (sides[:, 0] + sides[:, 2] <= SIDE).all() and (sides[:, 1] + sides[:, 3] <= WIDTH).all()


def test_a_short_video_repeats_its_last_window(ramp):
    clips = clips_of(ramp, recipe_of())
    places = clips.place(
        np.ones(5, np.int64), tf.random.uniform([5, clips.num_draws], dtype="float64")
    )
    offsets = places["flow"]["record"].numpy()
    assert (offsets == offsets[:, :1]).all()
    assert (places["frame"]["count"].numpy() == 1).all()


def test_clips_to_test_begin_and_end_with_the_video(ramp):
    clips = clips_of(ramp, recipe_of(snippet_stride="1:9"), VIDEOS[:1])
    places = clips.places_to_test(4)
    batch = next(iter(inputs.evaluation(clips, batch_size=4, num_windows=4, kind="dense")))
    assert batch["codes"].shape == (4, 3, LENGTH, 2, SIDE, WIDTH)
    assert batch["views"].shape == (4, 2, 1)
    seen = inputs.prepare(batch, clips.recipe)
    assert seen["rgb"].shape == (8, 3, SIDE, WIDTH, 3)
    plain = levels(np.asarray(seen["rgb"])[::2])
    last = FRAMES - 1 - LENGTH
    np.testing.assert_allclose(plain[0], [2, 7, 12], atol=0.1)
    np.testing.assert_allclose(plain[-1], np.array([last - 10, last - 5, last]) + 2, atol=0.1)
    np.testing.assert_allclose(levels(np.asarray(seen["rgb"])[1::2]), plain, atol=0.1)
    assert places["video"].numpy().tolist() == [0] * 4


def test_training_yields_batches_of_clips(ramp):
    clips = clips_of(ramp, recipe_of())
    batch = next(iter(inputs.training(clips)))
    assert batch["rgb"].shape == (4, 3, SIDE, WIDTH, 3)
    assert batch["views"].shape == (4, 1, 5) and "jitter" not in batch
    seen = inputs.prepare(batch, clips.recipe)
    assert seen["rgb"].shape == (4, 3, 41, 41, 3)


def test_the_middle_of_a_clip_is_the_mean_of_those_of_its_snippets(ramp):
    recipe = recipe_of()
    clips = clips_of(ramp, recipe)
    places = clips.places_to_test(2)
    frames = np.reshape(places["frame"]["record"], (2, 2, 3))
    wanted = np.mean(frames, axis=2)
    np.testing.assert_allclose(clips.middles_to_test(2), wanted)
