"""Features of whole videos."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import trained

from tf_twostream import inputs, runs, store
from tf_twostream.evaluation import features, scoring
from tf_twostream.models import inner_layers
from tf_twostream.paper import recipes, testing

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 6, "num_iterations": 2, "seed": 1}
SPATIAL = recipes.SpatialRecipe(**KNOBS)
TEMPORAL = recipes.TemporalRecipe(stack_length=3, **KNOBS)
QUICK = testing.Testing(num_frames=3, test="center")


@pytest.fixture(scope="module")
def made(tiny_store, tmp_path_factory):
    """Makes a run with fresh weights."""
    reader, folder = store.Reader(tiny_store[0]), tmp_path_factory.mktemp("runs")

    def make(name, recipe):
        run = trained.run_of(folder / name, recipe, tiny_store[1], reader.settings)
        if not (folder / name).exists():
            trained.with_checkpoint(run)
        return run

    return make


@pytest.fixture(scope="module")
def temporal(made):
    return made("temporal", TEMPORAL)


def extract(run, tiny_store, reader=None, *, count=3, **knobs):
    extractor = features.Extractor(run, **knobs)
    videos = tiny_store[1].test[:count]
    found = {
        f.video_id: f for f in extractor.extract(reader or store.Reader(tiny_store[0]), videos)
    }
    return [found[video.id] for video in videos]


def scores(run, tiny_store, *, count=3, **protocol):
    model, reader = runs.load_model(run)[0], store.Reader(tiny_store[0])
    own = testing.Testing(**protocol)
    return scoring.score_videos(model, run, reader, tiny_store[1].test[:count], protocol=own)


@pytest.mark.parametrize("views", ["center", "dense"])
def test_the_mean_of_logits_is_that_of_the_evaluation(temporal, tiny_store, views):
    protocol = {"num_frames": 3, "test": views}
    own = testing.Testing(**protocol)
    found = extract(temporal, tiny_store, count=1, layer="logits", protocol=own)
    softmax = tf.nn.softmax(np.stack([f.values for f in found]))
    wanted = scores(temporal, tiny_store, count=1, average="logits", **protocol)["temporal"]
    np.testing.assert_allclose(softmax, wanted, atol=1e-5)


def test_the_softmax_of_the_logits_of_windows_gives_the_scores_of_the_evaluation(made, tiny_store):
    run = made("spatial", SPATIAL)
    found = extract(run, tiny_store, layer="logits", per="window", protocol=QUICK)
    means = [tf.nn.softmax(f.values).numpy().mean(axis=0) for f in found]
    wanted = scores(run, tiny_store, num_frames=3, test="center")["spatial"]
    np.testing.assert_allclose(means, wanted, atol=1e-6)


def test_logits_of_a_joined_network_are_those_of_the_evaluation(made, tiny_store):
    recipe = recipes.ConvFusionRecipe(
        spatial_run="s", temporal_run="t", spatial=SPATIAL, temporal=TEMPORAL, num_snippets=2,
        temporal_fusion="2d_pool", fusion="sum", keep_temporal_tower=True,
    )  # fmt: skip
    run = made("joined", recipe)
    protocol = {"test_clips": 2, "test": "center"}
    own = testing.Testing(**protocol)
    wanted = scores(run, tiny_store, count=1, **protocol)
    for layer, name in {"logits": recipe.stream, "temporal/classes": "temporal"}.items():
        [found] = extract(run, tiny_store, count=1, layer=layer, protocol=own)
        np.testing.assert_allclose(tf.nn.softmax(found.values), wanted[name][0], atol=1e-5)


def test_logits_of_several_tasks_are_those_of_the_chosen_one(tiny_store, tmp_path):
    split, settings = tiny_store[1], store.Reader(tiny_store[0]).settings
    tasks = tuple(trained.task_of(split, settings, name=name) for name in ("first", "second"))
    run = runs.Run(tmp_path / "run", TEMPORAL, tasks, 1)
    trained.with_checkpoint(run)
    [found] = extract(run, tiny_store, count=1, layer="logits", protocol=QUICK)
    protocol = {"num_frames": 3, "test": "center", "average": "logits"}
    wanted = scores(run, tiny_store, count=1, **protocol)["temporal"][0]
    np.testing.assert_allclose(tf.nn.softmax(found.values), wanted, atol=1e-5)


def test_features_are_means_over_views_and_places(temporal, tiny_store):
    reader, video = store.Reader(tiny_store[0]), tiny_store[1].test[0]
    own = testing.Testing(num_frames=2)
    [found] = extract(temporal, tiny_store, count=1, layer="conv5", per="window", protocol=own)
    cut = inner_layers.up_to(runs.load_model(temporal)[0], TEMPORAL, "conv5")
    windows = inputs.Windows(reader, [video], TEMPORAL)
    [batch] = inputs.evaluation(windows, num_windows=2)
    maps = cut(inputs.prepare(batch, TEMPORAL)).numpy()
    wanted = maps.reshape(2, -1, maps.shape[-1]).mean(axis=1)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-4, atol=1e-6)


def test_the_mean_of_a_video_is_over_its_windows(temporal, tiny_store):
    means = extract(temporal, tiny_store, protocol=QUICK)
    windows = extract(temporal, tiny_store, per="window", protocol=QUICK)
    for mean, window in zip(means, windows):
        assert window.values.shape == (3, 102) and window.values.dtype == np.float32
        np.testing.assert_allclose(mean.values, window.values.mean(axis=0), rtol=1e-5)
        assert mean.times == pytest.approx(window.times.mean())
        np.testing.assert_allclose(window.times, window.frames / 25)


class Slow(store.Reader):
    """Says that videos have so few frames per second that some take seconds."""

    def fps(self, video_id):
        return 2.0


def test_each_second_has_the_mean_of_its_windows(temporal, tiny_store):
    reader = Slow(tiny_store[0])
    own = [dataclasses.replace(QUICK, num_frames=count) for count in (5, 25)]
    found = extract(temporal, tiny_store, reader, per="second", protocol=own[0])
    # Videos of 21 to 23 frames, which take some 11 seconds: two windows a second, in steps of 5.
    windows = extract(temporal, tiny_store, reader, per="window", protocol=own[1])
    for seconds, window in zip(found, windows):
        assert seconds.times.tolist() == list(range(int(window.times[-1]) + 1))
        for second, row in zip(seconds.times, seconds.values):
            inside = np.floor(window.times) == second
            np.testing.assert_allclose(row, window.values[inside].mean(axis=0), atol=1e-6)


def test_times_are_unknown_where_a_header_does_not_tell(temporal, tiny_store, monkeypatch):
    monkeypatch.setattr(store.Reader, "fps", lambda *_: 0.0)
    [found] = extract(temporal, tiny_store, count=1, per="window", protocol=QUICK)
    assert np.isnan(found.times).all()
    # The volume of three fields lies between four frames, the last volume at the end of 21 frames.
    assert found.frames.tolist() == [1.5, 10.5, 18.5]


def test_what_averages_scores_is_refused(temporal):
    with pytest.raises(ValueError, match="`average` must be None of features"):
        features.Extractor(temporal, protocol=testing.Testing(average="logits"))
