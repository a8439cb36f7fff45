"""What a checkpoint holds, and what is not worth one."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from trained import run_of

from tf_twostream import inputs, runs, store
from tf_twostream.paper import recipes
from tf_twostream.training import monitoring, steps
from tf_twostream.training.checkpoints import KEPT, Checkpoints

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=4, num_iterations=4, dropout_rate=0.5
)


@pytest.fixture
def training(tiny_store, tmp_path):
    """Makes a network in training, from the newest checkpoint of its run."""
    run = run_of(tmp_path / "run", RECIPE, tiny_store[1])

    def make():
        model = runs.build_model(run)
        optimizer = steps.make_optimizer(RECIPE, model.trainable_variables)
        strategy = tf.distribute.get_strategy()
        heads = [steps.Head(model, RECIPE.batch_size)]
        step = steps.make_step(heads, model.trainable_variables, optimizer, RECIPE)
        checkpoints = Checkpoints(run, model, optimizer, strategy)
        return model, checkpoints, tf.function(step)

    make.run = run
    return make


def test_a_checkpoint_brings_back_all_that_decides_the_next_step(training, tiny_store):
    windows = inputs.Windows(store.Reader(tiny_store[0]), tiny_store[1].train, RECIPE)
    first_batch, second_batch = inputs.training(windows).take(2)
    model, checkpoints, step = training()
    step((first_batch,))
    checkpoints.save(1)
    other, restored, other_step = training()
    assert restored.restore() == 1
    for each in (step, other_step):  # Momentum and dropout masks decide, too.
        each((second_batch,))
    for own, its in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(own, its, rtol=0, atol=1e-7)


def test_a_fresh_run_stands_before_its_first_iteration(training):
    assert training()[1].restore() == 0


def test_only_the_newest_are_kept(training):
    checkpoints = training()[1]
    for iteration in (5, 10, 15):
        checkpoints.save(iteration)
    kept = {path.stem for path in training.run.path.glob("checkpoints/*.index")}
    assert kept == {"ckpt-10", "ckpt-15"} and len(kept) == KEPT


def test_a_training_goes_on_from_the_older_one_where_the_newest_is_damaged(training):
    checkpoints = training()[1]
    for iteration in (5, 10):
        checkpoints.save(iteration)
    [data] = training.run.path.glob("checkpoints/ckpt-10.data*")
    data.write_bytes(data.read_bytes()[:100])
    again = training()[1]
    assert again.restore() == 5
    again.save(8)  # The damaged one is of no use any more.
    kept = {path.stem for path in training.run.path.glob("checkpoints/*.index")}
    assert kept == {"ckpt-5", "ckpt-8"}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_not_saved(training, value):
    model, checkpoints, _ = training()
    model.trainable_variables[0].assign(model.trainable_variables[0] * value)
    with pytest.raises(monitoring.NotFiniteError, match="no longer finite after iteration 7"):
        checkpoints.save(7)
    assert runs.newest(training.run) is None and checkpoints.restore() == 0


def test_a_checkpoint_of_another_network_is_not_taken(training, tiny_store):
    training()[1].save(1)
    wider = dataclasses.replace(RECIPE, width=0.1)
    run = run_of(training.run.path, wider, tiny_store[1])
    model = runs.build_model(run)
    optimizer = steps.make_optimizer(wider, model.trainable_variables)
    with pytest.raises(ValueError, match="shape"):
        Checkpoints(run, model, optimizer, tf.distribute.get_strategy()).restore()
