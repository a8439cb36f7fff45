import dataclasses

import numpy as np
import pytest
from made_up_scores import NAMES, assert_equal, make_scores, make_several, reorder, softmax

from tf_twostream import datasets
from tf_twostream.scores import fusion, metrics, score_files


def many(seed, **kwargs):
    return make_scores(seed, labels=np.arange(60) % 3, **kwargs)


# Averaging.


def test_the_average_is_that_of_the_softmax_scores_of_each_video():
    first, second = make_scores(0), make_scores(1)
    fused = fusion.average([first, reorder(second, [3, 2, 1, 0])])
    expected = (first.scores + second.scores) / 2
    np.testing.assert_allclose(fused.scores, expected, rtol=1e-6)
    assert fused.video_ids == first.video_ids


def test_weights_count_relative_to_each_other():
    streams = [make_scores(0), make_scores(1)]
    expected = 0.25 * streams[0].scores + 0.75 * streams[1].scores
    for weights in ((1, 3), (0.5, 1.5)):
        fused = fusion.average(streams, weights=weights)
        np.testing.assert_allclose(fused.scores, expected, rtol=1e-6)


def test_one_stream_is_its_own_average():
    assert_equal(fusion.average([make_scores(0)]), make_scores(0))


@pytest.mark.parametrize("weights", [(1,), (1, 1, 1), (1, -1), (0, 0), (1, np.nan), (1, np.inf)])
def test_weights_that_make_no_average_are_an_error(weights):
    with pytest.raises(ValueError, match="2 weights, not negative and not all 0. Received: [01]"):
        fusion.average([make_scores(0), make_scores(1)], weights=weights)


# The SVM.


def test_the_features_are_stacked_unit_vectors(monkeypatch):
    from sklearn import svm

    seen = []

    class Spy(svm.LinearSVC):
        def fit(self, x, y):
            seen.append(x)
            return super().fit(x, y)

    monkeypatch.setattr(svm, "LinearSVC", Spy)
    first, second = many(0), many(1)
    fusion.train_svm([first, reorder(second, np.arange(60)[::-1])])
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

    svm = fusion.train_svm(streams(0, "train/"))
    test = streams(10, "test/")
    labels = test[0].labels
    assert metrics.accuracy(fusion.average(test).scores, labels) < 0.5
    assert metrics.accuracy(svm.predict(test), labels) > 0.75


def test_svm_decisions_follow_the_videos_whatever_the_order_of_rows():
    train, test = [many(0), many(1)], [many(2), many(3)]
    order = np.random.default_rng(0).permutation(60)
    svm = fusion.train_svm(train)
    expected = svm.predict(test)
    assert expected.shape == (60, 3)
    np.testing.assert_array_equal(svm.predict([test[0], reorder(test[1], order)]), expected)
    np.testing.assert_allclose(
        svm.predict([reorder(test[0], order), test[1]]), expected[order], rtol=1e-12
    )
    again = fusion.train_svm([train[0], reorder(train[1], order)])
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
        fusion.train_svm(train).predict(test),
        model.decision_function(features(test)),
        atol=1e-3,
    )


def test_the_svm_also_tells_two_classes_apart():
    labels = np.arange(40) % 2
    train, test = (
        [make_scores(seed, labels=labels, names=NAMES[:2], strength=4.0)] for seed in (0, 1)
    )
    decisions = fusion.train_svm(train).predict(test)
    assert decisions.shape == (40, 2)
    assert metrics.accuracy(decisions, labels) > 0.9


def test_a_saved_svm_decides_alike(tmp_path):
    svm = fusion.train_svm([many(0), many(1)])
    fusion.save_svm(tmp_path / "svm.npz", svm)
    loaded = fusion.load_svm(tmp_path / "svm.npz")
    test = [many(2), many(3)]
    np.testing.assert_array_equal(loaded.predict(test), svm.predict(test))
    assert (loaded.class_names, loaded.num_streams) == (NAMES, 2)


def test_scores_are_no_svm(tmp_path):
    score_files.save_scores(tmp_path / "x.npz", make_scores(0))
    with pytest.raises(ValueError, match="must be npz with class_names, coefficients, intercepts"):
        fusion.load_svm(tmp_path / "x.npz")


def test_the_svm_wants_the_streams_it_was_trained_on():
    svm = fusion.train_svm([many(0), many(1)])
    with pytest.raises(ValueError, match="must get 2 streams .* Received: 1 streams"):
        svm.predict([many(2)])
    other = dataclasses.replace(many(2), class_names=NAMES[::-1])
    with pytest.raises(ValueError, match="in their order. Received: 2 streams of wave, jack, bend"):
        svm.predict([other, other])


def test_the_svm_wants_training_videos_of_each_class():
    with pytest.raises(ValueError, match=r"Received: 3 classes, 1 without videos \['wave'\]"):
        fusion.train_svm([make_scores(0, labels=(0, 1, 0, 1))])


def test_published_scores_of_hmdb51_give_the_published_accuracies(shared_data):
    h5py = pytest.importorskip("h5py")
    lists = shared_data / "splits" / "testTrainMulti_7030_splits"
    split = datasets.load(datasets.Source(dataset="hmdb51", annotations=str(lists)))

    def read(path):
        with h5py.File(path) as file:
            return file["stream0/logits"][:]

    folder = shared_data / "scores" / "hmdb51_actionvlad"
    logits = [read(folder / name) for name in ("rgb_split1.h5", "flow_split1.h5")]
    ids, labels = tuple(video.id for video in split.test), datasets.label_array(split.test, split)
    rgb, flow = (
        score_files.Scores(ids, labels, split.class_names, softmax(stream)) for stream in logits
    )
    shuffled = reorder(flow, np.random.default_rng(0).permutation(len(flow.video_ids)))
    fused = fusion.average([rgb, shuffled])
    percent = [100 * metrics.accuracy(s.scores, s.labels) for s in (rgb, flow, fused)]
    np.testing.assert_allclose(percent, [51.37, 58.95, 65.23], atol=0.005)
    summed = 100 * metrics.accuracy(sum(logits), labels)  # Which the paper does not do.
    np.testing.assert_allclose(summed, 66.47, atol=0.005)


def test_no_svm_is_trained_where_videos_show_several_classes():
    with pytest.raises(ValueError, match="must give each video one class.*average the scores"):
        fusion.train_svm([make_several(0), make_several(1)])


def test_an_svm_that_has_not_converged_says_so_and_is_still_an_svm(monkeypatch, caplog):
    with caplog.at_level("WARNING", "absl"):
        fusion.train_svm([many(0), many(1)])
        assert not caplog.records
        monkeypatch.setattr(fusion, "SVM_STEPS", 1)
        svm = fusion.train_svm([many(0), many(1)])
    assert "has not converged after 1 steps" in caplog.text
    assert svm.predict([many(2), many(3)]).shape == (60, 3)
