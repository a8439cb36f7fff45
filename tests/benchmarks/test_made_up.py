"""Made-up batches are what `inputs` would yield."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import inputs, store
from tf_twostream.benchmarks import made_up
from tf_twostream.paper import recipes

SIZE = (48, 64)
TEMPORAL = recipes.TemporalRecipe(stack_length=2, crop_size=41, batch_size=2)


@pytest.mark.parametrize("stream", ["spatial", "temporal", "slow_fusion"])
def test_made_up_batches_are_such_as_the_input_graph_yields(tiny_store, stream):
    path, split = tiny_store
    recipe = recipes.RECIPES[stream](batch_size=9, crop_size=41)
    windows = inputs.Windows(store.Reader(path), split.train, recipe)
    real = inputs.training(windows).element_spec
    batch = made_up.batch(recipe, SIZE, num_classes=3)
    assert real.keys() - batch.keys() == {"video"}
    for name, tensor in batch.items():
        assert real[name].is_compatible_with(tensor), name
    assert set(batch["label"].numpy()) <= {0, 1, 2}


def test_they_are_the_same_each_time():
    batch, again = (made_up.batch(TEMPORAL, SIZE) for _ in range(2))
    for name, value in batch.items():
        np.testing.assert_array_equal(value, again[name])


def test_views_lie_inside_of_the_frame():
    recipe = dataclasses.replace(TEMPORAL, batch_size=50)
    views = made_up.batch(recipe, SIZE, num_views=10)["views"]
    top_left, flips = views[..., :2], views[..., 2]
    last = np.subtract(SIZE, recipe.crop_size)
    assert tf.reduce_all((top_left >= 0) & (top_left <= last))
    assert set(np.unique(flips)) == {0, 1}
