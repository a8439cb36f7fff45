"""CNN-M-2048 as the paper has it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import models, paper
from tf_twostream.paper import recipes


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.fixture(scope="module")
def networks():
    return {
        "spatial": models.build(recipes.SpatialRecipe(), 101),
        "temporal": models.build(recipes.TemporalRecipe(stack_length=10), 101),
    }


@pytest.mark.parametrize(("stream", "count"), [("spatial", 90_627_813), ("temporal", 90_707_781)])
def test_the_number_of_weights_is_exact(networks, stream, count):
    assert trainable(networks[stream]) == count


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("conv1", (109, 109, 96)),
        ("pool1", (54, 54, 96)),
        ("conv2", (26, 26, 256)),
        ("pool2", (13, 13, 256)),
        ("conv3", (13, 13, 512)),
        ("conv4", (13, 13, 512)),
        ("conv5", (13, 13, 512)),
        ("pool5", (6, 6, 512)),
        ("full6", (4096,)),
        ("full7", (2048,)),
        ("classes", (101,)),
    ],
)
@pytest.mark.parametrize("stream", ["spatial", "temporal"])
def test_every_layer_has_the_papers_shape(networks, stream, layer, shape):
    assert networks[stream].get_layer(layer).output.shape == (None, *shape)


def test_only_the_temporal_net_goes_without_the_second_normalisation(networks):
    normalised = {
        stream: [layer.name for layer in net.layers if layer.name.startswith("norm")]
        for stream, net in networks.items()
    }
    assert normalised == {"spatial": ["norm1", "norm2"], "temporal": ["norm1"]}


def test_a_second_normalisation_is_all_that_its_knob_adds():
    knobs = {"width": 0.05, "crop_size": 48, "stack_length": 2, "seed": 3}
    without, with_it = (
        models.build(recipes.TemporalRecipe(second_normalisation=chosen, **knobs), 3)
        for chosen in (False, True)
    )
    names = [[layer.name for layer in model.layers] for model in (without, with_it)]
    assert set(names[1]) - set(names[0]) == {"norm2"}
    assert [name for name in names[1] if name != "norm2"] == names[0]
    assert names[1].index("norm2") == names[1].index("conv2") + 1
    for a, b in zip(without.get_weights(), with_it.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_second_normalisation_is_computed_before_pooling():
    model = models.build(
        recipes.TemporalRecipe(width=0.05, crop_size=91, stack_length=1, second_normalisation=True),
        2,
    )
    volume = np.random.default_rng(0).normal(0, 500, (1, 91, 91, 2)).astype(np.float32)
    outputs = [model.get_layer(name).output for name in ("conv2", "pool2")]
    conv2, pool2 = keras.Model(model.input, outputs)(volume)
    normalised = tf.nn.local_response_normalization(conv2, **paper.LRN)
    assert np.abs(normalised - conv2 * 2**-0.75).max() > 0.1  # Else the sum of squares is nothing.
    wanted = tf.nn.max_pool2d(normalised, 3, 2, "SAME")
    np.testing.assert_allclose(pool2, wanted, rtol=1e-5)


def test_pooling_rounds_up_without_changing_maxima():
    model = models.build(recipes.SpatialRecipe(width=0.05), 2)
    pool = model.get_layer("pool2")
    probe = tf.random.stateless_uniform((1, 26, 26, 13), [0, 1])
    padded = model.get_layer("pool2_padding")(probe)
    result = pool(padded).numpy()
    for row, column in ((0, 0), (6, 12), (12, 12)):
        window = probe[0, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3].numpy()
        np.testing.assert_allclose(result[0, row, column], window.max((0, 1)))


def test_the_width_scales_hidden_layers_and_not_the_classes():
    model = models.build(recipes.TemporalRecipe(stack_length=3, width=0.25), 7)
    assert model.input_shape == (None, 224, 224, 6)
    assert model.get_layer("conv1").filters == 24
    assert model.get_layer("full7").units == 512
    assert model.output_shape == (None, 7)


def test_the_seed_decides_the_weights():
    first, same, other = (
        models.build(recipes.SpatialRecipe(width=0.05, crop_size=48, seed=seed), 2)
        for seed in (1, 1, 2)
    )
    for a, b, c in zip(first.get_weights(), same.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)
        assert a.ndim < 2 or not np.array_equal(a, c)
