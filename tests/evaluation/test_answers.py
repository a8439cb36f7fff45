"""Answers for clips of strangers: the evaluation's scores, and what is drawn of them."""

import made_up_clips
import numpy as np
import pytest
import trained

from tf_twostream import datasets, store
from tf_twostream.evaluation import answers, labelling, two_stream
from tf_twostream.paper import recipes, testing
from tf_twostream.precompute import filling, frames, limits
from tf_twostream.precompute.resources import Resources

RESOURCES = Resources(num_workers=2)
KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 4, "num_iterations": 1}
PROTOCOL = testing.Testing(num_frames=4, test="center")
NUM_FRAMES = 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    for number in range(4):
        images = rng.integers(0, 255, (NUM_FRAMES, 48, 64, 3)).astype(np.uint8)
        made_up_clips.write(folder / f"class{number % 2}" / f"{number}.avi", images)
    return folder / "class0" / "0.avi"


@pytest.fixture(scope="module")
def model(clip, tmp_path_factory):
    """Both streams of two classes."""
    folder = tmp_path_factory.mktemp("trained")
    source = datasets.Source(dataset="folders", videos_dir=str(clip.parents[1]))
    settings, path = store.Settings.of("farneback", shorter_side=48), str(folder / "store")
    filling.fill(datasets.list_videos(source), path=path, settings=settings, resources=RESOURCES)
    pair = (recipes.SpatialRecipe(**KNOBS), recipes.TemporalRecipe(stack_length=3, **KNOBS))
    runs = [trained.train(source, path, folder / r.stream, r) for r in pair]
    return two_stream.TwoStream(runs, protocol=PROTOCOL, resources=RESOURCES)


def answerer(model, **knobs):
    return answers.Answerer(model, limits.Limits(**knobs))


def test_an_answer_has_the_scores_of_a_prediction_and_a_video_that_plays(clip, model, tmp_path):
    found = answerer(model).answer(str(clip), str(tmp_path))
    [wanted], _ = labelling.label([str(clip)], model)
    np.testing.assert_allclose(found.prediction.scores, wanted.scores, atol=1e-6)
    for stream, scores in wanted.streams.items():
        np.testing.assert_allclose(found.prediction.streams[stream], scores, atol=1e-6)
    assert found.prediction.title == wanted.title and not found.prediction.explained
    drawn = frames.read_header(found.prediction.drawn)
    assert (drawn.num_frames, drawn.fps) == (NUM_FRAMES, 25)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["labelled.mp4", "timeline.png"]


def test_maps_are_drawn_if_asked_for(clip, model, tmp_path):
    found = answerer(model).answer(str(clip), str(tmp_path), explain=True)
    assert found.prediction.explained == str(tmp_path / "maps.png")
    assert (tmp_path / "maps.png").stat().st_size > 1000


def test_the_windows_of_a_video_have_its_scores_as_mean(clip, model, tmp_path):
    path = str(tmp_path / "store")
    filling.fill([("clip", clip)], path=path, settings=model.settings, resources=RESOURCES)
    reader, video = store.Reader(path), datasets.Video("clip", 0)
    whole, windows = model.over_time(reader, video)
    for stream, scores in model.scores(reader, [video]).items():
        np.testing.assert_allclose(whole[stream], scores[0], atol=1e-6)
        assert windows[stream].shape == (4, 2)
        np.testing.assert_allclose(windows[stream].mean(axis=0), scores[0], atol=1e-6)


def test_a_large_clip_is_drawn_smaller(clip, model, tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "DRAWN_SIDE", 24)
    found = answerer(model).answer(str(clip), str(tmp_path))
    [first, *_] = frames.read_frames(found.prediction.drawn)
    assert first.shape[1] == 2 * 32  # Frame and flow.


def test_networks_are_loaded_once(clip, model, tmp_path, monkeypatch):
    one = answerer(model)
    monkeypatch.setattr(two_stream.runs, "load_model", None)
    scores = [one.answer(str(clip), str(tmp_path)).prediction.scores for _ in range(2)]
    np.testing.assert_array_equal(*scores)


def test_a_clip_beyond_the_limits_is_not_answered(clip, model, tmp_path):
    with pytest.raises(limits.ClipError, match=r"must last 0.1 seconds at most. This one .* 0.48"):
        answerer(model, max_seconds=0.1).answer(str(clip), str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_clip_like_a_ribbon_gets_a_sentence(model, tmp_path):
    images = np.zeros((2, 16, 80, 3), np.uint8)
    one = made_up_clips.write(tmp_path / "x.avi", images)
    with pytest.raises(limits.ClipError, match="must be 4 times the shorter one at most"):
        answerer(model).answer(str(one), str(tmp_path))


def test_a_clip_of_one_frame_gets_a_sentence(model, tmp_path):
    one = made_up_clips.write(tmp_path / "x.avi", [np.zeros((48, 64, 3), np.uint8)])
    with pytest.raises(limits.ClipError, match="must have two frames or more") as error:
        answerer(model).answer(str(one), str(tmp_path))
    assert str(tmp_path) not in str(error.value)
