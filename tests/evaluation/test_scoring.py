"""Scores of whole videos."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import inputs, paper, runs, store, training
from tf_twostream.evaluation import scoring
from tf_twostream.models import cnn_m
from tf_twostream.scores import score_files

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 6, "num_iterations": 2, "seed": 1}
RECIPES = {
    "spatial": paper.SpatialRecipe(**KNOBS),
    "temporal": paper.TemporalRecipe(stack_length=3, **KNOBS),
}


@pytest.fixture(scope="module", params=["spatial", "temporal"])
def network(request):
    recipe = RECIPES[request.param]
    return cnn_m.build(recipe, 3), recipe


def test_a_score_is_the_mean_softmax_over_frames_and_views(tiny_store, network):
    path, split = tiny_store
    model, recipe = network
    reader = store.Reader(path)
    scores = scoring.score_videos(model, recipe, reader, split.test, progress=False)
    for n, video in enumerate(split.test):
        [batch] = inputs.evaluation(reader, [video], recipe, batch_size=25)
        softmax = tf.nn.softmax(model(inputs.prepare(batch, recipe)))
        assert softmax.shape == (250, 3)
        np.testing.assert_allclose(scores[n], np.mean(softmax, axis=0), atol=1e-5)


@pytest.mark.parametrize("frames_per_batch", [1, 7, 64])
def test_chunks_of_any_size_give_the_same_scores(tiny_store, network, frames_per_batch):
    path, split = tiny_store
    model, recipe = network
    reader = store.Reader(path)
    wanted = scoring.score_videos(model, recipe, reader, split.test, progress=False)
    scores = scoring.score_videos(
        model, recipe, reader, split.test, frames_per_batch=frames_per_batch, progress=False
    )
    np.testing.assert_allclose(scores, wanted, atol=1e-5)


@pytest.fixture(scope="module")
def run(tiny_store, tiny_source, tmp_path_factory):
    loop = training.Loop(run_dir=str(tmp_path_factory.mktemp("run") / "t"), store=tiny_store[0])
    return training.train(tiny_source, RECIPES["temporal"], loop)


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_scores_file_names_each_video(tiny_store, run, part, tmp_path, capsys):
    path = str(tmp_path / "scores.npz")
    options = scoring.Options(run_dir=str(run.path), store=tiny_store[0], part=part, scores=path)
    scoring.evaluate(options)
    scores = score_files.load_scores(path)
    videos = getattr(tiny_store[1], part)
    assert list(scores.video_ids) == [video.id for video in videos]
    assert scores.labels.tolist() == [video.label for video in videos]
    assert list(scores.class_names) == list(tiny_store[1].class_names)
    np.testing.assert_allclose(scores.scores.sum(1), 1, atol=1e-5)
    printed = capsys.readouterr().out
    assert "video accuracy" in printed
    assert "mean class recall" in printed


def test_a_store_of_another_method_is_refused(run, tiny_store):
    settings = {**run.store_settings, "method": "other"}
    with pytest.raises(ValueError, match=r"method='synthetic' \(now 'other'\)"):
        runs.check_store(run, settings, where="a store")


def test_another_opencv_is_only_a_warning(run, caplog):
    settings = {**run.store_settings, "parameters": {"opencv": "9"}}
    runs.check_store(run, settings, where="a store")


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"run\.json.*Received"):
        runs.load(str(tmp_path))


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="'dev'"):
        scoring.Options(run_dir="r", store="s", part="dev", scores="x.npz")
