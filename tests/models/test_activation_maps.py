"""Class activation maps: what they are, and where their places are."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tf_twostream import models
from tf_twostream.models import activation_maps
from tf_twostream.paper import recipes


def linear_network(rng, *, rows=4, columns=5, channels=3, classes=2):
    """A network whose stage is one of 1 x 1 without ReLU, and whose classes are sums over it."""
    inputs = keras.Input((rows, columns, 2))
    x = layers.Conv2D(channels, 1, name="stage")(inputs)
    model = keras.Model(inputs, layers.Dense(classes)(layers.Flatten()(x)))
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    return model


def test_the_map_of_a_linear_network_is_what_its_weights_say():
    rng = np.random.default_rng(0)
    model = linear_network(rng)
    kernel, bias, weights, _ = model.get_weights()
    inputs = rng.normal(size=(3, 4, 5, 2)).astype(np.float32)
    classes = np.array([1, 0, 1])
    activations = inputs @ kernel[0, 0] + bias
    for_class = np.moveaxis(weights.reshape(4, 5, 3, 2), -1, 0)[classes]
    wanted = np.maximum((np.maximum(for_class, 0) * activations).sum(-1), 0)
    maps = activation_maps.make_mapper(model, "stage")(tf.constant(inputs), tf.constant(classes))
    assert wanted.any() and not wanted.all()
    np.testing.assert_allclose(maps, wanted, rtol=1e-5, atol=1e-6)


def test_a_map_does_not_depend_on_its_batch():
    rng = np.random.default_rng(1)
    mapper = activation_maps.make_mapper(linear_network(rng), "stage")
    inputs, classes = rng.normal(size=(3, 4, 5, 2)).astype(np.float32), np.array([1, 0, 1])
    together = mapper(inputs, classes)
    for n in range(3):
        np.testing.assert_allclose(mapper(inputs[n : n + 1], classes[n : n + 1])[0], together[n])


# Of 224 pixels, by hand from the layer tables; of padding, half on each side.
CENTRES = {
    "cnn_m": 17 + 16 * np.arange(13),
    "vgg16": 3.5 + 8 * np.arange(28),
    "efficientnet_lite0": 7.5 + 16 * np.arange(14),
}


@pytest.mark.parametrize("name", sorted(CENTRES))
def test_places_are_in_the_middle_of_what_they_see(name):
    recipe = recipes.SpatialRecipe(architecture=name, width=0.05)
    with models.without_drawing():
        model = models.build(recipe, 2)
    stage = models.ARCHITECTURES[name].explained
    for places in activation_maps.centres(model, stage):
        np.testing.assert_array_equal(places, CENTRES[name])


def test_the_pixels_that_a_place_sees_are_around_its_centre():
    recipe = recipes.SpatialRecipe(width=0.1, crop_size=112)
    model = models.build(recipe, 2, frame=(112, 140))
    rows, columns = activation_maps.centres(model, "conv3")
    stage = keras.Model(model.input, model.get_layer("conv3").output)
    frames = np.random.default_rng(0).uniform(0, 255, (16, 112, 140, 3))
    frames = tf.constant(frames, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(frames)
        seen = tf.reduce_sum(stage(frames)[:, 2, 4])
    touched = np.abs(tape.gradient(seen, frames)).sum(axis=(0, 3)) > 0
    for axis, centre in ((1, rows[2]), (0, columns[4])):
        pixels = np.flatnonzero(touched.any(axis=axis))
        assert abs((pixels[0] + pixels[-1]) / 2 - centre) <= 2  # A few pixels win no maximum.


def test_each_architecture_names_the_stage_of_its_maps():
    for each in models.ARCHITECTURES.values():
        assert each.explained in each.stages


def test_networks_in_half_precision_have_maps_too():
    recipe = recipes.TemporalRecipe(
        width=0.1, crop_size=64, stack_length=1, precision="bfloat16", dropout_rate=0.0
    )
    mapper = activation_maps.make_mapper(models.build(recipe, 2), "conv3")
    maps = mapper(tf.random.stateless_normal([2, 64, 64, 2], [0, 1]), tf.constant([0, 1]))
    assert maps.dtype == tf.float32 and maps.shape == (2, 3, 3)
    assert np.isfinite(maps).all()
