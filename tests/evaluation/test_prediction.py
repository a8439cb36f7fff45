"""Labels for new videos."""

import dataclasses
import os
import signal
import tempfile

import cv2
import numpy as np
import pytest
import trained as trained_runs
from absl import logging

from tf_twostream import datasets, runs, store
from tf_twostream.evaluation import (
    explanation,
    labelled_video,
    over_time,
    prediction,
    scoring,
    sources,
    two_stream,
)
from tf_twostream.paper import recipes, testing
from tf_twostream.precompute import filling, frames
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import signals
from tf_twostream.scores import fusion

RESOURCES = Resources(num_workers=2)
KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 4, "num_iterations": 2}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Four small videos in two class folders."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for number in range(4):
        path = folder / f"class{number % 2}" / f"clip {number}.avi"
        path.parent.mkdir(exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
        texture = rng.integers(0, 255, (60, 90, 3), np.uint8)
        texture = cv2.GaussianBlur(texture, (7, 7), 2)
        for t in range(8):
            writer.write(np.ascontiguousarray(texture[4 : 4 + 48, t * (number % 2) :][:, :64]))
        writer.release()
    return folder


@pytest.fixture(scope="module")
def trained(clips, tmp_path_factory):
    """(spatial run, temporal run, store) of the clips."""
    folder = tmp_path_factory.mktemp("trained")
    path = str(folder / "store")
    source = fill(clips, path, shorter_side=48)
    pair = (recipes.SpatialRecipe(**KNOBS), recipes.TemporalRecipe(stack_length=3, **KNOBS))
    return *(trained_runs.train(source, path, folder / r.stream, r) for r in pair), path


def fill(clips, path, **knobs):
    """Makes a store of the clips; returns their data set."""
    source = datasets.Source(dataset="folders", videos_dir=str(clips))
    settings = store.Settings.of("farneback", **knobs)
    filling.fill(datasets.list_videos(source), path=path, settings=settings, resources=RESOURCES)
    return source


def test_a_prediction_is_what_the_evaluation_says(clips, trained):
    spatial, temporal, path = trained
    video = trained[0].split.test[0]
    predictions, failed = prediction.predict(
        [str(clips / video.id)], [spatial, temporal], RESOURCES
    )
    assert not failed
    for run in (spatial, temporal):
        model = runs.load_model(run)[0]
        wanted = scoring.score_videos(model, run, store.Reader(path), [video])[run.recipe.stream]
        scores = predictions[0].streams[run.recipe.stream]
        np.testing.assert_allclose(scores, wanted[0], atol=1e-5)
    mean = np.mean(list(predictions[0].streams.values()), axis=0)
    np.testing.assert_allclose(predictions[0].scores, mean, atol=1e-6)


def test_only_what_the_networks_look_at_is_computed(clips, trained, monkeypatch):
    video = clips / trained[0].split.test[0].id
    kept = []

    class Reader(store.Reader):
        def __init__(self, path):
            super().__init__(path)
            kept.append((self.settings.kinds, self.table(["000000"], self.settings.kinds[-1])))

    monkeypatch.setattr(store, "Reader", Reader)
    protocol = testing.Testing(num_frames=1, test="center")
    prediction.predict([str(video)], trained[:1], RESOURCES, protocol=protocol)
    prediction.predict([str(video)], trained[:2], RESOURCES, protocol=protocol)
    (frames, _), (both, table) = kept
    assert frames == ("rgb",) and both == ("rgb", "forward")
    # Of eight frames three fields: about as many bytes between the others as an empty one has.
    assert int((np.diff(table["offsets"]) > 200).sum()) == 3


def test_a_whole_clip_as_one_window_gets_the_same_scores(clips, trained):
    video = str(clips / trained[0].split.test[0].id)
    model = two_stream.TwoStream(trained[:2])
    labeller = over_time.Labeller(
        model.scores, model.settings, model.needed, window=9, step=9, num_threads=2, timeout=20
    )
    [window] = labeller.windows(sources.Source(video, video))
    [wanted], _ = prediction.predict([video], trained[:2], RESOURCES)
    assert (window.start, window.end, window.num_frames) == (0, 8 / 25, 8)
    for stream, scores in wanted.streams.items():
        np.testing.assert_allclose(window.scores[stream], scores, atol=1e-6)
    [fused] = model.fuse({stream: own[None] for stream, own in window.scores.items()})
    np.testing.assert_allclose(fused, wanted.scores, atol=1e-6)


def test_the_streams_are_fused_as_a_file_says_whatever_their_order(clips, trained):
    names = trained[0].split.class_names
    own = fusion.mean(("temporal", "spatial"), names, weights=(3, 1), temperatures=(4.0, 0.5))
    video = str(clips / trained[0].split.test[0].id)
    [item], _ = prediction.predict([video], trained[:2], RESOURCES, score_fusion=own)
    streams = np.stack([item.streams[name][None] for name in own.streams])
    np.testing.assert_allclose(item.scores, own.fuse(streams)[0], atol=1e-6)


def test_decision_values_are_not_worded_as_percent():
    scores = np.array([-0.5, 1.25])
    item = prediction.Prediction("v.avi", ("a", "b"), scores, {}, are_decisions=True)
    assert item.best(1) == [("b", 1.25)]
    assert item.describe(1.25).strip() == "1.250"
    assert prediction.Prediction("v.avi", ("a", "b"), scores, {}).describe(0.5).strip() == "50.00 %"


def test_a_bidirectional_network_gets_flow_in_both_directions(clips, tmp_path):
    path = str(tmp_path / "store")
    source = fill(clips, path, shorter_side=48, directions=("forward", "backward"))
    network = recipes.TemporalRecipe(stack_length=4, bidirectional=True, **KNOBS)
    run = trained_runs.train(source, path, tmp_path / "run", network)
    video = run.split.test[0]
    [prediction_], _ = prediction.predict([str(clips / video.id)], [run], RESOURCES)
    model = runs.load_model(run)[0]
    wanted = scoring.score_videos(model, run, store.Reader(path), [video])["temporal"]
    np.testing.assert_allclose(prediction_.scores, wanted[0], atol=1e-5)


def test_a_bad_video_does_not_stop_the_others(clips, trained, tmp_path, monkeypatch):
    log = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: log.append(text % args))
    bad = tmp_path / "bad.avi"
    bad.write_bytes(b"no video")
    good = str(clips / trained[0].split.test[0].id)
    predictions, failed = prediction.predict(
        [str(bad), good, "absent.avi"], trained[1:2], RESOURCES
    )
    assert [item.video for item in predictions] == [good]
    assert set(failed) == {str(bad), "absent.avi"}
    assert failed["absent.avi"].endswith("no such video. Received: absent.avi.")
    assert all(str(bad) in text or "absent.avi" in text for text in log)
    assert len(log) == 2 and not any("000000" in text for text in log)


