"""The JSON files of a run folder, and what may go on in it."""

import dataclasses
import json

import pytest
import tensorflow as tf
import tiny_splits
from absl import logging
from trained import SETTINGS, run_of, task_of

from tf_twostream import runs, store
from tf_twostream.paper import recipes


def create(path, recipe, split, settings=SETTINGS):
    """Writes the files of a run of one task."""
    run = run_of(path, recipe, split, settings)
    runs.create(run)
    return run


def test_a_run_folder_is_read_as_it_was_written(tmp_path, tiny_store):
    recipe = recipes.TemporalRecipe(stack_length=7)
    written = create(tmp_path / "run", recipe, tiny_store[1])
    read = runs.load(str(tmp_path / "run"))
    assert (read.recipe, read.split, read.task.settings) == (recipe, tiny_store[1], SETTINGS)
    assert read == written


def test_versions_are_kept(tmp_path, tiny_store):
    create(tmp_path / "run", recipes.SpatialRecipe(), tiny_store[1])
    versions = json.loads((tmp_path / "run" / "run.json").read_text())["versions"]
    assert versions["tensorflow"].startswith("2.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipe": recipes.TemporalRecipe(seed=1)}, r"seed=0 \(now 1\)"),
        ({"settings": dataclasses.replace(SETTINGS, method="tvl1")}, r"'dis' \(now 'tvl1'\)"),
        ({"names": ("a", "b", "c")}, "another data set"),
    ],
)
def test_another_recipe_store_or_split_is_refused(tmp_path, tiny_store, change, message):
    split = tiny_store[1]
    run = create(tmp_path / "run", recipes.TemporalRecipe(), split)
    tf.train.Checkpoint(iteration=tf.Variable(1)).save(f"{run.checkpoints}/ckpt")
    other = dataclasses.replace(split, class_names=change.get("names", split.class_names))
    recipe = change.get("recipe", recipes.TemporalRecipe())
    with pytest.raises(runs.OtherRunError, match=message):
        create(tmp_path / "run", recipe, other, change.get("settings", SETTINGS))


def test_a_run_without_a_checkpoint_is_begun_anew(tmp_path, tiny_store):
    for crop_size in (999, 48):
        recipe = recipes.SpatialRecipe(crop_size=crop_size)
        create(tmp_path / "run", recipe, tiny_store[1])
    assert runs.load(str(tmp_path / "run")).recipe.crop_size == 48


def test_a_spatial_run_does_not_care_about_the_flow(tmp_path, tiny_store):
    other = dataclasses.replace(SETTINGS, method="tvl1", directions=("forward", "backward"))
    spatial, temporal = (
        create(tmp_path / recipe.stream, recipe, tiny_store[1])
        for recipe in (recipes.SpatialRecipe(), recipes.TemporalRecipe())
    )
    runs.check_store(spatial, other, where="there")
    with pytest.raises(ValueError, match="method='dis'"):
        runs.check_store(temporal, other, where="there")
    with pytest.raises(ValueError, match="shorter_side=256"):
        runs.check_store(spatial, dataclasses.replace(other, shorter_side=128), where="there")
    with pytest.raises(ValueError, match="flow_coding='jpeg'"):
        runs.check_store(temporal, dataclasses.replace(SETTINGS, flow_coding="raw"), where="there")


def test_flow_that_was_added_to_the_store_does_not_stop_a_spatial_training(tmp_path, tiny_store):
    frames = store.Settings.of("none")
    run = create(tmp_path / "run", recipes.SpatialRecipe(), tiny_store[1], frames)
    tf.train.Checkpoint(iteration=tf.Variable(1)).save(f"{run.checkpoints}/ckpt")
    create(tmp_path / "run", recipes.SpatialRecipe(), tiny_store[1], store.Settings.of("dis"))


def test_other_videos_of_the_same_names_are_told(tmp_path, tiny_store, monkeypatch):
    path, split = tiny_store
    log = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: log.append(text % args))
    ids = [video.id for video in split.test]
    found = {ids[0]: "1:a", ids[1]: "2:b"}
    task = dataclasses.replace(task_of(split), sources=found)
    run = runs.Run(tmp_path / "run", recipes.SpatialRecipe(), (task,))
    runs.create(run)
    run = runs.load(str(run.path))
    assert run.task.sources == found
    reader = store.Reader(path)
    for now in ({}, found, {ids[0]: "1:a", ids[1]: "2:c", "other.avi": "3:d"}):
        monkeypatch.setattr(reader, "sources", lambda _, now=now: now)
        runs.check_videos(run, reader, split.test)
    assert log == [
        f"1 of 2 videos are other files than those that {run.path} began with, such as {ids[1]!r}."
    ]


