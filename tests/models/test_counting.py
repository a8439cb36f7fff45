"""What networks weigh, and what they cost to compute."""

import dataclasses

import keras
import numpy as np
import pytest

from tf_twostream import models
from tf_twostream.models import conv_fusion, counting, networks
from tf_twostream.paper import recipes

SIZE = {"crop_size": 64, "width": 0.1}
SPATIAL = recipes.SpatialRecipe(**SIZE)
TEMPORAL = recipes.TemporalRecipe(stack_length=3, **SIZE)
K = 5


def joined(num_snippets=None, **knobs):
    recipe = recipes.ConvFusionRecipe(
        spatial_run="s",
        temporal_run="t",
        spatial=SPATIAL,
        temporal=TEMPORAL,
        num_snippets=num_snippets,
        **knobs,
    )
    return conv_fusion.build(recipe, K)


def by_hand(model, start="", end=""):
    """The multiply-adds of the convolutions and dense layers of a plain network."""
    total, counts = 0, not start
    for layer in model.layers:
        if counts and isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            total += np.prod(layer.output.shape[1:]) * np.prod(layer.kernel.shape[:-1])
        counts = layer.name == start or (counts and layer.name != end)
    return total


def test_a_plain_network_costs_what_its_layers_cost():
    for recipe in (SPATIAL, TEMPORAL):
        model = networks.build(recipe, K)
        assert counting.multiply_adds(model) == by_hand(model)
        assert counting.parameters(model) == sum(np.prod(w.shape) for w in model.get_weights())


def test_depthwise_filters_see_one_channel():
    x = keras.Input((6, 6, 3))
    y = keras.layers.DepthwiseConv2D(3)(x)
    assert counting.multiply_adds(keras.Model(x, y)) == 4 * 4 * 3 * 9


def test_two_tasks_share_a_body():
    model = networks.build(SPATIAL, {"a": 3, "b": 4})
    alone = [networks.build(SPATIAL, count) for count in (3, 4)]
    features = model.get_layer("full7").units
    assert counting.multiply_adds(model) == by_hand(alone[0]) + 4 * features


def test_towers_and_bank_count_once_for_each_snippet():
    """After a 3D pooling over all of time, what follows is computed once."""
    spatial, temporal = (networks.build(recipe, K) for recipe in (SPATIAL, TEMPORAL))
    below = by_hand(spatial, end="conv5") + by_hand(temporal, end="conv5")
    grid, channels = (spatial.get_layer("conv5").output.shape[n] for n in (1, 3))
    bank = grid**2 * 2 * channels * channels
    above = by_hand(spatial, start="conv5")
    assert counting.multiply_adds(joined()) == below + bank + above
    for snippets in (2, 3):
        pooled = joined(snippets, temporal_fusion="2d_pool")
        assert counting.multiply_adds(pooled) == snippets * (below + bank + above)
        pooled = joined(snippets, temporal_fusion="3d_pool")
        assert counting.multiply_adds(pooled) == snippets * (below + bank) + above
        dense = joined(snippets, temporal_fusion="3d_conv_3d_pool", keep_temporal_tower=True)
        wanted = snippets * (below + 27 * bank) + above + by_hand(temporal, start="conv5")
        assert counting.multiply_adds(dense) == wanted


def test_outer_products_count():
    model, plain = joined(fusion="bilinear"), joined(fusion="sum")
    spatial = networks.build(SPATIAL, K)
    grid, channels = (spatial.get_layer("conv5").output.shape[n] for n in (1, 3))
    below = counting.multiply_adds(plain) - by_hand(spatial, start="conv5")
    assert counting.multiply_adds(model) == below + (grid**2 + K) * channels**2


@pytest.mark.parametrize(
    ("way", "weights"), [("2d_pool", 512 * 1024 + 512), ("3d_conv_3d_pool", 14_156_288)]
)
def test_banks_of_full_size_have_as_many_weights_as_we_count_by_hand(way, weights):
    towers = (recipes.SpatialRecipe(), recipes.TemporalRecipe())
    recipe = recipes.ConvFusionRecipe(
        spatial_run="s", temporal_run="t", spatial=towers[0], temporal=towers[1]
    )
    with models.without_drawing():
        counts = [
            counting.parameters(conv_fusion.build(one, 101))
            for one in (
                dataclasses.replace(recipe, temporal_fusion=way),
                dataclasses.replace(recipe, fusion="sum"),
            )
        ]
    assert counts[0] - counts[1] == weights