def test_the_best_classes_come_first():
    item = prediction.Prediction("v", ("a", "b", "c"), np.array([0.2, 0.5, 0.3]), {})
    assert item.best(2) == [("b", 0.5), ("c", 0.3)]


def test_each_labelled_video_shows_the_frames_of_its_video(clips, trained, tmp_path):
    videos = [str(clips / video.id) for video in trained[0].split.test]
    predictions, failed = prediction.predict(
        videos, trained[:2], RESOURCES, output_dir=str(tmp_path / "new")
    )
    assert not failed and len(list((tmp_path / "new").iterdir())) == len(videos)
    for video, item in zip(videos, predictions):
        pages = list(frames.read_frames(item.drawn))
        originals = list(frames.read_frames(video))
        assert len(pages) == len(originals) == 8
        assert pages[0].shape == (48 + 20, 2 * 64, 3)
        for page, original in zip(pages, originals):
            assert np.abs(page[20:, :64].astype(int) - original).mean() < 12


@pytest.mark.parametrize("count", [1, 2])
def test_maps_of_each_stream_are_in_the_video_and_in_a_picture(clips, trained, tmp_path, count):
    video = str(clips / trained[0].split.test[0].id)
    protocol = testing.Testing(num_frames=2, test="center")
    [item], failed = prediction.predict(
        [video], trained[:count], RESOURCES, protocol=protocol, output_dir=str(tmp_path),
        explain=True,
    )  # fmt: skip
    assert not failed
    page = next(frames.read_frames(item.drawn))
    assert page.shape == (20 + count * 48, 2 * 64, 3)  # Frame and map; with flow, two rows.
    assert item.explained == item.drawn.replace(".mp4", "_explained.png")
    assert cv2.imread(item.explained).shape == (40 + 5 * 49 + 1, 2 * count * 65 + 1, 3)


