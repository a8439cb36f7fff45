"""Networks that are loaded once."""

import numpy as np
import pytest
import trained

import tf_twostream
from tf_twostream import store
from tf_twostream.evaluation import pairs, scoring, sources, two_stream
from tf_twostream.paper import recipes, testing

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 4, "num_iterations": 1}
PROTOCOL = testing.Testing(num_frames=2, test="center")


@pytest.fixture(scope="module")
def run(tiny_store, tiny_source, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "spatial"
    return trained.train(tiny_source, tiny_store[0], path, recipes.SpatialRecipe(**KNOBS))


@pytest.fixture(autouse=True)
def frames_as_now(monkeypatch):
    """The frames of the small store are of no known quality, so that none like them are made."""
    settings = store.Settings.of("none", shorter_side=48)
    monkeypatch.setattr(two_stream.temporary_store, "settings_of", lambda streams: settings)


def test_videos_are_scored_as_by_the_evaluation_and_nothing_is_built_twice(
    run, tiny_store, monkeypatch
):
    model, reader = two_stream.TwoStream([run], protocol=PROTOCOL), store.Reader(tiny_store[0])
    videos = list(run.split.test)
    made = []
    make = scoring.make_scorer
    monkeypatch.setattr(scoring, "make_scorer", lambda *a, **k: made.append(1) or make(*a, **k))
    one_by_one = [model.scores(reader, [video])["spatial"][0] for video in videos]
    together = model.scores(reader, videos)["spatial"]
    np.testing.assert_allclose(one_by_one, together, atol=1e-6)
    np.testing.assert_allclose(model.fuse({"spatial": together}), together, atol=1e-6)
    assert len(made) == 1


def test_what_is_needed_is_asked_for_once_per_length(run):
    model = two_stream.TwoStream([run], protocol=PROTOCOL)
    assert model.settings.kinds == ("rgb",)
    assert model.needed(9)["rgb"].sum() == 2 and model.needed(9) is model.needed(9)


def test_two_runs_of_one_stream_are_no_pair(run):
    with pytest.raises(pairs.PairError, match="must be a spatial and a temporal run"):
        two_stream.TwoStream([run, run])


def test_frames_are_labelled_over_time_and_their_scores_are_the_means(run):
    model = two_stream.TwoStream([run], protocol=PROTOCOL)
    shown = np.random.default_rng(0).integers(0, 255, (10, 60, 80, 3)).astype(np.uint8)
    found = model.predict(shown, window_seconds=1, fps=5)
    halves = [model.predict(half).scores for half in np.split(shown, 2)]
    np.testing.assert_allclose(found.scores, np.mean(halves, axis=0), atol=1e-6)
    assert (found.segments[0].start, found.segments[-1].end) == (0, 2)


def test_what_is_no_video_is_refused(run, tmp_path):
    model = two_stream.TwoStream([run], protocol=PROTOCOL)
    for frames in (np.zeros((4, 60, 80, 3)), np.zeros((60, 80, 3), np.uint8)):
        with pytest.raises(ValueError, match=r"must be \[T, H, W, 3\] uint8. Received: \["):
            model.predict(frames)
    with pytest.raises(sources.SourceError, match="two frames or more"):
        model.predict(np.zeros((1, 60, 80, 3), np.uint8))
    with pytest.raises(sources.SourceError, match="no such video. Received: .*absent.avi"):
        model.predict(tmp_path / "absent.avi")


def test_a_model_is_loaded_from_one_or_both_streams_or_from_joined_towers(run):
    model = tf_twostream.load(spatial_run=str(run.path), protocol=PROTOCOL)
    assert [own.path for own in model.streams] == [run.path]
    for wrong in ({}, {"spatial_run": "a", "conv_fusion_run": "b"}):
        with pytest.raises(pairs.PairError, match="must have a spatial run, a temporal run or"):
            tf_twostream.load(**wrong)
    with pytest.raises(pairs.PairError, match="must be a run of two joined towers"):
        tf_twostream.load(conv_fusion_run=str(run.path))


def test_nothing_else_is_found_in_the_package():
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        _ = tf_twostream.lode
