"""Volumes are made of batches like those of the input graph, in every configuration."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from read_table import cells

from tf_twostream import inputs, store
from tf_twostream.benchmarks import volumes
from tf_twostream.paper import recipes

RECIPE = recipes.TemporalRecipe(stack_length=2, crop_size=41, batch_size=2)


def test_made_up_batches_are_such_as_the_input_graph_yields(tiny_store):
    path, split = tiny_store
    windows = inputs.Windows(store.Reader(path), split.train, RECIPE)
    real = inputs.training(windows).element_spec
    made_up = volumes._made_up_batch(RECIPE, 1)
    assert real.keys() - made_up.keys() == {"label", "video"}  # Of which no volume is made.
    for name, tensor in made_up.items():
        assert real[name].is_compatible_with(tensor), name


def test_views_lie_inside_of_the_frame():
    views = volumes._made_up_batch(dataclasses.replace(RECIPE, batch_size=50), 10)["views"]
    top_left, flips = views[..., :2], views[..., 2]
    last = np.subtract(volumes.SIZE, RECIPE.crop_size)
    assert tf.reduce_all((top_left >= 0) & (top_left <= last))
    assert set(np.unique(flips)) == {0, 1}


@pytest.mark.parametrize("bidirectional", [False, True])
def test_without_motion_both_stackings_give_the_same_volume(bidirectional):
    batch = volumes._made_up_batch(RECIPE, 1)
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
