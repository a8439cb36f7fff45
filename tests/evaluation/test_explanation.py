"""Activation maps lie where in a video a class is seen."""

import dataclasses
import itertools

import made_up_clips
import numpy as np
import pytest
import trained

from tf_twostream import datasets, runs, store
from tf_twostream.datasets import drawn_scenes
from tf_twostream.evaluation import explanation
from tf_twostream.paper import recipes, testing
from tf_twostream.precompute import filling
from tf_twostream.precompute.resources import Resources

TEMPORAL = recipes.TemporalRecipe(width=0.02, crop_size=64, stack_length=4, mirroring=False)
SPATIAL = recipes.SpatialRecipe(width=0.02, crop_size=64)
PROTOCOL = testing.Testing(num_frames=3)
MOVES = 1  # The class of what moves, by hand.


def run_of(recipe):
    return trained.run_of("absent", recipe, datasets.Split("two", ("rests", "moves"), (), ()))


def network_of(run, sees):
    """A network in which all layers hand on sums of their inputs, and a class is their mean.

    Args:
        run: Its run.
        sees: `[C]` weights of the first layer's inputs.
    """
    model = runs.build_model(run)
    for layer in model.layers:
        if not layer.weights or "dropout" in layer.name:
            continue
        kernel, bias = (np.zeros(w.shape, np.float32) for w in layer.weights)
        if layer.name == "conv1":
            # Each direction of motion has a filter of its own: a ReLU lets only one sign through.
            middle = kernel[3, 3]
            middle[:, 0], middle[:, 1] = sees, -sees
        elif layer.name.startswith("conv"):
            kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1
        elif layer.name.startswith("full"):
            kernel[:] = 0.01
        else:
            kernel[:, MOVES] = 1
        layer.set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module")
def swaying(tmp_path_factory):
    """(reader, video) of an object that sways to and fro, 16 frames of 80 x 120 pixels."""
    folder = tmp_path_factory.mktemp("swaying")
    rng = np.random.default_rng(3)
    group = drawn_scenes.draw_group(rng, height=80, width=120)
    clip = drawn_scenes.draw_clip(rng)
    clip = dataclasses.replace(clip, home=np.array([0.3, 0.05, 0]))  # Not in the middle.
    frames = drawn_scenes.draw_frames(group, clip, appearance="amber", motion="sway", num_frames=16)
    path = made_up_clips.write(folder / "a.avi", [frame[..., ::-1] for frame in frames])
    settings = store.Settings.of("dis", shorter_side=80)
    resources = Resources(num_workers=1)
    filling.fill([("a", path)], path=str(folder / "store"), settings=settings, resources=resources)
    return store.Reader(str(folder / "store")), datasets.Video("a", 0)


def explain(run, model, stored, label=MOVES):
    reader, video = stored
    explainer = explanation.Explainer(model, run, PROTOCOL)
    [heat] = explainer.explain(reader, [video], np.array([label]))
    return heat


def moving(reader, first):
    """Where an object moves in a window, `[H, W]` bool: further than the camera alone."""
    fields = np.stack(list(reader.fields("a", first, TEMPORAL.stack_length)))
    relative = fields - np.median(fields, axis=(1, 2), keepdims=True)
    return np.hypot(relative[..., 0], relative[..., 1]).mean(axis=0) > 1


def test_the_map_of_a_class_of_motion_lies_on_what_moves(swaying):
    run = run_of(TEMPORAL)
    heat = explain(run, network_of(run, np.tile([1.0, 0.0], 4)), swaying)
    np.testing.assert_array_equal(heat.frames, [2, 8, 13])  # Each in the middle of four fields.
    assert heat.maps.min() >= 0 and heat.maps.max() == 1
    for frame in heat.frames:
        moves = moving(swaying[0], frame - 2)
        shown = heat.at(frame, moves.shape)
        assert 0.02 < moves.mean() < 0.4
        assert shown[moves].sum() / shown.sum() > 2 * moves.mean()


def test_a_class_that_nothing_speaks_for_has_no_heat(swaying):
    run = run_of(TEMPORAL)
    heat = explain(run, network_of(run, np.tile([1.0, 0.0], 4)), swaying, label=1 - MOVES)
    assert not heat.maps.any() and not heat.at(0, (8, 9)).any()


