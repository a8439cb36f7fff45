"""Colour filters as flow filters."""

import numpy as np
import pytest

from tf_twostream import models, paper
from tf_twostream.models import cross_modality
from tf_twostream.paper import recipes

COLOURS = np.random.default_rng(0).normal(size=(7, 7, 3, 96)).astype(np.float32)


def test_every_flow_channel_gets_the_mean_over_the_colours():
    kernel = cross_modality.flow_kernel(COLOURS, 10)
    assert kernel.shape == (7, 7, 20, 96) and kernel.dtype == np.float32
    for channel in range(20):
        np.testing.assert_array_equal(kernel[:, :, channel], kernel[:, :, 0])
    ratio = kernel[:, :, 0] / COLOURS.mean(axis=2)
    np.testing.assert_allclose(ratio, ratio[0, 0, 0], rtol=1e-4)


@pytest.mark.parametrize("bound", [20.0, 15.0])
def test_flow_gives_what_its_grey_level_images_would(bound):
    """Grey levels 127.5 + 255 d / (2 bound), less 127.5, in each colour of the spatial network."""
    flow = np.random.default_rng(1).uniform(-bound, bound, (1, 41, 41, 2)).astype(np.float32)
    rgb_net = models.build(recipes.SpatialRecipe(width=0.05, crop_size=41), 2)
    flow_net = models.build(recipes.TemporalRecipe(width=0.05, crop_size=41, stack_length=1), 2)
    kernel, bias = rgb_net.get_layer("conv1").get_weights()
    bias = bias + 0.1
    rgb_net.get_layer("conv1").set_weights([kernel, bias])
    inflated = cross_modality.flow_kernel(kernel, 1, bound=bound)
    flow_net.get_layer("conv1").set_weights([inflated, bias])
    # The sum of both channels, as one grey image; conv1 is linear up to its ReLU.
    grey = flow.sum(axis=-1, keepdims=True) * 255 / (2 * bound) / 3
    rgb = grey + np.float32(paper.RGB_MEAN)
    wanted = rgb_net.get_layer("conv1")(rgb_net.get_layer("subtract_mean")(rgb))
    np.testing.assert_allclose(flow_net.get_layer("conv1")(flow), wanted, atol=1e-4)


def test_a_kernel_that_is_not_for_colours_is_refused():
    with pytest.raises(ValueError, match=r"spatial network. Received: shape \(7, 7, 20, 96\)"):
        cross_modality.flow_kernel(np.zeros((7, 7, 20, 96)), 10)
