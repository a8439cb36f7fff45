import dataclasses

import numpy as np
import pytest

from tf_twostream import datasets, metrics, score_fusion

NAMES = ("bend", "jack", "wave")


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def make_scores(seed, *, labels=(0, 1, 2, 2), names=NAMES, strength=1.0, prefix="v"):
    """A stream whose logits are noise plus `strength` at the true class."""
    labels = np.array(labels)
    logits = np.random.default_rng(seed).normal(size=(len(labels), len(names)))
    logits += strength * np.eye(len(names))[labels]
    ids = tuple(f"{names[label]}/{prefix}{row}.avi" for row, label in enumerate(labels))
    return score_fusion.Scores(ids, labels, names, softmax(logits))


def reorder(scores, order):
    ids = tuple(scores.video_ids[row] for row in order)
    return dataclasses.replace(
        scores, video_ids=ids, labels=scores.labels[order], scores=scores.scores[order]
    )


def assert_equal(actual, expected):
    assert actual.video_ids == expected.video_ids
    assert actual.class_names == expected.class_names
    np.testing.assert_array_equal(actual.labels, expected.labels)
    np.testing.assert_array_equal(actual.scores, expected.scores)
    assert (actual.labels.dtype, actual.scores.dtype) == (np.int64, np.float32)


def many(seed, **kwargs):
    return make_scores(seed, labels=np.arange(60) % 3, **kwargs)


# Scores and their file.


def test_saved_scores_are_loaded_equal_and_without_pickle(tmp_path):
    scores = make_scores(0)
    path = tmp_path / "new folder" / "scores.npz"
    score_fusion.save_scores(path, scores)
    assert_equal(score_fusion.load_scores(path), scores)
    assert [file.name for file in path.parent.iterdir()] == ["scores.npz"]
    with np.load(path, allow_pickle=False) as file:
        kinds = {name: file[name].dtype.kind for name in file.files}
    assert kinds == {"video_ids": "U", "labels": "i", "class_names": "U", "scores": "f"}


