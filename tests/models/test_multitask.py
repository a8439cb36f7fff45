"""One body, several classification layers."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import paper
from tf_twostream.models import cnn_m, multitask

RECIPE = paper.TemporalRecipe(crop_size=41, stack_length=2, width=0.05, dropout_rate=0.0)
CLASSES = {"ucf101": 5, "hmdb51": 3}


@pytest.fixture(scope="module")
def model():
    return multitask.build(RECIPE, CLASSES)


def test_each_task_has_its_own_last_layer_and_shares_all_others(model):
    single = cnn_m.build(RECIPE, 5)
    layers = [layer.name for layer in single.layers]
    assert layers[-1] == cnn_m.LAST_LAYER
    assert {layer.name for layer in model.layers} == {
        *layers[:-1],
        "classes_ucf101",
        "classes_hmdb51",
    }
    width = single.get_layer(cnn_m.LAST_LAYER).input.shape[-1]
    assert model.count_params() == single.count_params() + 3 * width + 3


def test_the_network_of_a_task_shares_its_weights(model):
    x = tf.random.stateless_normal([2, 41, 41, 4], [1, 2])
    logits = model(x)
    for task, count in CLASSES.items():
        part = multitask.of_task(model, task)
        assert part.output_shape == (None, count)
        np.testing.assert_array_equal(part(x), logits[task])
        assert part.get_layer("conv1") is model.get_layer("conv1")


def test_heads_start_from_different_weights():
    heads = multitask.build(RECIPE, {"a": 3, "b": 3})
    first, second = (heads.get_layer(f"classes_{task}").kernel.numpy() for task in "ab")
    assert np.abs(first - second).max() > 1e-3


def test_the_spatial_stream_can_learn_several_tasks_too():
    recipe = paper.SpatialRecipe(crop_size=41, width=0.05)
    assert multitask.build(recipe, CLASSES).input_shape == (None, 41, 41, 3)


def test_a_task_of_one_class_is_refused():
    with pytest.raises(ValueError, match="two classes"):
        multitask.build(RECIPE, {"a": 3, "b": 1})
