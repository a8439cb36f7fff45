"""The run folder."""

import dataclasses
import json

import pytest
import tensorflow as tf

from tf_twostream import paper, runs

SETTINGS = {"method": "dis", "parameters": {"opencv": "5"}, "shorter_side": 256}


def test_a_run_folder_is_read_as_it_was_written(tmp_path, tiny_store):
    recipe = paper.TemporalRecipe(stack_length=7)
    written = runs.create(runs.Run(tmp_path / "run", recipe, tiny_store[1], SETTINGS))
    read = runs.load(str(tmp_path / "run"))
    assert (read.recipe, read.split, read.store_settings) == (recipe, tiny_store[1], SETTINGS)
    assert read.path == written.path


def test_versions_are_kept(tmp_path, tiny_store):
    runs.create(runs.Run(tmp_path / "run", paper.SpatialRecipe(), tiny_store[1], SETTINGS))
    versions = json.loads((tmp_path / "run" / "run.json").read_text())["versions"]
    assert versions["tensorflow"].startswith("2.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipe": paper.SpatialRecipe(seed=1)}, r"seed=0 \(now 1\)"),
        ({"settings": {**SETTINGS, "method": "tvl1"}}, r"method='dis' \(now 'tvl1'\)"),
        ({"names": ("a", "b", "c")}, "another data set"),
    ],
)
def test_another_recipe_store_or_split_is_refused(tmp_path, tiny_store, change, message):
    split = tiny_store[1]
    run = runs.create(runs.Run(tmp_path / "run", paper.SpatialRecipe(), split, SETTINGS))
    tf.train.Checkpoint(iteration=tf.Variable(1)).save(f"{run.checkpoints}/ckpt")
    other = dataclasses.replace(split, class_names=change.get("names", split.class_names))
    recipe = change.get("recipe", paper.SpatialRecipe())
    with pytest.raises(ValueError, match=message):
        runs.create(runs.Run(tmp_path / "run", recipe, other, change.get("settings", SETTINGS)))


def test_a_run_without_a_checkpoint_is_begun_anew(tmp_path, tiny_store):
    for crop_size in (999, 48):
        recipe = paper.SpatialRecipe(crop_size=crop_size)
        runs.create(runs.Run(tmp_path / "run", recipe, tiny_store[1], SETTINGS))
    assert runs.load(str(tmp_path / "run")).recipe.crop_size == 48


def test_a_spatial_run_does_not_care_about_the_flow(tmp_path, tiny_store):
    other = {**SETTINGS, "method": "tvl1", "directions": ["forward", "backward"]}
    spatial, temporal = (
        runs.create(runs.Run(tmp_path / recipe.stream, recipe, tiny_store[1], SETTINGS))
        for recipe in (paper.SpatialRecipe(), paper.TemporalRecipe())
    )
    runs.check_store(spatial, other, where="there")
    with pytest.raises(ValueError, match="method='dis'"):
        runs.check_store(temporal, other, where="there")
    with pytest.raises(ValueError, match="shorter_side=256"):
        runs.check_store(spatial, {**other, "shorter_side": 128}, where="there")


def test_a_run_without_a_checkpoint_says_so(tmp_path, tiny_store):
    run = runs.create(runs.Run(tmp_path / "run", paper.SpatialRecipe(), tiny_store[1], SETTINGS))
    with pytest.raises(FileNotFoundError, match="no checkpoint yet"):
        runs.load_model(run)
