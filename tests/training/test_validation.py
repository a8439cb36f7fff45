"""A training with a validation part: its curve, its best checkpoint, its early end."""

import dataclasses
import os
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf
import trained
from tensorboard.backend.event_processing import event_accumulator

from tf_twostream import inputs, runs, store
from tf_twostream.paper import recipes
from tf_twostream.runs import history
from tf_twostream.training import checkpoints, devices, steps, validation

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=6, num_iterations=6, dropout_rate=0.0
)


@pytest.fixture(scope="module")
def held_out(tiny_store):
    """The tiny split, of whose training videos one per class is held out."""
    split = tiny_store[1]
    kept = split.train[-3:]
    return dataclasses.replace(split, train=split.train[:-3], validation=kept)


def train(held_out, tiny_store, run_dir, recipe=RECIPE, **knobs):
    knobs = {"checkpoint_every": 2, **knobs}
    return trained.train_splits({"": held_out}, tiny_store[0], run_dir, recipe, **knobs)


@pytest.fixture(scope="module")
def whole(held_out, tiny_store, tmp_path_factory):
    return train(held_out, tiny_store, tmp_path_factory.mktemp("runs") / "whole")


def iterations(run):
    return [point.iteration for point in history.read(run)]


def test_every_checkpoint_is_measured_and_drawn_beside_the_training(whole):
    assert iterations(whole) == [2, 4, 6]
    for folder in ("", "validation"):
        events = event_accumulator.EventAccumulator(str(whole.path / "tensorboard" / folder))
        events.Reload()
        assert {"loss", "accuracy"} <= {*events.Tags()["tensors"]}
        assert [event.step for event in events.Tensors("loss")] == [2, 4, 6]


def test_loss_and_accuracy_are_means_over_the_frames_of_the_held_out_videos(
    whole, held_out, tiny_store
):
    model, _ = runs.load_model(whole)
    windows = inputs.Windows(store.Reader(tiny_store[0]), held_out.validation, RECIPE)
    [batch] = inputs.evaluation(windows, batch_size=99, num_windows=5, kind="center")
    logits = model(inputs.prepare(batch, RECIPE), training=False)
    last = history.read(whole)[-1]
    assert last.gain == pytest.approx(-np.mean(steps.losses(logits, batch["label"])), rel=1e-5)
    assert last.accuracy == pytest.approx(np.mean(steps.hits(logits, batch["label"])))


def test_the_best_checkpoint_is_kept_and_can_be_asked_for(whole):
    best = max(history.read(whole)).iteration
    _, iteration = runs.load_model(runs.load(str(whole.path), checkpoint="best"))
    assert iteration == best
    assert runs.load_model(runs.load(str(whole.path)))[1] == 6
    names = {path.stem for path in (whole.path / "best").iterdir()}
    assert names == {"checkpoint", f"ckpt-{best}"}


def test_the_best_checkpoint_may_be_moved_with_its_run(whole, tmp_path):
    moved = whole.path.rename(tmp_path / "moved")
    try:
        run = runs.load(str(moved), checkpoint="best")
        assert runs.load_model(run)[1] == max(history.read(run)).iteration
    finally:
        moved.rename(whole.path)


def test_a_training_killed_before_its_validation_measures_it_when_it_goes_on(
    held_out, tiny_store, tmp_path, whole
):
    path = tmp_path / "parts"
    shutil.copytree(whole.path, path)
    for file in (path / "checkpoints").iterdir():
        if file.stem == "ckpt-6":
            file.unlink()
    (path / "checkpoints/checkpoint").write_text('model_checkpoint_path: "ckpt-4"')
    points = history.read(whole)
    history.write(runs.load(str(path)), points[:1])
    parts = train(held_out, tiny_store, path)
    assert iterations(parts) == [2, 4, 6]
    assert [p.iteration for p in history.read(parts, part="training")] == [2, 4, 6]
    for own, its in zip(history.read(parts), points, strict=True):
        assert own.gain == pytest.approx(its.gain, abs=1e-4)


def test_two_devices_measure_and_keep_what_one_does(
    held_out, tiny_store, tmp_path, monkeypatch, whole, two_devices
):
    monkeypatch.setattr(devices, "make_strategy", lambda **_: two_devices)
    run = train(held_out, tiny_store, tmp_path / "two")
    for own, its in zip(history.read(run), history.read(whole), strict=True):
        assert own.gain == pytest.approx(its.gain, abs=1e-4)
    best = runs.load(str(run.path), checkpoint="best")
    assert runs.load_model(best)[1] == max(history.read(run)).iteration


