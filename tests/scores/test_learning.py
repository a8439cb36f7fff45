"""What is learnt from scores: an SVM, weights and temperatures."""

import dataclasses

import numpy as np
import pytest
from made_up_scores import NAMES, make_scores, make_several, reorder

from tf_twostream.scores import fusion, learning, metrics


def many(seed, **kwargs):
    return make_scores(seed, labels=np.arange(60) % 3, **kwargs)


def test_the_features_are_stacked_unit_vectors(monkeypatch):
    from sklearn import svm

    seen = []

    class Spy(svm.LinearSVC):
        def fit(self, x, y):
            seen.append(x)
            return super().fit(x, y)

    monkeypatch.setattr(svm, "LinearSVC", Spy)
    first, second = many(0), many(1)
    learning.train_svm([first, reorder(second, np.arange(60)[::-1])])
    np.testing.assert_allclose(np.linalg.norm(seen[0][:, :3], axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(seen[0][:, 3:], axis=1), 1)
    ratio = seen[0][:, 3:] / second.scores
    np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones((1, 3)), rtol=1e-5)


def test_the_svm_learns_which_stream_to_trust():
    def streams(seed, prefix):
        noise, good = many(seed, strength=0.0), many(seed + 1, strength=3.0)
        # The good stream has learnt two classes the wrong way round: averaging cannot mend that.
        swapped = dataclasses.replace(good, scores=good.scores[:, [1, 0, 2]])
        ids = tuple(prefix + id for id in noise.video_ids)
        return [dataclasses.replace(stream, video_ids=ids) for stream in (noise, swapped)]

    svm = learning.train_svm(streams(0, "train/"))
    test = streams(10, "test/")
    labels = test[0].labels
    assert metrics.accuracy(fusion.average(test).scores, labels) < 0.5
    assert metrics.accuracy(svm.apply(test), labels) > 0.75


def test_svm_decisions_follow_the_videos_whatever_the_order_of_rows():
    train, test = [many(0), many(1)], [many(2), many(3)]
    order = np.random.default_rng(0).permutation(60)
    svm = learning.train_svm(train)
    expected = svm.apply(test)
    assert expected.shape == (60, 3)
    np.testing.assert_array_equal(svm.apply([test[0], reorder(test[1], order)]), expected)
    np.testing.assert_allclose(
        svm.apply([reorder(test[0], order), test[1]]), expected[order], rtol=1e-12
    )
    again = learning.train_svm([train[0], reorder(train[1], order)])
    np.testing.assert_array_equal(again.coefficients, svm.coefficients)


def test_the_svm_decides_like_scikit_learn():
    from sklearn import svm as sklearn_svm

    train, test = [many(0), many(1)], [many(2), many(3)]

    def features(streams):
        unit = [s.scores / np.linalg.norm(s.scores, axis=1, keepdims=True) for s in streams]
        return np.concatenate(unit, axis=1)

    model = sklearn_svm.LinearSVC(multi_class="crammer_singer", C=1, tol=1e-5, random_state=0)
    model.fit(features(train), train[0].labels)
    np.testing.assert_allclose(
        learning.train_svm(train).apply(test),
        model.decision_function(features(test)),
        atol=1e-3,
    )


def test_the_svm_also_tells_two_classes_apart():
    labels = np.arange(40) % 2
    train, test = (
        [make_scores(seed, labels=labels, names=NAMES[:2], strength=4.0)] for seed in (0, 1)
    )
    decisions = learning.train_svm(train).apply(test)
    assert decisions.shape == (40, 2)
    assert metrics.accuracy(decisions, labels) > 0.9


def test_the_svm_wants_training_videos_of_each_class():
    with pytest.raises(ValueError, match=r"Received: 3 classes, 1 without videos \['wave'\]"):
        learning.train_svm([make_scores(0, labels=(0, 1, 0, 1))])


