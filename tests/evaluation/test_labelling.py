"""Labels for video files, many at once."""

import dataclasses
import os
import signal
import tempfile
import types

import cv2
import numpy as np
import pytest
import read_back
import trained as trained_runs
from absl import logging

from tf_twostream import datasets, runs, store
from tf_twostream.evaluation import (
    explanation,
    labelled_video,
    labelling,
    scoring,
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


def label(videos, streams, *, output_dir="", explain=False, **how):
    model = two_stream.TwoStream(streams, resources=RESOURCES, **how)
    return labelling.label(videos, model, output_dir=output_dir, explain=explain)


def test_a_prediction_is_what_the_evaluation_says(clips, trained):
    spatial, temporal, path = trained
    video = trained[0].split.test[0]
    predictions, failed = label([str(clips / video.id)], [spatial, temporal])
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
    label([str(video)], trained[:1], protocol=protocol)
    label([str(video)], trained[:2], protocol=protocol)
    (frames, _), (both, table) = kept
    assert frames == ("rgb",) and both == ("rgb", "forward")
    # Of eight frames three fields: about as many bytes between the others as an empty one has.
    assert int((np.diff(read_back.offsets(table)) > 200).sum()) == 3


def test_a_clip_its_frames_and_one_window_of_it_get_the_same_scores(clips, trained):
    video = str(clips / trained[0].split.test[0].id)
    model = two_stream.TwoStream(trained[:2], resources=RESOURCES)
    shown = np.stack(list(frames.read_frames(video)))
    [wanted], _ = labelling.label([video], model)
    found = model.predict(video)
    as_window = model.predict(video, window_seconds=9)
    for own in (found, model.predict(shown), as_window):
        np.testing.assert_allclose(own.scores, wanted.scores, atol=1e-6)
        for stream, scores in wanted.streams.items():
            np.testing.assert_allclose(own.streams[stream], scores, atol=1e-6)
    [segment] = as_window.segments
    assert (segment.start, segment.end, segment.label) == (0, 8 / 25, wanted.label)
    assert found.video == video and found.segments == ()


def test_the_streams_are_fused_as_a_file_says_whatever_their_order(clips, trained):
    names = trained[0].split.class_names
    own = fusion.mean(("temporal", "spatial"), names, weights=(3, 1), temperatures=(4.0, 0.5))
    video = str(clips / trained[0].split.test[0].id)
    [item], _ = label([video], trained[:2], score_fusion=own)
    streams = np.stack([item.streams[name][None] for name in own.streams])
    np.testing.assert_allclose(item.scores, own.fuse(streams)[0], atol=1e-6)


def test_a_bidirectional_network_gets_flow_in_both_directions(clips, tmp_path):
    path = str(tmp_path / "store")
    source = fill(clips, path, shorter_side=48, directions=("forward", "backward"))
    network = recipes.TemporalRecipe(stack_length=4, bidirectional=True, **KNOBS)
    run = trained_runs.train(source, path, tmp_path / "run", network)
    video = run.split.test[0]
    [prediction_], _ = label([str(clips / video.id)], [run])
    model = runs.load_model(run)[0]
    wanted = scoring.score_videos(model, run, store.Reader(path), [video])["temporal"]
    np.testing.assert_allclose(prediction_.scores, wanted[0], atol=1e-5)


def test_a_bad_video_does_not_stop_the_others(clips, trained, tmp_path, monkeypatch):
    log = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: log.append(text % args))
    bad = tmp_path / "bad.avi"
    bad.write_bytes(b"no video")
    good = str(clips / trained[0].split.test[0].id)
    predictions, failed = label([str(bad), good, "absent.avi"], trained[1:2])
    assert [item.video for item in predictions] == [good]
    assert set(failed) == {str(bad), "absent.avi"}
    assert failed["absent.avi"].endswith("no such video. Received: absent.avi.")
    assert all(str(bad) in text or "absent.avi" in text for text in log)
    assert len(log) == 2 and not any("000000" in text for text in log)


def test_each_labelled_video_shows_the_frames_of_its_video(clips, trained, tmp_path):
    videos = [str(clips / video.id) for video in trained[0].split.test]
    predictions, failed = label(videos, trained[:2], output_dir=str(tmp_path / "new"))
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
    [item], failed = label(
        [video], trained[:count], protocol=protocol, output_dir=str(tmp_path),
        explain=True,
    )  # fmt: skip
    assert not failed
    page = next(frames.read_frames(item.drawn))
    assert page.shape == (20 + count * 48, 2 * 64, 3)  # Frame and map; with flow, two rows.
    assert item.explained == item.drawn.replace(".mp4", "_explained.png")
    assert cv2.imread(item.explained).shape == (40 + 5 * 49 + 1, 2 * count * 65 + 1, 3)


def test_maps_of_joined_towers_are_refused_before_the_work(trained):
    joined = recipes.ConvFusionRecipe(
        spatial_run="a", temporal_run="b", spatial=recipes.SpatialRecipe(**KNOBS),
        temporal=recipes.TemporalRecipe(**KNOBS),
    )  # fmt: skip
    model = types.SimpleNamespace(streams=[dataclasses.replace(trained[0], recipe=joined)])
    with pytest.raises(explanation.OneStreamError, match="Received: .*, conv_fusion"):
        labelling.label(["v.avi"], model, explain=True)


def test_a_video_that_cannot_be_drawn_keeps_its_labels(clips, trained, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(labelled_video, "write", fail)
    video = str(clips / trained[0].split.test[0].id)
    [item], failed = label([video], trained[:1], output_dir=str(tmp_path))
    assert item.video == video
    assert failed == {video: "no labelled video: No space left on device"}


def test_sigterm_leaves_no_frames_behind(clips, trained, tmp_path, monkeypatch):
    def stop(*_, **__):
        assert [path.name for path in tmp_path.glob("twostream_*/*")]
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(scoring.Tester, "scores", stop)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    video = str(clips / trained[0].split.test[0].id)
    assert signals.run(lambda: label([video], trained[:1])) == 143
    assert not list(tmp_path.iterdir())


def test_labelled_videos_that_cannot_be_written_fail_before_the_work(clips, trained, monkeypatch):
    monkeypatch.setattr(filling, "fill", lambda *_, **__: pytest.fail("worked in vain"))
    video = str(clips / trained[0].split.test[0].id)
    for path in (video, "/proc/no such folder"):
        with pytest.raises(OSError, match="must be a file that can be written"):
            label([video], trained[:1], output_dir=path)
