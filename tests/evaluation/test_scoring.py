"""Scores of whole videos."""

import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf
import trained

from tf_twostream import inputs, models, runs, store
from tf_twostream.commands import evaluate
from tf_twostream.evaluation import scoring
from tf_twostream.paper import recipes, testing

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 6, "num_iterations": 2, "seed": 1}
RECIPES = {
    "spatial": recipes.SpatialRecipe(**KNOBS),
    "temporal": recipes.TemporalRecipe(stack_length=3, **KNOBS),
}


@pytest.fixture(scope="module", params=["spatial", "temporal"])
def network(request):
    recipe = RECIPES[request.param]
    return models.build(recipe, 3), recipe


def scores_of(model, recipe, reader, split, protocol=testing.PAPER):
    run = trained.run_of("run", recipe, split)
    return scoring.score_videos(model, run, reader, split.test, protocol=protocol)[recipe.stream]


def test_a_score_is_the_mean_softmax_over_frames_and_views(tiny_store, network):
    path, split = tiny_store
    model, recipe = network
    reader = store.Reader(path)
    scores = scores_of(model, recipe, reader, split)
    for n, video in enumerate(split.test):
        [batch] = inputs.evaluation(inputs.Windows(reader, [video], recipe), batch_size=25)
        softmax = tf.nn.softmax(model(inputs.prepare(batch, recipe)))
        assert softmax.shape == (250, 3)
        np.testing.assert_allclose(scores[n], np.mean(softmax, axis=0), atol=1e-5)


@pytest.mark.parametrize("frames_per_batch", [1, 7, 64])
def test_chunks_of_any_size_give_the_same_scores(tiny_store, network, frames_per_batch):
    path, split = tiny_store
    model, recipe = network
    reader = store.Reader(path)
    wanted = scores_of(model, recipe, reader, split)
    chunked = testing.Testing(frames_per_batch=frames_per_batch)
    scores = scores_of(model, recipe, reader, split, chunked)
    np.testing.assert_allclose(scores, wanted, atol=1e-5)


@pytest.fixture(scope="module")
def run(tiny_store, tiny_source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "t"
    return trained.train(tiny_source, tiny_store[0], folder, RECIPES["temporal"])


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_scores_file_names_each_video(tiny_store, run, part, tmp_path, capsys):
    scores = trained.evaluate(run, tiny_store[0], tmp_path / "scores.npz", part=part)
    videos = getattr(tiny_store[1], part)
    assert list(scores.video_ids) == [video.id for video in videos]
    assert scores.labels.tolist() == [video.label for video in videos]
    assert list(scores.class_names) == list(tiny_store[1].class_names)
    np.testing.assert_allclose(scores.scores.sum(1), 1, atol=1e-5)
    printed = capsys.readouterr().out
    assert "video accuracy" in printed
    assert "mean class recall" in printed


def test_a_store_of_another_kind_is_refused_before_the_network_is_built(
    run, tiny_store, monkeypatch
):
    reader = store.Reader(tiny_store[0])
    reader.settings = dataclasses.replace(reader.settings, method="other")
    monkeypatch.setattr(runs, "load_model", lambda _: pytest.fail("built in vain"))
    with pytest.raises(runs.OtherStoreError, match=rf"'other'\) in {tiny_store[0]}"):
        scoring.score(run, reader, "test")


@pytest.mark.parametrize(
    ("mirroring", "views"),
    [
        (True, r"10 views \(corners and centre, plain and mirrored\)"),
        (False, r"5 views \(corners and centre\)"),
    ],
)
def test_what_is_tested_is_printed(tiny_store, tmp_path, capsys, mirroring, views):
    recipe = dataclasses.replace(RECIPES["temporal"], mirroring=mirroring)
    reader = store.Reader(tiny_store[0])
    run = trained.run_of(tmp_path / "run", recipe, tiny_store[1], reader.settings)
    trained.with_checkpoint(run, iteration=1)
    scores, iterations = scoring.score(run, reader, "test")
    assert (scores["temporal"].scores.shape, iterations) == ((3, 3), 1)
    printed = capsys.readouterr().out
    assert re.search(
        f"after 1 iteration .last checkpoint., tiny, 3 test videos: .*{views}", printed
    )
    assert "note: the training has done 1 of 2 iterations" in printed


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="'dev'"):
        evaluate.EvaluationFlags(run_dir="r", store="s", part="dev", scores="x.npz")


def test_where_scores_cannot_be_written_nothing_is_scored(tmp_path):
    with pytest.raises(ValueError, match="must end in .npz. Received: scores.txt"):
        evaluate.EvaluationFlags(run_dir="r", store="s", scores="scores.txt")
    given = evaluate.EvaluationFlags(run_dir="r", store="s", scores="/proc/scores.npz")
    with pytest.raises(OSError, match="`scores` must be a file that can be written"):
        evaluate.main(given, testing.PAPER)


def test_fewer_frames_and_the_centre_alone_are_a_part_of_the_whole_test(tiny_store, network):
    path, split = tiny_store
    model, recipe = network
    reader = store.Reader(path)
    windows = inputs.Windows(reader, split.test, recipe)
    [batch] = inputs.evaluation(windows, batch_size=99, num_windows=3, kind="center")
    assert batch["views"].shape == (9, 1, 3)
    softmax = tf.nn.softmax(model(inputs.prepare(batch, recipe))).numpy().reshape(3, 3, 3)
    quick = testing.Testing(num_frames=3, test="center")
    scores = scores_of(model, recipe, reader, split, quick)
    np.testing.assert_allclose(scores, softmax.mean(axis=1), atol=1e-6)