def test_the_same_scores_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        score_fusion.save_scores(tmp_path / name, make_scores(0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "rows",
    [
        [[2.0, -1.0, 0.0]],
        [[0.5, 0.2, 0.2]],
        [[0.5, 0.5, 0.5]],
        [[np.nan, 0.5, 0.5]],
        [[np.inf, 0.0, 0.0]],
    ],
)
def test_logits_are_not_scores(rows):
    with pytest.raises(ValueError, match=r"softmax scores.*'a\.avi'\. Logits are not scores"):
        score_fusion.Scores(("a.avi",), np.array([0]), NAMES, np.array(rows))


def test_rounding_of_the_sum_is_no_fault():
    scores = np.array([[0.3333, 0.3333, 0.3333]])
    score_fusion.Scores(("a.avi",), np.array([0]), NAMES, scores)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video_ids": ("a", "b", "c")}, r"Received: 3 videos, 3 classes, scores \[4, 3\]"),
        ({"class_names": ("a", "b")}, "Received: 4 videos, 2 classes"),
        ({"labels": np.array([0, 1])}, r"labels \[2\]"),
        ({"video_ids": ("a", "b", "c", "b")}, "Received twice: 'b'"),
        ({"class_names": ("a", "b", "b")}, "distinct"),
        ({"labels": np.array([0, 1, 2, 3])}, r"in \[0, 3\). Received: int64 from 0 to 3"),
        ({"labels": np.array([0.0, 1, 2, 2])}, "integers.*Received: float64"),
    ],
)
def test_scores_fit_each_other(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(make_scores(0), **change)


@pytest.mark.parametrize("content", [b"", b"video,score\n", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_npz_is_an_error(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"must be an npz file with.*x\.npz"):
        score_fusion.load_scores(tmp_path / "x.npz")


def test_a_bare_array_is_an_error(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"must be an npz file with.*x\.npy"):
        score_fusion.load_scores(tmp_path / "x.npy")


def test_an_npz_file_of_something_else_is_an_error(tmp_path):
    np.savez(tmp_path / "x.npz", logits=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"must hold class_names.*x\.npz with logits"):
        score_fusion.load_scores(tmp_path / "x.npz")


def test_pickled_arrays_are_refused(tmp_path):
    arrays = vars(make_scores(0)) | {"video_ids": np.array(["a", "b", "c", "d"], object)}
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match="allow_pickle"):
        score_fusion.load_scores(tmp_path / "x.npz")


def test_an_error_in_a_file_names_the_file(tmp_path):
    arrays = vars(make_scores(0)) | {"scores": np.zeros((4, 3))}
    np.savez(tmp_path / "zero.npz", **arrays)
    with pytest.raises(ValueError, match=r"zero\.npz: Scores must be softmax scores"):
        score_fusion.load_scores(tmp_path / "zero.npz")


# Joining.


def test_joining_goes_by_video_not_by_row():
    first, second = make_scores(0), make_scores(1)
    joined = score_fusion.join([first, reorder(second, [2, 0, 3, 1])])
    assert_equal(joined[0], first)
    assert_equal(joined[1], second)


def test_missing_videos_are_named():
    first = make_scores(0)
    second = reorder(make_scores(1), [0, 1, 3])
    for streams in ([first, second], [second, first]):
        with pytest.raises(ValueError, match=r"1 that are not in both.*stream 2: wave/v2\.avi"):
            score_fusion.join(streams)


@pytest.mark.parametrize(
    ("names", "message"),
    [(("bend", "jack", "walk"), "not in both: walk, wave"), (NAMES[::-1], "another order")],
)
def test_classes_must_be_the_same_in_the_same_order(names, message):
    first = make_scores(0)
    with pytest.raises(ValueError, match=f"same classes.*{message}"):
        score_fusion.join([first, dataclasses.replace(first, class_names=names)])


def test_labels_must_agree():
    first = make_scores(0)
    other = dataclasses.replace(first, labels=np.array([0, 1, 2, 1]))
    with pytest.raises(
        ValueError, match=r"'wave/v3\.avi' is wave in stream 1 and jack in stream 2"
    ):
        score_fusion.join([first, other])


def test_nothing_cannot_be_joined():
    with pytest.raises(ValueError, match="at least one stream"):
        score_fusion.join([])


# Averaging.


def test_the_average_is_that_of_the_softmax_scores_of_each_video():
    first, second = make_scores(0), make_scores(1)
    fused = score_fusion.average([first, reorder(second, [3, 2, 1, 0])])
    expected = (first.scores + second.scores) / 2
    np.testing.assert_allclose(fused.scores, expected, rtol=1e-6)
    assert fused.video_ids == first.video_ids


def test_weights_count_relative_to_each_other():
    streams = [make_scores(0), make_scores(1)]
    expected = 0.25 * streams[0].scores + 0.75 * streams[1].scores
    for weights in ((1, 3), (0.5, 1.5)):
        fused = score_fusion.average(streams, weights=weights)
        np.testing.assert_allclose(fused.scores, expected, rtol=1e-6)


def test_one_stream_is_its_own_average():
    assert_equal(score_fusion.average([make_scores(0)]), make_scores(0))


@pytest.mark.parametrize("weights", [(1,), (1, 1, 1), (1, -1), (0, 0), (1, np.nan), (1, np.inf)])
def test_weights_that_make_no_average_are_an_error(weights):
    with pytest.raises(ValueError, match="2 weights, not negative and not all 0. Received: [01]"):
        score_fusion.average([make_scores(0), make_scores(1)], weights=weights)


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
    score_fusion.train_svm([first, reorder(second, np.arange(60)[::-1])])
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

    svm = score_fusion.train_svm(streams(0, "train/"))
    test = streams(10, "test/")
    labels = test[0].labels
    assert metrics.accuracy(score_fusion.average(test).scores, labels) < 0.5
    assert metrics.accuracy(svm.predict(test), labels) > 0.75


def test_svm_decisions_follow_the_videos_whatever_the_order_of_rows():
    train, test = [many(0), many(1)], [many(2), many(3)]
    order = np.random.default_rng(0).permutation(60)
    svm = score_fusion.train_svm(train)
    expected = svm.predict(test)
    assert expected.shape == (60, 3)
    np.testing.assert_array_equal(svm.predict([test[0], reorder(test[1], order)]), expected)
    np.testing.assert_allclose(
        svm.predict([reorder(test[0], order), test[1]]), expected[order], rtol=1e-12
    )
    again = score_fusion.train_svm([train[0], reorder(train[1], order)])
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
        score_fusion.train_svm(train).predict(test),
        model.decision_function(features(test)),
        atol=1e-3,
    )


def test_the_svm_also_tells_two_classes_apart():
    labels = np.arange(40) % 2
    train, test = (
        [make_scores(seed, labels=labels, names=NAMES[:2], strength=4.0)] for seed in (0, 1)
    )
    decisions = score_fusion.train_svm(train).predict(test)
    assert decisions.shape == (40, 2)
    assert metrics.accuracy(decisions, labels) > 0.9


def test_a_saved_svm_decides_alike(tmp_path):
    svm = score_fusion.train_svm([many(0), many(1)])
    score_fusion.save_svm(tmp_path / "svm.npz", svm)
    loaded = score_fusion.load_svm(tmp_path / "svm.npz")
    test = [many(2), many(3)]
    np.testing.assert_array_equal(loaded.predict(test), svm.predict(test))
    assert (loaded.class_names, loaded.num_streams) == (NAMES, 2)


def test_scores_are_no_svm(tmp_path):
    score_fusion.save_scores(tmp_path / "x.npz", make_scores(0))
    with pytest.raises(ValueError, match="must hold class_names, coefficients, intercepts"):
        score_fusion.load_svm(tmp_path / "x.npz")


def test_the_svm_wants_the_streams_it_was_trained_on():
    svm = score_fusion.train_svm([many(0), many(1)])
    with pytest.raises(ValueError, match="trained on 2 streams of 3 classes. Received: 1 streams"):
        svm.predict([many(2)])
    other = dataclasses.replace(many(2), class_names=NAMES[::-1])
    with pytest.raises(ValueError, match="in the same order"):
        svm.predict([other, other])


def test_the_svm_wants_training_videos_of_each_class():
    with pytest.raises(ValueError, match=r"Received: 3 classes, 1 without videos \['wave'\]"):
        score_fusion.train_svm([make_scores(0, labels=(0, 1, 0, 1))])


def test_published_scores_of_hmdb51_give_the_published_accuracies(shared_data):
    h5py = pytest.importorskip("h5py")
    lists = shared_data / "splits" / "testTrainMulti_7030_splits"
    split = datasets.load(datasets.Source(dataset="hmdb51", annotations=str(lists)))

    def read(path):
        with h5py.File(path) as file:
            return file["stream0/logits"][:]

    folder = shared_data / "scores" / "hmdb51_actionvlad"
    logits = [read(folder / name) for name in ("rgb_split1.h5", "flow_split1.h5")]
    ids, labels = tuple(video.id for video in split.test), datasets.label_array(split.test)
    rgb, flow = (
        score_fusion.Scores(ids, labels, split.class_names, softmax(stream)) for stream in logits
    )
    shuffled = reorder(flow, np.random.default_rng(0).permutation(len(flow.video_ids)))
    fused = score_fusion.average([rgb, shuffled])
    percent = [100 * metrics.accuracy(s.scores, s.labels) for s in (rgb, flow, fused)]
    np.testing.assert_allclose(percent, [51.37, 58.95, 65.23], atol=0.005)
    summed = 100 * metrics.accuracy(sum(logits), labels)  # Which the paper does not do.
    np.testing.assert_allclose(summed, 66.47, atol=0.005)


# Videos that may show several classes.


def make_several(seed, *, shows=((1, 1, 0), (0, 0, 1), (0, 1, 1))):
    """A stream of sigmoid scores."""
    shows = np.array(shows, bool)
    noise = np.random.default_rng(seed).random(shows.shape)
    ids = tuple(f"{row}.mp4" for row in range(len(shows)))
    return score_fusion.Scores(ids, shows, NAMES, (noise + shows) / 2)


def test_scores_of_several_classes_are_kept_averaged_and_joined(tmp_path):
    first, second = make_several(0), reorder(make_several(1), [2, 0, 1])
    score_fusion.save_scores(tmp_path / "s.npz", first)
    loaded = score_fusion.load_scores(tmp_path / "s.npz")
    np.testing.assert_array_equal(loaded.labels, first.labels)
    assert (loaded.multi_label, loaded.labels.dtype) == (True, bool)
    fused = score_fusion.average([loaded, second])
    wanted = (first.scores + make_several(1).scores) / 2
    np.testing.assert_allclose(fused.scores, wanted, rtol=1e-6)


def test_streams_that_show_different_classes_are_refused():
    other = make_several(1, shows=((1, 1, 0), (1, 0, 1), (0, 1, 1)))
    with pytest.raises(ValueError, match=r"'1.mp4' is wave in stream 1 and bend, wave in stream 2"):
        score_fusion.join([make_several(0), other])
    ids = ("0.mp4", "1.mp4", "2.mp4")
    one_each = score_fusion.Scores(ids, np.array([0, 2, 1]), NAMES, np.full((3, 3), 1 / 3))
    with pytest.raises(ValueError, match="several classes per video in stream 1, one class in"):
        score_fusion.join([make_several(0), one_each])


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_scores_of_several_classes_are_probabilities(wrong):
    scores = make_several(0).scores.copy()
    scores[1, 2] = wrong
    with pytest.raises(ValueError, match="must be probabilities, from 0 to 1.*'1.mp4'"):
        dataclasses.replace(make_several(0), scores=scores)


def test_labels_of_several_classes_are_true_or_false():
    with pytest.raises(ValueError, match="must be True or False. Received: int64"):
        dataclasses.replace(make_several(0), labels=np.eye(3, dtype=np.int64))


def test_no_svm_is_trained_where_videos_show_several_classes():
    with pytest.raises(ValueError, match="gives each video one class.*Average them"):
        score_fusion.train_svm([make_several(0), make_several(1)])


def test_an_svm_that_has_not_converged_says_so_and_is_still_an_svm(monkeypatch, caplog):
    with caplog.at_level("WARNING", "absl"):
        score_fusion.train_svm([many(0), many(1)])
        assert not caplog.records
        monkeypatch.setattr(score_fusion, "SVM_STEPS", 1)
        svm = score_fusion.train_svm([many(0), many(1)])
    assert "has not converged after 1 steps" in caplog.text
    assert svm.predict([many(2), many(3)]).shape == (60, 3)
