"""Videos that show several classes, as those of Charades."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import trained as trained_runs

from tf_twostream import datasets, inputs, runs, store
from tf_twostream.evaluation import export, pairs, scoring
from tf_twostream.paper import recipes
from tf_twostream.scores import fusion, metrics

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 6, "num_iterations": 2, "seed": 1}
RECIPES = {
    "spatial": recipes.SpatialRecipe(**KNOBS),
    "temporal": recipes.TemporalRecipe(stack_length=3, mirroring=False, **KNOBS),
}
NAMES = ("bright", "still", "moving", "dark")


@pytest.fixture(scope="module")
def split(tiny_store):
    """The videos of the tiny store, described by what they show."""
    shown = [(0, 1), (1, 3), (2, 3)]

    def describe(videos):
        return tuple(
            datasets.Video(video.id, shown[video.label][0], other_labels=shown[video.label][1:])
            for video in videos
        )

    train, test = describe(tiny_store[1].train), describe(tiny_store[1].test)
    return datasets.Split("described", NAMES, train, test, multi_label=True)


@pytest.fixture(scope="module")
def trained(tiny_store, split, tmp_path_factory):
    """A run of each stream."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        stream: trained_runs.train_splits({"": split}, tiny_store[0], folder / stream, recipe)
        for stream, recipe in RECIPES.items()
    }


@pytest.fixture(scope="module")
def scores(tiny_store, trained, tmp_path_factory):
    """The test scores of each stream, as their files hold them."""
    folder = tmp_path_factory.mktemp("scores")
    return {
        stream: trained_runs.evaluate(run, tiny_store[0], folder / f"{stream}.npz")
        for stream, run in trained.items()
    }


def test_a_fresh_network_gives_each_class_the_probability_it_has_under_a_softmax(split, tmp_path):
    recipe = dataclasses.replace(RECIPES["temporal"], dropout_rate=0.0)
    model = runs.build_model(trained_runs.run_of(tmp_path, recipe, split))
    probability = tf.sigmoid(model(tf.zeros([1, 41, 41, 6])))
    np.testing.assert_allclose(probability, np.full((1, 4), 1 / 4), rtol=1e-6)


def test_a_score_is_the_mean_sigmoid_over_frames_and_views(tiny_store, split, trained, scores):
    reader = store.Reader(tiny_store[0])
    for stream, run in trained.items():
        model, _ = runs.load_model(run)
        [batch] = inputs.evaluation(
            inputs.Windows(reader, split.test[:1], run.recipe), batch_size=25
        )
        sigmoid = tf.sigmoid(model(inputs.prepare(batch, run.recipe)))
        np.testing.assert_allclose(scores[stream].scores[0], np.mean(sigmoid, axis=0), atol=1e-5)


def test_a_head_is_copied_only_from_one_that_tells_several_classes(tiny_store, split, trained):
    """A softmax and sigmoids of the same classes mean different things."""
    run = trained["temporal"]
    single = dataclasses.replace(split, multi_label=False, train=(), test=())
    softmax = dataclasses.replace(run, tasks=(dataclasses.replace(run.task, split=single),))
    for source, target, fresh in ((run, run, []), (softmax, run, ["classes"])):
        model = runs.build_model(target)
        bias = model.get_layer("classes").bias.numpy()
        assert runs.initialise(model, source, target) == fresh
        assert np.array_equal(bias, model.get_layer("classes").bias) == bool(fresh)
    with pytest.raises(ValueError, match="give a video one class, or both several"):
        pairs.check_pair(trained["spatial"], softmax)


def test_one_of_several_tasks_may_show_several_classes(tiny_store, split, tmp_path):
    recipe = dataclasses.replace(RECIPES["temporal"], num_iterations=1)
    both = {"one": tiny_store[1], "several": split}
    run = trained_runs.train_splits(both, tiny_store[0], tmp_path / "run", recipe, chunk_size=2)
    for task, sums in (("one", True), ("several", False)):
        path = tmp_path / f"{task}.npz"
        scores = trained_runs.evaluate(run, tiny_store[0], path, task=task)
        assert scores.multi_label != sums
        assert np.allclose(scores.scores.sum(axis=1), 1, atol=1e-4) == sums


def test_the_scores_file_keeps_every_label_and_the_average_is_measured(split, scores):
    spatial, temporal = scores.values()
    assert [tuple(np.flatnonzero(row)) for row in spatial.labels] == [v.labels for v in split.test]
    fused = fusion.average([spatial, temporal])
    np.testing.assert_allclose(fused.scores, (spatial.scores + temporal.scores) / 2, rtol=1e-6)
    [name] = metrics.measure(fused.scores, fused.labels)
    assert name == "mean_average_precision"


def test_the_exported_model_gives_the_same_scores(tiny_store, split, trained, scores, tmp_path):
    export.export([*trained.values()], str(tmp_path / "model"))
    model = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    reader = store.Reader(tiny_store[0])
    [rgb], [flow] = (
        list(inputs.evaluation(inputs.Windows(reader, split.test[:1], run.recipe), batch_size=25))
        for run in trained.values()
    )
    result = model(
        frames=rgb["rgb"], flow=flow["codes"], flow_ranges=flow["ranges"], flow_means=flow["means"]
    )
    for stream in trained:
        np.testing.assert_allclose(result[f"{stream}_scores"], scores[stream].scores[0], atol=1e-5)


def test_a_network_learns_all_that_a_video_shows(tiny_store, split, tmp_path):
    reader = store.Reader(tiny_store[0])
    recipe = dataclasses.replace(
        RECIPES["spatial"], num_iterations=60, dropout_rate=0.0, width=0.1, learning_rate=0.03
    )
    run = trained_runs.train_splits({"": split}, tiny_store[0], tmp_path / "run", recipe)
    model = runs.load_model(run)[0]
    scores = scoring.score_videos(model, run, reader, split.train)["spatial"]
    labels = datasets.label_array(split.train, split)
    told = [0, 3]  # One frame tells bright from dark; motion it does not show.
    assert metrics.mean_average_precision(scores[:, told], labels[:, told]) == 1.0
    assert scores[:, told][labels[:, told]].min() > scores[:, told][~labels[:, told]].max()
