"""Networks that are loaded once."""

import numpy as np
import pytest
import trained

from tf_twostream import store
from tf_twostream.evaluation import pairs, scoring, two_stream
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
