import dataclasses

import numpy as np
import pytest
from made_up_scores import NAMES, assert_equal, make_scores, make_several, reorder, softmax

from tf_twostream import datasets
from tf_twostream.scores import fusion, learning, metrics, score_files


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


# The object and its file.


SVM_OF = ("spatial", "temporal")


def svm():
    return dataclasses.replace(learning.train_svm([many(0), many(1)]), streams=SVM_OF)


def test_an_average_is_softened_then_weighted():
    streams = [make_scores(0), make_scores(1)]
    own = fusion.mean(SVM_OF, NAMES, weights=(1, 3), temperatures=(2, 0.5))
    roots, squares = streams[0].scores ** 0.5, streams[1].scores.astype(float) ** 2
    roots, squares = (x / x.sum(axis=1, keepdims=True) for x in (roots, squares))
    np.testing.assert_allclose(own.apply(streams), 0.25 * roots + 0.75 * squares, rtol=1e-5)


def test_softened_scores_are_scores_of_the_same_order():
    scores = make_scores(0).scores
    for temperature in (0.3, 1, 5):
        soft = fusion.soften(scores, temperature)
        np.testing.assert_allclose(soft.sum(axis=1), 1)
        np.testing.assert_array_equal(np.argsort(soft), np.argsort(scores))
    certain = fusion.soften(np.float32([[1, 0, 0]]), 1000)
    np.testing.assert_allclose(certain, 1 / 3, atol=0.02)


def test_sigmoids_are_softened_by_their_odds():
    scores = make_several(0).scores.astype(float)
    soft = fusion.soften(scores, 2, multi_label=True)
    np.testing.assert_allclose(soft / (1 - soft), np.sqrt(scores / (1 - scores)), rtol=1e-6)


@pytest.mark.parametrize("make", [svm, lambda: fusion.mean(SVM_OF, NAMES, temperatures=(2, 3))])
def test_a_saved_fusion_fuses_alike(tmp_path, make):
    own = make()
    fusion.save(tmp_path / "fusion.npz", own)
    loaded = fusion.load(tmp_path / "fusion.npz")
    test = [many(2), many(3)]
    np.testing.assert_array_equal(loaded.apply(test), own.apply(test))
    assert (loaded.class_names, loaded.streams, loaded.is_svm) == (NAMES, SVM_OF, own.is_svm)


def test_scores_are_no_fusion(tmp_path):
    score_files.save_scores(tmp_path / "x.npz", make_scores(0))
    with pytest.raises(ValueError, match="must be npz with class_names, coefficients, intercepts"):
        fusion.load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"weights": np.array([0.5, 0.6])}, "of sum 1"),
        ({"weights": np.array([1.5, -0.5])}, "weights not negative"),
        ({"temperatures": np.array([1.0, 0.0])}, "above 0"),
        ({"temperatures": np.array([1.0])}, r"`temperatures` of 2 streams must be numbers \[2\]"),
        ({"weights": np.array([np.nan, 1.0])}, "`weights`"),
        ({"weights": np.array(["a", "b"])}, "`weights`"),
        ({"intercepts": np.zeros(2)}, r"`intercepts` of 2 streams must be numbers \[3\]"),
        ({"streams": ("spatial", "spatial")}, "distinct"),
        ({"streams": "spatial"}, "distinct names"),
        ({"class_names": ("bend", "bend", "wave")}, "distinct names"),
    ],
)
def test_a_damaged_fusion_is_refused(tmp_path, changes, received):
    score_files.save_arrays(tmp_path / "x.npz", vars(svm()) | changes)
    with pytest.raises(fusion.FusionError, match=rf"x\.npz: .*{received}"):
        fusion.load(tmp_path / "x.npz")


@pytest.mark.parametrize("temperature", [1e-4, 1e4])
def test_no_temperature_makes_scores_that_are_no_numbers(temperature):
    soft = fusion.soften(make_scores(0).scores, temperature)
    np.testing.assert_allclose(soft.sum(axis=1), 1)
    several = fusion.soften(make_several(0).scores, temperature, multi_label=True)
    assert np.isfinite(several).all() and (several >= 0).all() and (several <= 1).all()


def test_a_fusion_wants_the_streams_that_it_is_of():
    own = svm()
    with pytest.raises(
        fusion.FusionError, match="spatial, temporal must get .*Received: 1 streams"
    ):
        own.apply([many(2)])
    other = dataclasses.replace(many(2), class_names=NAMES[::-1])
    with pytest.raises(fusion.FusionError, match="in order. Received: 2 streams of wave, jack"):
        own.apply([other, other])
    own.check_streams(["temporal", "spatial"])
    with pytest.raises(fusion.FusionError, match="made for, spatial, temporal. Received: spatial"):
        own.check_streams(["spatial"])


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
