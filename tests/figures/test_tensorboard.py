"""TensorBoard shows the paper's figures, once, as the files of make_figures.py show them."""

import dataclasses
import logging
import os
import signal

import cv2
import numpy as np
import pytest
import tensorflow as tf
import trained
from tensorboard.backend.event_processing import event_accumulator

from tf_twostream import datasets, models, runs, store
from tf_twostream.figures import clips, pictures, reports, tensorboard
from tf_twostream.paper import recipes
from tf_twostream.runs import history
from tf_twostream.scores import metrics, score_files
from tf_twostream.training import devices

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=6, num_iterations=2, dropout_rate=0.0
)
OF_FLOW = (tensorboard.FLOW, tensorboard.STACKING)
NAMES = ("first class", "second", "third")


def read(folder):
    """The tags of a folder of events, each with its events."""
    events = event_accumulator.EventAccumulator(str(folder)).Reload()
    return {tag: events.Tensors(tag) for tag in events.Tags()["tensors"]}


def decode(event):
    """The picture of an image event, RGB."""
    _, _, png = tf.make_ndarray(event.tensor_proto)
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(png, np.uint8), 1), cv2.COLOR_BGR2RGB)


def value(event):
    return tf.make_ndarray(event.tensor_proto).item()


def write_clip(tiny_store, folder, recipe, **changes):
    """Draws Fig. 2 and 3; returns the tags."""
    run = trained.run_of(folder, recipe, dataclasses.replace(tiny_store[1], **changes))
    with tf.summary.create_file_writer(str(folder)).as_default():
        tensorboard.write_clip(run, store.Reader(tiny_store[0]))
    return read(folder)


def test_a_training_shows_its_flow_once(tiny_store, tiny_source, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tensorboard, "write_inputs", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        trained.train(tiny_source, tiny_store[0], tmp_path / "run", RECIPE)
    run = trained.train(tiny_source, tiny_store[0], tmp_path / "run", RECIPE)
    events = read(run.path / "tensorboard")
    assert [event.step for event in events["loss"]] == [1, 2]  # It was stopped, and went on.
    losses = [value(event) for event in events["loss"]]
    points = history.read(run, part="training")
    assert [(p.iteration, -p.gain) for p in points] == [(1, losses[0]), (2, losses[1])]
    reader = store.Reader(tiny_store[0])
    found = clips.find_motion(reader, [video.id for video in tiny_store[1].train], 3)
    clip = clips.read_clip(reader, *found, 3)
    for tag, draw in zip(OF_FLOW, (clips.draw_flow, clips.draw_sampling)):
        [event] = events[tag]
        assert event.step == 0
        np.testing.assert_array_equal(decode(event), pictures.render(draw(clip)))


def test_other_hosts_draw_nothing(tiny_store, tiny_source, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(devices, "is_first_host", lambda strategy: False)
    monkeypatch.setattr(tensorboard, "write_clip", lambda *args: drawn.append(args))
    recipe = dataclasses.replace(RECIPE, num_iterations=1)
    trained.train(tiny_source, tiny_store[0], tmp_path / "run", recipe)
    assert not drawn
    assert not (tmp_path / "run").exists()


def test_only_flow_that_is_there_is_shown(tiny_store, tmp_path):
    def tags(name, recipe, **changes):
        return set(write_clip(tiny_store, tmp_path / name, recipe, **changes))

    longest = max(store.Reader(tiny_store[0]).num_frames(v.id) for v in tiny_store[1].train)
    lengths = {n: dataclasses.replace(RECIPE, stack_length=n) for n in (1, longest - 1, longest)}
    assert tags("one field", lengths[1]) == {*OF_FLOW}
    assert tags("just long enough", lengths[longest - 1]) == {*OF_FLOW}
    assert not tags("too short", lengths[longest])
    assert not tags("no flow", recipes.SpatialRecipe(crop_size=41))
    elsewhere = tuple(
        datasets.Video(store.added_id(video.id), video.label) for video in tiny_store[1].train
    )
    assert not tags("in another store", RECIPE, train=elsewhere)


def test_drawing_draws_no_random_numbers(tiny_store, tmp_path):
    before = np.random.get_state()[1].copy()
    drawn = [write_clip(tiny_store, tmp_path / name, RECIPE)[tensorboard.STACKING] for name in "ab"]
    np.testing.assert_array_equal(*(decode(events[0]) for events in drawn))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(
    ("recipe", "coloured"),
    [
        (recipes.SlowFusionRecipe, True),
        (recipes.SpatialRecipe, True),
        (recipes.TemporalRecipe, False),
    ],
)
def test_filters_on_rgb_are_coloured(tmp_path, recipe, coloured):
    recipe = recipe(crop_size=41, width=0.05)
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tensorboard.write_filters(models.build(recipe, 3), recipe, 7)
    [event] = read(tmp_path)[tensorboard.FILTERS]
    assert event.step == 7
    assert (np.ptp(decode(event), axis=-1) > 0).any() == coloured


@pytest.fixture
def run(tiny_store, tmp_path):
    return trained.run_of(tmp_path / "run", RECIPE, tiny_store[1])


@pytest.fixture
def scores():
    labels = np.array([0, 1, 1, 2])
    table = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]]
    return score_files.Scores(tuple("abcd"), labels, NAMES, table)


def test_scores_are_shown_beside_the_training(run, scores):
    tensorboard.write_scores(run, "test", scores, 80_000)
    events = read(run.path / "tensorboard" / "evaluated_test")
    assert {event.step for [event] in events.values()} == {80_000}
    numbers = {tag: value(events[tag][0]) for tag in ("video_accuracy", "mean_class_recall")}
    assert numbers == pytest.approx({"video_accuracy": 0.75, "mean_class_recall": 2.5 / 3})
    title = "test: video accuracy 75.0 %, 4 videos"
    matrix = metrics.confusion_matrix(scores.scores, scores.labels)
    recall = np.array([1, 0.5, 1])
    for tag, drawing in (
        (tensorboard.CONFUSION, reports.draw_confusion_matrix(matrix, NAMES, title)),
        (tensorboard.RECALL, reports.draw_per_class(recall, NAMES, title=title)),
    ):
        np.testing.assert_array_equal(decode(events[tag][0]), pictures.render(drawing))
    assert len(events) == 4


def test_each_task_and_part_has_its_own_folder(run, scores):
    tasks = tuple(trained.task_of(run.split, name=name) for name in "ab")
    for name, part in (("a", "test"), ("b", "test"), ("b", "train")):
        own = runs.Run(run.path, RECIPE, tasks, chosen="ab".index(name))
        tensorboard.write_scores(own, part, scores, 1)
        folder = run.path / "tensorboard" / name / f"evaluated_{part}"
        assert len(read(folder)["video_accuracy"]) == 1


def test_several_classes_per_video_are_not_mixed_up(run, scores):
    labels = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    several = dataclasses.replace(scores, labels=labels)
    tensorboard.write_scores(run, "test", several, 1)
    assert set(read(run.path / "tensorboard" / "evaluated_test")) == {
        "mean_average_precision", tensorboard.RECALL
    }  # fmt: skip


def test_a_folder_that_cannot_be_written_is_only_a_warning(run, scores, caplog):
    run.path.mkdir()
    (run.path / "tensorboard").write_text("in the way")
    with caplog.at_level(logging.WARNING, "absl"):
        tensorboard.write_scores(run, "test", scores, 1)
    assert "TensorBoard will not show these scores" in caplog.text