def test_a_kill_while_the_best_is_kept_leaves_it_whole(whole, tmp_path, monkeypatch):
    path = tmp_path / "run"
    shutil.copytree(whole.path, path)
    run = runs.load(str(path))
    model = runs.build_model(run)
    optimizer = steps.make_optimizer(RECIPE, model.trainable_variables)
    kept = checkpoints.Checkpoints(run, model, optimizer, tf.distribute.get_strategy())
    kept.restore()
    kept.save(8)

    def killed(*_):
        raise KeyboardInterrupt

    for step in ("link", "replace"):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(os, step, killed)
            kept.keep_as_best()
        best = runs.load(str(path), checkpoint="best")
        assert runs.load_model(best)[1] == max(history.read(whole)).iteration
    kept.keep_as_best()  # What was left behind does not stand in the way, and goes.
    assert runs.load_model(runs.load(str(path), checkpoint="best"))[1] == 8
    assert {file.stem for file in (path / "best").iterdir()} == {"checkpoint", "ckpt-8"}


def test_a_run_that_begins_anew_forgets_what_was_best(whole, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(whole.path, path)
    shutil.rmtree(path / "checkpoints")
    runs.create(runs.load(str(path)))
    kept = ("best", "training.json", "validation.json")
    assert not [name for name in kept if (path / name).exists()]


def test_patience_ends_a_training_for_good(held_out, tiny_store, tmp_path, monkeypatch):
    falling = iter((0.9, 0.8, 0.7, 0.6))

    def measure(self, iteration):
        self.points.append(history.Point(next(falling), -1.0, iteration))
        return {"loss": 1.0, "accuracy": self.points[-1].accuracy}

    monkeypatch.setattr(validation.Validation, "measure", measure)
    recipe = dataclasses.replace(RECIPE, num_iterations=20)
    run = train(held_out, tiny_store, tmp_path / "run", recipe, patience=2)
    assert iterations(run) == [2, 4, 6]
    train(held_out, tiny_store, tmp_path / "run", recipe, patience=2)  # Nothing to do.
    assert iterations(run) == [2, 4, 6]


def test_patience_needs_something_to_wait_for(tiny_store, tmp_path):
    with pytest.raises(ValueError, match="validation part to wait for. Received: patience=1"):
        train(tiny_store[1], tiny_store, tmp_path / "run", patience=1)


def test_several_hosts_could_not_agree_when_to_end(whole, held_out, tiny_store):
    windows = inputs.Windows(store.Reader(tiny_store[0]), held_out.validation, RECIPE)
    heads = [steps.Head(runs.build_model(whole), 1)]
    with pytest.raises(ValueError, match="Received: patience=1, 2 hosts"):
        validation.Validation(whole, heads, [windows]).check_patience(1, num_hosts=2)


def test_without_a_validation_part_there_is_no_best_checkpoint(tiny_store, tmp_path):
    run = trained.run_of(tmp_path / "run", RECIPE, tiny_store[1])
    runs.create(run)
    with pytest.raises(runs.NoBestError, match="validation part. Received: .*run, without one"):
        runs.load(str(run.path), checkpoint="best")


def test_each_task_has_a_validation_part_of_its_own(held_out, tiny_store, tmp_path):
    splits = {"a": held_out, "b": tiny_store[1]}
    recipe = dataclasses.replace(RECIPE, num_iterations=1)
    run = trained.train_splits(splits, tiny_store[0], tmp_path / "run", recipe)
    events = event_accumulator.EventAccumulator(str(run.path / "tensorboard/validation"))
    events.Reload()
    tags = {tag for tag in events.Tags()["tensors"] if "/" in tag}
    assert tags == {"loss/a", "accuracy/a"}


def test_the_held_out_part_can_be_scored(whole, held_out, tiny_store, tmp_path):
    path = tmp_path / "scores.npz"
    quick = {"num_frames": 1, "test": "center", "checkpoint": "best"}
    scores = trained.evaluate(whole, tiny_store[0], path, part="validation", **quick)
    assert scores.video_ids == tuple(video.id for video in held_out.validation)


@pytest.mark.parametrize(("sees_clips", "unit"), [(False, "frame"), (True, "clip")])
def test_the_progress_bar_counts_what_is_measured(whole, monkeypatch, sees_clips, unit):
    units = []
    bar = validation.progress.bar
    monkeypatch.setattr(
        validation.progress, "bar", lambda _, unit, *a, **k: units.append(unit) or bar(0, unit)
    )
    measured = validation.Validation.__new__(validation.Validation)
    recipe = types.SimpleNamespace(sees_clips=sees_clips, windows_at_once=1)
    measured._run, measured.points = types.SimpleNamespace(recipe=recipe), []
    measured._measured = [("", None, types.SimpleNamespace(videos=[1]))]
    monkeypatch.setattr(validation.inputs, "evaluation", lambda *_, **__: [])
    measured.measure(1)
    assert units == [unit]
