"""VGG-16 is configuration D of its paper."""

import numpy as np
import pytest

from tf_twostream import models
from tf_twostream.paper import recipes


@pytest.fixture(scope="module")
def network():
    return models.build(recipes.SpatialRecipe(architecture="vgg16"), 1000)


def test_the_number_of_weights_is_exact(network):
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == 138_357_544


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("conv1_2", (224, 224, 64)),
        ("pool2_2", (56, 56, 128)),
        ("conv5_3", (14, 14, 512)),
        ("pool5_3", (7, 7, 512)),
        ("full7", (4096,)),
    ],
)
def test_layers_have_the_papers_shapes(network, layer, shape):
    assert network.get_layer(layer).output.shape == (None, *shape)


def test_nothing_is_normalised(network):
    assert not [layer.name for layer in network.layers if "norm" in layer.name]
