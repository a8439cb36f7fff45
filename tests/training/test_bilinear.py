"""Bilinear fusion: outer products and a linear SVM."""

import numpy as np
import pytest

from tf_twostream import inputs, runs, store
from tf_twostream.evaluation import scoring
from tf_twostream.scores import learning
from tf_twostream.training import bilinear, videos
from tf_twostream.training.execution import Execution


@pytest.fixture(scope="module")
def learn(join, tiny_store, tiny_source, tmp_path_factory):
    recipe = join(fusion="bilinear", temporal_fusion="2d_pool", num_snippets=2)
    data = videos.Videos([videos.DataSet(source=tiny_source, store=tiny_store[0])])
    run_dir = str(tmp_path_factory.mktemp("bilinear"))
    return lambda: bilinear.learn(data, recipe, Execution(run_dir=run_dir))


def test_the_decision_values_of_the_svm_are_kept_as_a_last_layer(learn, tiny_store, capsys):
    run = learn()
    learn()
    assert "nothing to do" in capsys.readouterr().out
    model, iterations = runs.load_model(run)
    assert iterations == 0
    reader, train = store.Reader(tiny_store[0]), run.split.train[:2]
    scores = scoring.score_videos(model, run, reader, train)["conv_fusion"]
    features = bilinear.compute(model, run, inputs.Clips(reader, train, run.recipe))
    kernel, bias = model.get_layer("classes").get_weights()
    values = np.exp(features @ kernel + bias)
    np.testing.assert_allclose(scores, values / values.sum(axis=1, keepdims=True), atol=1e-5)
    assert np.ptp(scores) > 0.01


def test_the_space_that_the_videos_span_has_the_same_decisions():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(12, 40)).astype(np.float32), np.arange(12) % 3
    there = bilinear._fit(features, labels)
    here = learning.fit_svm(features, labels)
    new = rng.normal(size=(5, 40))
    decisions = [new @ coefficients.T + intercepts for coefficients, intercepts in (there, here)]
    np.testing.assert_allclose(*decisions, atol=1e-3)


def test_videos_that_show_several_classes_are_refused_before_anything_is_computed():
    with pytest.raises(ValueError, match="one class"):
        learning.check_classes(np.ones((2, 3), bool), ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"1 without videos \['c'\]"):
        learning.check_classes(np.array([0, 1]), ["a", "b", "c"])


def test_more_features_than_memory_are_refused_with_their_size():
    with pytest.raises(bilinear.TooManyFeaturesError, match="9,537 videos x .*, 5820.9 GiB"):
        bilinear.check_memory(9537, 1280 * 128_000)
    bilinear.check_memory(3, 100)