def test_a_store_of_another_method_is_refused(tmp_path, tiny_store):
    run = run_of(tmp_path, recipes.TemporalRecipe(), tiny_store[1])
    settings = dataclasses.replace(SETTINGS, method="tvl1", parameters={"opencv": "9", "more": 1})
    with pytest.raises(runs.OtherStoreError, match=r"with method='dis' \(now 'tvl1'\) in there"):
        runs.check_store(run, settings, where="there")


@pytest.mark.parametrize("rate", [{"fps": 12.5}, {"frame_step": 2}])
def test_a_store_of_another_rate_is_refused_where_movement_is_seen(tmp_path, tiny_store, rate):
    settings = dataclasses.replace(SETTINGS, **rate)
    for recipe in (recipes.TemporalRecipe(), recipes.SlowFusionRecipe()):
        run = run_of(tmp_path, recipe, tiny_store[1])
        with pytest.raises(runs.OtherStoreError, match=f"{next(iter(rate))}=None"):
            runs.check_store(run, settings, where="there")
    runs.check_store(run_of(tmp_path, recipes.SpatialRecipe(), tiny_store[1]), settings, where="x")


def test_another_opencv_is_only_a_warning(tmp_path, tiny_store, monkeypatch):
    log = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: log.append(text % args))
    run = run_of(tmp_path, recipes.TemporalRecipe(), tiny_store[1])
    for version, warnings in (("5", 0), ("9", 1)):
        settings = dataclasses.replace(SETTINGS, parameters={"opencv": version})
        runs.check_store(run, settings, where="there")
        assert len(log) == warnings


def test_a_run_from_before_tasks_had_names_is_read(tmp_path, tiny_store):
    """The files of runs that were begun before November 2026."""
    run = create(tmp_path / "run", recipes.TemporalRecipe(batch_size=8), tiny_store[1])
    content = json.loads((run.path / "run.json").read_text())
    [task] = content.pop("tasks").values()
    content["store"] = {"schema_version": 1, **task["store"]}
    (run.path / "run.json").write_text(json.dumps(content))
    split = json.loads((run.path / "split.json").read_text())
    for part in ("train", "test"):
        for video in split[part]:
            video["store"] = int(part == "train" and video is split[part][-1])
    (run.path / "split.json").write_text(json.dumps(split))
    read = runs.load(str(run.path))
    last = run.split.train[-1]
    moved = dataclasses.replace(last, id=store.added_id(last.id))
    wanted = dataclasses.replace(run.split, train=(*run.split.train[:-1], moved))
    assert read == dataclasses.replace(run, tasks=(dataclasses.replace(run.task, split=wanted),))


@pytest.mark.parametrize("name", ["", "a"])
def test_a_task_is_chosen_by_its_name(tmp_path, tiny_store, name):
    tasks = tuple(task_of(tiny_store[1], name=own) for own in ("b", "a"))
    runs.create(runs.Run(tmp_path / "run", recipes.TemporalRecipe(), tasks))
    assert runs.load(str(tmp_path / "run"), name).task.name == (name or "b")


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(runs.NoRunError, match=rf"run\.json. Received: {tmp_path}, without one"):
        runs.load(str(tmp_path))
    with pytest.raises(runs.NoRunError, match="Received: an empty path"):
        runs.load("")


def test_what_a_run_began_with_stays_as_it_is_refused(tmp_path, tiny_store):
    run = create(tmp_path / "run", recipes.SpatialRecipe(), tiny_store[1])
    tf.train.Checkpoint(iteration=tf.Variable(1)).save(f"{run.checkpoints}/ckpt")
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(runs.OtherRunError):
        create(run.path, recipes.SpatialRecipe(seed=1), tiny_store[1])
    assert (run.path / "run.json").read_bytes() == before


def test_a_run_may_be_given_more_iterations_and_nothing_else(tmp_path):
    recipe = recipes.TemporalRecipe(num_iterations=400)
    run = run_of(tmp_path, recipe, tiny_splits.SPLIT)
    runs.create(run)
    tf.train.Checkpoint(iteration=tf.Variable(1)).save(f"{run.checkpoints}/ckpt")
    longer = dataclasses.replace(run, recipe=dataclasses.replace(recipe, num_iterations=600))
    runs.create(longer)
    assert runs.load(str(tmp_path)).recipe.iterations == 600
    for other in ({"num_iterations": 500}, {"num_iterations": 700, "seed": 1}):
        wrong = dataclasses.replace(run, recipe=dataclasses.replace(recipe, **other))
        with pytest.raises(runs.OtherRunError):
            runs.create(wrong)
    assert runs.load(str(tmp_path)).recipe.iterations == 600