def test_no_svm_is_trained_where_videos_show_several_classes():
    with pytest.raises(ValueError, match="must give each video one class.*average the scores"):
        learning.train_svm([make_several(0), make_several(1)])


def test_an_svm_that_has_not_converged_says_so_and_is_still_an_svm(monkeypatch, caplog):
    with caplog.at_level("WARNING", "absl"):
        learning.train_svm([many(0), many(1)])
        assert not caplog.records
        monkeypatch.setattr(learning, "SVM_STEPS", 1)
        svm = learning.train_svm([many(0), many(1)])
    assert "has not converged after 1 steps" in caplog.text
    assert svm.apply([many(2), many(3)]).shape == (60, 3)


# Temperatures and weights.


def sharpened(stream, power):
    """The same decisions, surer of themselves."""
    scores = stream.scores.astype(float) ** power
    return dataclasses.replace(stream, scores=scores / scores.sum(axis=1, keepdims=True))


def calibrated(seed, count=3000):
    """Scores that are as sure as they are right: labels are drawn by them."""
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(3), count)
    labels = (rng.random((count, 1)) > scores.cumsum(axis=1)).sum(axis=1)
    stream = make_scores(seed, labels=labels)
    return dataclasses.replace(stream, scores=scores)


def test_the_temperature_undoes_what_made_a_stream_too_sure():
    honest = calibrated(0)
    found = learning.fit_temperatures([honest, sharpened(honest, 3)])
    np.testing.assert_allclose(found, [1, 3], rtol=0.1)


def test_the_temperature_of_sigmoids_is_found_as_well():
    rng = np.random.default_rng(0)
    odds = np.exp(rng.normal(size=(2000, 3)))
    shows = rng.random((2000, 3)) < odds / (1 + odds)
    stream = make_several(0, shows=shows)
    sure = dataclasses.replace(stream, scores=odds**2 / (1 + odds**2))
    assert learning.fit_temperatures([sure])[0] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("sure", [0.4, 0.6, 1.0])
def test_a_stream_that_is_always_right_keeps_its_scores(sure):
    others = (1 - sure) / 2
    stream = dataclasses.replace(
        many(0), scores=np.where(np.eye(3, dtype=bool)[np.arange(60) % 3], sure, others)
    )
    assert learning.fit_temperatures([stream]) == (1.0,)


def test_a_stream_that_is_nearly_always_right_has_a_temperature_within_the_limits():
    scores = np.where(np.eye(3, dtype=bool)[np.arange(60) % 3], 0.6, 0.2)
    scores[0] = (0.45, 0.5, 0.05)
    [temperature] = learning.fit_temperatures([dataclasses.replace(many(0), scores=scores)])
    assert learning.COLDEST <= temperature < 1


def test_weights_are_those_of_the_greatest_likelihood():
    streams = [many(0, strength=1.0), many(1, strength=2.0)]
    found = learning.fit_weights(streams)
    assert sum(found) == pytest.approx(1)

    def likelihood(share):
        mixed = (1 - share) * streams[0].scores + share * streams[1].scores
        return np.log(mixed[np.arange(60), streams[0].labels]).sum()

    grid = np.linspace(0, 1, 1001)
    assert found[1] == pytest.approx(grid[np.argmax([*map(likelihood, grid)])], abs=2e-3)


def test_a_stream_that_says_nothing_gets_little_weight():
    noise, good = many(0, strength=0.0), many(1, strength=5.0)
    order = np.random.default_rng(0).permutation(60)
    own = learning.learn_weights([noise, reorder(good, order)])
    assert own.weights[1] > 0.8
    assert own.temperatures.tolist() == [1, 1]


def test_what_is_learnt_is_named_after_its_streams():
    streams = [dataclasses.replace(many(n), stream=name) for n, name in enumerate("ab")]
    assert learning.learn_temperatures(streams).streams == ("a", "b")
    assert learning.learn_weights([many(0), many(1)]).streams == ("stream 1", "stream 2")
