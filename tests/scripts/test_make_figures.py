"""The door of the figures, as a user calls it."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from tf_twostream import paper, store, training
from tf_twostream.figures import clips
from tf_twostream.scores import score_files


@pytest.fixture
def draw(root, tmp_path):
    """Runs the script; returns its exit code and what it printed."""

    def call(*flags):
        done = subprocess.run(
            [sys.executable, root / "scripts" / "make_figures.py",
             f"--output_dir={tmp_path / 'figures'}", *flags],
            env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return call


def test_each_figure_has_its_source(draw, tiny_store, tiny_source, tmp_path):
    recipe = paper.TemporalRecipe(
        crop_size=41, stack_length=4, width=0.05, batch_size=6, num_iterations=1
    )
    loop = training.Loop(run_dir=str(tmp_path / "run"), store=tiny_store[0])
    run = training.train(tiny_source, recipe, loop)
    labels = np.array([0, 1, 1])
    path = tmp_path / "scores.npz"
    score_files.save_scores(
        path,
        score_files.Scores(tuple("abc"), labels, ("x", "y"), np.eye(2, dtype=np.float32)[labels]),
    )
    train_ids = [video.id for video in tiny_store[1].train]
    video, first = clips.find_motion(store.Reader(tiny_store[0]), train_ids, 4)
    code, printed = draw(
        f"--store={tiny_store[0]}", "--stack_length=4", f"--video={video}",
        f"--run_dir={run.path}", f"--scores={path}",
    )  # fmt: skip
    assert code == 0, printed
    assert "video accuracy 100.00 %, 3 videos" in printed
    assert f"{video} from frame {first}" in printed
    folder = tmp_path / "figures"
    pictures = {f"fig{number}.png" for number in range(2, 7)}
    assert {file.name for file in folder.iterdir()} == pictures | {"fig5.csv", "fig6.csv"}
    for name in pictures:
        assert cv2.imread(str(folder / name)).std() > 5
    shown = event_accumulator.EventAccumulator(str(run.path / "tensorboard")).Reload()
    for name, tag in (
        ("fig2", "figure_2"), ("fig3", "figure_3"), ("fig4", "first_layer_filters")
    ):  # fmt: skip
        _, _, png = tf.make_ndarray(shown.Tensors(tag)[-1].tensor_proto)
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(picture, cv2.imread(str(folder / f"{name}.png")))


def test_where_videos_show_several_classes_there_is_no_confusion(draw, tmp_path):
    shows = np.random.default_rng(0).random((12, 3)) < 0.5
    ids = tuple(f"{row}.mp4" for row in range(12))
    scores = score_files.Scores(ids, shows, ("a", "b", "c"), (shows + 0.5) / 2)
    score_files.save_scores(tmp_path / "s.npz", scores)
    code, printed = draw(f"--scores={tmp_path / 's.npz'}")
    assert code == 0, printed
    assert "mean average precision 100.00 %, 12 videos" in printed
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"fig6.csv", "fig6.png"}
