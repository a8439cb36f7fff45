"""Labels for new videos."""

import cv2
import numpy as np
import pytest

from tf_twostream import (
    datasets,
    evaluation,
    extraction,
    paper,
    precompute,
    prediction,
    runs,
    store,
    training,
)  # fmt: skip

EFFORT = precompute.Effort(num_workers=2)
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
    source = datasets.Source(dataset="folders", videos_dir=str(clips))
    videos = precompute.list_videos(source)
    recipe = extraction.Recipe(method="farneback", shorter_side=48)
    precompute.run(videos, path=path, recipe=recipe, effort=EFFORT)
    recipes = (paper.SpatialRecipe(**KNOBS), paper.TemporalRecipe(stack_length=3, **KNOBS))
    pair = [
        training.train(source, r, training.Loop(run_dir=str(folder / r.stream), store=path))
        for r in recipes
    ]
    return *pair, path


def test_a_prediction_is_what_the_evaluation_says(clips, trained):
    spatial, temporal, path = trained
    video = trained[0].split.test[0]
    predictions, failed = prediction.predict([str(clips / video.id)], [spatial, temporal], EFFORT)
    assert not failed
    for run in (spatial, temporal):
        wanted = evaluation.score_videos(
            runs.load_model(run)[0], run.recipe, store.Reader(path), [video], progress=False
        )
        scores = predictions[0].streams[run.recipe.stream]
        np.testing.assert_allclose(scores, wanted[0], atol=1e-5)
    mean = np.mean(list(predictions[0].streams.values()), axis=0)
    np.testing.assert_allclose(predictions[0].scores, mean, atol=1e-6)


def test_a_bad_video_does_not_stop_the_others(clips, trained, tmp_path):
    bad = tmp_path / "bad.avi"
    bad.write_bytes(b"no video")
    good = str(clips / trained[0].split.test[0].id)
    predictions, failed = prediction.predict([str(bad), good, "absent.avi"], trained[1:2], EFFORT)
    assert [item.video for item in predictions] == [good]
    assert set(failed) == {str(bad), "absent.avi"}


def test_the_best_classes_come_first():
    item = prediction.Prediction("v", ("a", "b", "c"), np.array([0.2, 0.5, 0.3]), {})
    assert item.best(2) == [("b", 0.5), ("c", 0.3)]


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_the_labelled_video_shows_frames_beside_their_flow(clips, trained, tmp_path, suffix):
    path = tmp_path / f"labelled{suffix}"
    video = str(clips / trained[0].split.test[0].id)
    prediction.predict([video], trained[:2], EFFORT, output_video=str(path))
    capture = cv2.VideoCapture(str(path))
    pages = []
    while (page := capture.read()[1]) is not None:
        pages.append(page)
    assert len(pages) == 8
    assert pages[0].shape == (48 + 20, 2 * 64, 3)


@pytest.mark.parametrize(("path", "videos"), [("out.gif", ["a"]), ("out.mp4", ["a", "b"])])
def test_an_impossible_output_video_is_refused(path, videos):
    with pytest.raises(ValueError, match="--output_video"):
        prediction.check_output_video(path, videos)