def test_a_map_is_at_the_place_of_what_it_shows(tmp_path):
    """A bright spot is found wherever it is, although a crop would see but a part of the frame."""
    y, x = np.indices((80, 130))
    places = [(20, 24), (62, 110), (40, 70)]
    for top, left in places:
        spot = 255 * np.exp(-((y - top) ** 2 + (x - left) ** 2) / 300)
        frame = np.repeat(spot[..., None], 3, axis=-1).astype(np.uint8)
        made_up_clips.write_uncompressed(tmp_path / f"{top}.avi", [frame] * 3)
    names = [str(top) for top, _ in places]
    filling.fill(
        [(name, tmp_path / f"{name}.avi") for name in names], path=str(tmp_path / "store"),
        settings=store.Settings.of("none", directions=(), shorter_side=80),
        resources=Resources(num_workers=1),
    )  # fmt: skip
    run = run_of(SPATIAL)
    heats = explanation.Explainer(network_of(run, np.ones(3)), run, PROTOCOL).explain(
        store.Reader(str(tmp_path / "store")),
        [datasets.Video(name, 0) for name in names],
        np.full(3, MOVES),
    )
    for place, heat in zip(places, heats):
        for scale in (1, 3):
            shown = heat.at(2, (80 * scale, 130 * scale))
            # Beyond the outermost cells the map goes on as it is there.
            found = np.argwhere(shown > 0.99 * shown.max()) / scale
            assert np.abs(found - place).max(axis=1).min() < 8.5  # Half a cell of the grid.
            assert np.abs(found.mean(axis=0) - place).max() < 17


def test_a_frame_shows_the_map_of_the_nearest_window():
    maps = np.stack([np.full((2, 2), value, np.float32) for value in (0.25, 0.5, 1)])
    heat = explanation.Heat(maps, np.array([2, 10, 20]), np.array([0.2, 0.8]), np.array([0.2, 0.8]))
    shown = [float(heat.at(frame, (3, 4)).mean()) for frame in (0, 5, 7, 14, 16, 99)]
    np.testing.assert_allclose(shown, [0.25, 0.25, 0.5, 0.5, 1, 1], rtol=1e-6)


def test_between_places_a_map_is_linear_and_beyond_them_constant():
    maps = np.array([[[0.0, 1.0]]], np.float32)
    heat = explanation.Heat(maps, np.array([0]), np.array([0.5]), np.array([0.25, 0.75]))
    np.testing.assert_allclose(
        heat.at(0, (2, 8))[1], np.clip((np.arange(8) - 1.5) / 4, 0, 1), atol=1e-6
    )


def test_videos_of_several_sizes_keep_their_order(tiny_store, monkeypatch):
    path, split = tiny_store
    reader, run = store.Reader(path), run_of(dataclasses.replace(SPATIAL, crop_size=41))
    model, videos = runs.build_model(run), split.train[:3]
    made, make = [], explanation.activation_maps.make_mapper
    monkeypatch.setattr(
        explanation.activation_maps, "make_mapper", lambda *a: made.append(1) or make(*a)
    )
    explainer = explanation.Explainer(model, run, PROTOCOL)
    heats = explainer.explain(reader, videos, np.array([0, 1, 1]))
    [alone] = explainer.explain(reader, videos[2:], np.ones(1, int))
    assert len(made) == 2  # Of each size one is compiled, once.
    np.testing.assert_allclose(heats[2].maps, alone.maps, atol=1e-4)
    assert len({heat.columns.tobytes() for heat in heats}) == 2  # Two are of one size.
    for video, heat in zip(videos, heats):
        last = reader.num_frames(video.id) - 1
        np.testing.assert_array_equal(heat.frames, [0, round(last / 2 + 0.1), last])


def test_two_joined_towers_are_refused():
    recipe = recipes.ConvFusionRecipe(
        spatial_run="a", temporal_run="b", spatial=SPATIAL, temporal=TEMPORAL
    )
    with pytest.raises(explanation.OneStreamError, match="Received: absent, conv_fusion"):
        explanation.check([run_of(SPATIAL), run_of(recipe)])


def test_a_picture_has_a_column_for_the_frame_the_flow_and_each_stream(swaying):
    reader, _ = swaying
    frames, rows = np.array([0, 15]), np.array([0.25, 0.75])
    heat = explanation.Heat(np.ones((2, 2, 2), np.float32), frames, rows, rows)
    both = {"spatial": heat, "temporal": heat}
    for heats, columns in (({}, 2), ({"temporal": heat}, 3), (both, 4)):
        page = explanation.draw(reader, "a", heats, "label")
        assert page.shape == (20 + 20 + 5 * 81 + 1, columns * 121 + 1, 3)
    shown = page[-1 - 80 :, 1:121][:80]
    last = next(itertools.islice(reader.frames("a"), 15, None))
    np.testing.assert_array_equal(shown[:-1], last[:-1])
