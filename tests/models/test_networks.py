"""Whole networks: their input, their precision, one classification layer or several."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import models, paper
from tf_twostream.paper import recipes

RECIPE = recipes.TemporalRecipe(crop_size=41, stack_length=2, width=0.05, dropout_rate=0.0)
CLASSES = {"ucf101": 5, "hmdb51": 3}


@pytest.fixture(scope="module")
def model():
    return models.build(RECIPE, CLASSES)


def test_each_task_has_its_own_last_layer_and_shares_all_others(model):
    single = models.build(RECIPE, 5)
    layers = [layer.name for layer in single.layers]
    assert layers[-1] == models.LAST_LAYER
    assert {layer.name for layer in model.layers} == {
        *layers[:-1],
        "classes_ucf101",
        "classes_hmdb51",
    }
    width = single.get_layer(models.LAST_LAYER).input.shape[-1]
    assert model.count_params() == single.count_params() + 3 * width + 3


def test_the_network_of_a_task_shares_its_weights(model):
    x = tf.random.stateless_normal([2, 41, 41, 4], [1, 2])
    logits = model(x)
    for task, count in CLASSES.items():
        part = models.of_task(model, task)
        assert part.output_shape == (None, count)
        np.testing.assert_array_equal(part(x), logits[task])
        assert part.get_layer("conv1") is model.get_layer("conv1")


def test_heads_start_from_different_weights():
    heads = models.build(RECIPE, {"a": 3, "b": 3})
    first, second = (heads.get_layer(f"classes_{task}").kernel.numpy() for task in "ab")
    assert np.abs(first - second).max() > 1e-3


def test_the_spatial_stream_can_learn_several_tasks_too():
    recipe = recipes.SpatialRecipe(crop_size=41, width=0.05)
    assert models.build(recipe, CLASSES).input_shape == (None, 41, 41, 3)


def test_a_task_of_one_class_is_refused():
    with pytest.raises(ValueError, match="two classes"):
        models.build(RECIPE, {"a": 3, "b": 1})


def test_the_mean_colour_is_zero_to_the_spatial_net():
    model = models.build(recipes.SpatialRecipe(width=0.05, crop_size=48), 2)
    mean = np.broadcast_to(np.float32(paper.RGB_MEAN), (1, 48, 48, 3))
    np.testing.assert_allclose(model.get_layer("subtract_mean")(mean), 0, atol=1e-5)


def test_bfloat16_keeps_variables_and_logits_in_float32():
    recipe = recipes.SpatialRecipe(precision="bfloat16", width=0.05, crop_size=48)
    model = models.build(recipe, 3)
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert model.get_layer("conv3").compute_dtype == "bfloat16"
    assert model(tf.zeros((1, 48, 48, 3))).dtype == tf.float32


def test_building_leaves_the_precision_of_others_alone():
    models.build(recipes.SpatialRecipe(precision="bfloat16", width=0.05, crop_size=48), 3)
    assert keras.layers.Dense(1).compute_dtype == "float32"
    with pytest.raises(ValueError, match="num_classes=1"):  # Nor where building fails.
        models.build(recipes.SpatialRecipe(precision="bfloat16", width=0.05, crop_size=48), 1)
    assert keras.layers.Dense(1).compute_dtype == "float32"


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="num_classes=1"):
        models.build(recipes.SpatialRecipe(width=0.05, crop_size=48), 1)


@pytest.mark.parametrize(
    "recipe",
    [
        recipes.SpatialRecipe(crop_size=64, width=0.05),
        recipes.TemporalRecipe(crop_size=64, width=0.05, stack_length=2),
        recipes.SlowFusionRecipe(crop_size=64, width=0.05, num_frames=8),
        recipes.SpatialRecipe(architecture="vgg16", crop_size=64, width=0.05),
        recipes.SpatialRecipe(architecture="efficientnet_lite0", crop_size=64, width=0.1),
    ],
    ids=lambda recipe: f"{recipe.stream}_{recipe.architecture}",
)
def test_a_dense_network_says_of_a_frame_what_the_network_says_of_its_crops_on_average(recipe):
    """Where it has no border: the grid of a frame, place by place, as that of a crop."""
    model = models.build(recipe, 4)
    frame = (64, 160)
    twin = models.as_dense(model, models.build(recipe, 4, frame=frame))
    x = np.random.default_rng(0).uniform(0, 255, (2, *frame, recipe.input_channels))
    body = models.architecture_of(recipe)
    if not body.chain:  # All of it is convolutional anyway, but for a mean over its grid.
        grid = keras.Model(twin.input, twin.get_layer("relu_head").output)(x)
        wanted = model.get_layer("classes")(np.mean(grid, axis=(1, 2)))
        np.testing.assert_allclose(twin(x), wanted, rtol=1e-3, atol=1e-4)
        return
    last = body.stages[-1].replace("conv", "pool")
    grid = keras.Model(twin.input, twin.get_layer(last).output)(x)
    above = keras.Model(model.get_layer(last).output, model.output)
    side = model.get_layer(last).output.shape[1]
    assert grid.shape[2] > side
    crops = [above(grid[:, :, left : left + side]) for left in range(grid.shape[2] - side + 1)]
    np.testing.assert_allclose(twin(x), np.mean(crops, axis=0), rtol=1e-3, atol=1e-4)
