"""The trained networks that become the towers of a joined one."""

import dataclasses
import shutil

import pytest
import trained

from tf_twostream import runs, store
from tf_twostream.paper import recipes
from tf_twostream.training import towers

KNOBS = {"crop_size": 41, "width": 0.05}


@pytest.fixture
def pair(tiny_store, tmp_path):
    """A recipe, the folders of both towers with a run.json each, and the split."""
    settings = store.Reader(tiny_store[0]).settings
    for name, recipe in (
        ("spatial", recipes.SpatialRecipe(**KNOBS)),
        ("temporal", recipes.TemporalRecipe(stack_length=3, **KNOBS)),
    ):
        runs.create(trained.run_of(tmp_path / name, recipe, tiny_store[1], settings))
    recipe = recipes.ConvFusionRecipe(
        spatial_run=str(tmp_path / "spatial"), temporal_run=str(tmp_path / "temporal")
    )
    return recipe, tiny_store[1], settings


def check(recipe, split, settings):
    recipe = towers.complete(recipe, "no run yet")
    towers.check(trained.run_of("run", recipe, split, settings), "the store")


def test_towers_of_the_same_split_are_taken(pair):
    check(*pair)


def test_a_tower_of_the_other_stream_is_refused(pair):
    recipe, split, settings = pair
    wrong = dataclasses.replace(recipe, spatial_run=recipe.temporal_run)
    with pytest.raises(towers.TowerError, match="spatial tower must be .*temporal, temporal"):
        check(wrong, split, settings)


def test_a_tower_that_has_learnt_from_test_videos_is_refused(pair):
    """Its network would know the answers."""
    recipe, split, settings = pair
    turned = dataclasses.replace(split, train=split.test, test=split.train)
    with pytest.raises(towers.TowerError, match="trained on 7 of them, for example class 0/v_0"):
        check(recipe, turned, settings)
    held_out = dataclasses.replace(split, train=split.train[1:], validation=split.train[:1])
    with pytest.raises(towers.TowerError, match="trained on 1 of them"):
        check(recipe, held_out, settings)


def test_a_tower_of_other_classes_is_refused(pair):
    recipe, split, settings = pair
    other = dataclasses.replace(split, class_names=split.class_names[::-1])
    with pytest.raises(towers.TowerError, match="classes .* class 0, class 1, class 2"):
        check(recipe, other, settings)


def test_a_tower_of_other_flow_is_refused(pair):
    recipe, split, settings = pair
    with pytest.raises(runs.OtherStoreError, match="method"):
        check(recipe, split, dataclasses.replace(settings, method="tvl1"))


def test_once_a_training_has_begun_the_runs_of_its_towers_may_be_gone(pair, tmp_path):
    recipe, split, settings = pair
    whole = towers.complete(recipe, str(tmp_path / "run"))
    run = trained.run_of(tmp_path / "run", whole, split, settings)
    trained.with_checkpoint(run)
    for name in ("spatial", "temporal"):
        shutil.rmtree(tmp_path / name)
    assert towers.complete(recipe, str(run.path)) == whole
    towers.check(run, "the store")
    with pytest.raises(runs.NoRunError):
        towers.complete(recipe, str(tmp_path / "another"))


def test_runs_of_one_stream_have_no_towers(pair):
    _, split, settings = pair
    towers.check(trained.run_of("run", recipes.SpatialRecipe(), split, settings), "the store")
