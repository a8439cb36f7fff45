"""The command of the figures, as a user calls it."""

import cv2
import made_up_scores
import numpy as np
import tensorflow as tf
import trained
from tensorboard.backend.event_processing import event_accumulator

from tf_twostream import store
from tf_twostream.figures import clips, tensorboard
from tf_twostream.paper import recipes
from tf_twostream.scores import score_files

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=4, width=0.05, batch_size=6, num_iterations=1
)


def test_each_figure_has_its_source(run, tiny_store, tiny_source, tmp_path):
    trained_run = trained.train(tiny_source, tiny_store[0], tmp_path / "run", RECIPE)
    scores = made_up_scores.make_scores(0, strength=10.0)
    score_files.save_scores(tmp_path / "scores.npz", scores)
    train_ids = [video.id for video in tiny_store[1].train]
    video, first = clips.find_motion(store.Reader(tiny_store[0]), train_ids, 4)
    folder = tmp_path / "figures"
    [printed] = run([
        "scripts/make_figures.py", f"--store={tiny_store[0]}", "--stack_length=4",
        f"--video={video}", f"--run_dir={trained_run.path}", f"--scores={tmp_path / 'scores.npz'}",
        f"--output_dir={folder}",
    ])  # fmt: skip
    assert "video accuracy 100.0 %, 4 videos" in printed
    assert f"{video} from frame {first}" in printed
    pictures = {f"fig{number}.png" for number in range(2, 7)}
    assert {file.name for file in folder.iterdir()} == pictures | {"fig5.csv", "fig6.csv"}
    for name in pictures:
        assert cv2.imread(str(folder / name)).std() > 5
    shown = event_accumulator.EventAccumulator(str(trained_run.path / "tensorboard")).Reload()
    for name, tag in (
        ("fig2", tensorboard.FLOW), ("fig3", tensorboard.STACKING), ("fig4", tensorboard.FILTERS)
    ):  # fmt: skip
        _, _, png = tf.make_ndarray(shown.Tensors(tag)[-1].tensor_proto)
        picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(picture, cv2.imread(str(folder / f"{name}.png")))


def test_where_videos_show_several_classes_there_is_no_confusion(run, tmp_path):
    scores = made_up_scores.make_several(0)  # Shown classes have the higher half of the scores.
    score_files.save_scores(tmp_path / "s.npz", scores)
    folder = tmp_path / "figures"
    flags = f"--scores={tmp_path / 's.npz'}", f"--output_dir={folder}"
    [printed] = run(["scripts/make_figures.py", *flags])
    assert "mean average precision 100.0 %, 3 videos" in printed
    assert {path.name for path in folder.iterdir()} == {"fig6.csv", "fig6.png"}


def test_a_figure_needs_something_to_show(start, tmp_path):
    process = start("scripts/make_figures.py", f"--output_dir={tmp_path / 'figures'}")
    assert "--store, --run_dir or --scores" in process.communicate(timeout=60)[1]
    assert process.returncode == 1
