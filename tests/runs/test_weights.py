"""The network of a run: restored from a checkpoint, or started from another run."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from trained import run_of, task_of, with_checkpoint

from tf_twostream import runs
from tf_twostream.models import cross_modality
from tf_twostream.paper import recipes

KNOBS = {"crop_size": 41, "width": 0.05}
SPATIAL = recipes.SpatialRecipe(**KNOBS)
TEMPORAL = recipes.TemporalRecipe(stack_length=3, **KNOBS)


def assert_same(model, other, names=None):
    """Compares weights, those of all layers unless there are names."""
    for layer in model.layers:
        if names is None or layer.name in names:
            for a, b in zip(layer.get_weights(), other.get_layer(layer.name).get_weights()):
                np.testing.assert_array_equal(a, b, err_msg=layer.name)


def started(source, recipe, split):
    """A network of a recipe, started from a run; with the names of the layers left afresh."""
    target = run_of("there need be no folder", recipe, split)
    model = runs.build_model(target)
    return model, runs.initialise(model, source, target)


def test_the_newest_checkpoint_is_restored(tmp_path, tiny_store):
    run = run_of(tmp_path / "run", TEMPORAL, tiny_store[1])
    runs.create(run)
    written, iteration = runs.build_model(run), tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=written, iteration=iteration)
    for number in (3, 7):
        iteration.assign(number)
        written.get_layer("conv1").bias.assign_add(tf.ones_like(written.get_layer("conv1").bias))
        checkpoint.save(f"{run.checkpoints}/ckpt")
    model, restored = runs.load_model(run)
    assert restored == 7
    assert_same(model, written)


def test_a_run_without_a_checkpoint_says_so(tmp_path, tiny_store):
    run = run_of(tmp_path / "run", SPATIAL, tiny_store[1])
    runs.create(run)
    assert runs.newest(run) is None
    with pytest.raises(
        runs.NoCheckpointError, match="must have a checkpoint. Received: .*, without one"
    ):
        runs.load_model(run)


def test_a_layer_that_the_checkpoint_lacks_is_an_error(tmp_path, tiny_store):
    tasks = tuple(task_of(tiny_store[1], name=name) for name in "abc")
    run = runs.Run(tmp_path / "run", TEMPORAL, tasks[:2])
    with_checkpoint(run)
    with pytest.raises(AssertionError, match="classes_c"):
        runs.load_model(dataclasses.replace(run, tasks=tasks))


def test_of_several_tasks_the_chosen_one_is_built(tmp_path, tiny_store):
    tasks = tuple(task_of(tiny_store[1], name=name) for name in "ab")
    run = runs.Run(tmp_path / "run", TEMPORAL, tasks, chosen=1)
    whole = with_checkpoint(run)
    model, _ = runs.load_model(run)
    assert model.output_shape == (None, 3)
    assert model.layers[-1].name == "classes_b"
    assert_same(model, whole)


def test_layers_of_one_shape_are_copied_and_others_start_afresh(tmp_path, tiny_store):
    source = run_of(tmp_path / "run", TEMPORAL, tiny_store[1])
    written = with_checkpoint(source)
    recipe = dataclasses.replace(TEMPORAL, stack_length=2, seed=1)
    model, fresh = started(source, recipe, tiny_store[1])
    assert fresh == ["conv1"]
    assert_same(model, written, {"conv2", "conv5", "full6", "full7", "classes"})


def test_other_classes_start_afresh_even_if_they_are_as_many(tmp_path, tiny_store):
    source = run_of(tmp_path / "run", TEMPORAL, tiny_store[1])
    with_checkpoint(source)
    other = dataclasses.replace(tiny_store[1], class_names=("a", "b", "c"))
    assert started(source, TEMPORAL, other)[1] == ["classes"]


def test_with_cross_modality_conv1_is_made_of_the_colours(tmp_path, tiny_store):
    source = run_of(tmp_path / "run", SPATIAL, tiny_store[1])
    kernel, bias = with_checkpoint(source).get_layer("conv1").get_weights()
    recipe = dataclasses.replace(TEMPORAL, init_from="run", cross_modality=True, seed=1)
    model, fresh = started(source, recipe, tiny_store[1])
    assert fresh == []
    wanted = (cross_modality.flow_kernel(kernel, 3), bias)
    for a, b in zip(model.get_layer("conv1").get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_of_which_no_layer_fits_is_refused(tmp_path, tiny_store):
    source = run_of(tmp_path / "run", dataclasses.replace(SPATIAL, width=0.1), tiny_store[1])
    with_checkpoint(source)
    with pytest.raises(recipes.StartError, match=r"Received: .*run \(spatial, width 0.1\)"):
        started(source, TEMPORAL, tiny_store[1])
