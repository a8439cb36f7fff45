"""A network in training: its knobs, its batches and what its checkpoints bring back."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import inputs, paper, runs, store, training

RECIPE = paper.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=4, num_iterations=4, dropout_rate=0.0
)


@pytest.fixture
def trainer(tiny_store, tmp_path):
    reader = store.Reader(tiny_store[0])
    run = runs.Run(tmp_path / "run", RECIPE, tiny_store[1], reader.settings)
    effort = training.Effort(run_dir=str(run.path))

    def make():
        return training.make_trainer(run, effort, tf.distribute.get_strategy())

    make.reader = reader
    make.split = tiny_store[1]
    return make


def test_its_batches_begin_where_it_stands(trainer):
    standing = trainer()
    standing.iteration.assign(2)
    stream = inputs.training(trainer.reader, trainer.split.train, RECIPE)
    wanted = itertools.islice(stream, 2, 4)
    for batch, other in zip(training.batches(standing, [trainer.reader]), wanted):
        for name in other:
            np.testing.assert_array_equal(batch[name], other[name])


def test_a_checkpoint_brings_back_all_that_decides_the_next_step(trainer):
    first = trainer()
    stream = training.batches(first, [trainer.reader])
    first.step(next(stream))
    first.iteration.assign(1)
    first.manager.save(checkpoint_number=1)
    second = trainer()
    assert int(second.iteration) == 1
    batch = next(stream)
    for both in (first, second):
        both.step(batch)
    for own, other in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"chunk_size": -1}, "`chunk_size` counts samples, or is 0 for all. Received: -1"),
        ({"log_every": 0}, "`log_every` counts iterations, at least 1. Received: 0"),
        ({"deterministic": True, "jit_compile": True}, "no deterministic gradient of max-pooling"),
    ],
)
def test_what_cannot_be_meant_is_refused(knobs, message):
    with pytest.raises(ValueError, match=message):
        training.Effort(run_dir="r", **knobs)