def test_maps_of_joined_towers_are_refused_before_the_work(clips, trained, monkeypatch):
    monkeypatch.setattr(filling, "fill", lambda *_, **__: pytest.fail("worked in vain"))
    joined = recipes.ConvFusionRecipe(
        spatial_run="a", temporal_run="b", spatial=recipes.SpatialRecipe(**KNOBS),
        temporal=recipes.TemporalRecipe(**KNOBS),
    )  # fmt: skip
    run = dataclasses.replace(trained[0], recipe=joined)
    with pytest.raises(explanation.OneStreamError, match="Received: .*, conv_fusion"):
        prediction.predict(["v.avi"], [run], RESOURCES, explain=True)


def test_a_video_that_cannot_be_drawn_keeps_its_labels(clips, trained, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(labelled_video, "write", fail)
    video = str(clips / trained[0].split.test[0].id)
    [item], failed = prediction.predict([video], trained[:1], RESOURCES, output_dir=str(tmp_path))
    assert item.video == video
    assert failed == {video: "no labelled video: No space left on device"}


def test_sigterm_leaves_no_frames_behind(clips, trained, tmp_path, monkeypatch):
    def stop(*_, **__):
        assert [path.name for path in tmp_path.glob("twostream_*/*")]
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(scoring, "score_videos", stop)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    video = str(clips / trained[0].split.test[0].id)
    assert signals.run(lambda: prediction.predict([video], trained[:1], RESOURCES)) == 143
    assert not list(tmp_path.iterdir())


def test_a_title_has_the_number_of_a_class_whose_name_cannot_be_drawn(monkeypatch):
    scores = np.array([0.2, 0.8])
    item = prediction.Prediction("v.avi", ("a", "gehen über"), scores, {})
    assert item.title == "gehen über 80 %"
    item = prediction.Prediction("v.avi", ("a", "a\nb"), scores, {}, are_decisions=True)
    assert item.title == "class 1: a?b"


def test_the_protocol_reaches_the_evaluation(clips, trained, monkeypatch):
    score, seen = scoring.score_videos, []

    def score_and_note(*args, **kwargs):
        seen.append(kwargs["protocol"])
        return score(*args, **kwargs)

    monkeypatch.setattr(scoring, "score_videos", score_and_note)
    video = str(clips / trained[0].split.test[0].id)
    protocol = testing.Testing(frames_per_batch=3, num_frames=2)
    prediction.predict([video], trained[:1], RESOURCES, protocol=protocol)
    assert seen == [protocol]


def test_labelled_videos_that_cannot_be_written_fail_before_the_work(clips, trained, monkeypatch):
    monkeypatch.setattr(filling, "fill", lambda *_, **__: pytest.fail("worked in vain"))
    video = str(clips / trained[0].split.test[0].id)
    for path in (video, "/proc/no such folder"):
        with pytest.raises(OSError, match="must be a file that can be written"):
            prediction.predict([video], trained[:1], RESOURCES, output_dir=path)
