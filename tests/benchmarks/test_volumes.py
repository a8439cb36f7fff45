"""Volumes are made of batches like those of the input graph, in every configuration."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from read_table import cells

from tf_twostream import inputs
from tf_twostream.benchmarks import made_up, volumes
from tf_twostream.paper import recipes

RECIPE = recipes.TemporalRecipe(stack_length=2, crop_size=41, batch_size=2)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_without_motion_both_stackings_give_the_same_volume(bidirectional):
    batch = made_up.batch(RECIPE, volumes.SIZE)
    batch["ranges"] = tf.zeros_like(batch["ranges"])
    plain, traced = (
        inputs.prepare(
            batch, dataclasses.replace(RECIPE, stacking=stacking, bidirectional=bidirectional)
        )
        for stacking in volumes.STACKINGS
    )
    np.testing.assert_array_equal(plain, traced)


def test_a_row_has_the_time_of_each_configuration():
    header, _, *rows = cells(volumes.measure(RECIPE, seconds=0.01))
    assert header == [
        "views", "flow", "flow, bi-directional", "trajectory", "trajectory, bi-directional"
    ]  # fmt: skip
    assert [row[0] for row in rows] == ["1", "10"]  # In training, and in testing.
    assert all(float(cell) >= 0 for row in rows for cell in row[1:])
