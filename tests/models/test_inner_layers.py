"""The outputs of layers, by name."""

import keras
import numpy as np
import pytest

from tf_twostream import models
from tf_twostream.models import conv_fusion, inner_layers, networks
from tf_twostream.paper import recipes

SIZE = {"crop_size": 64, "width": 0.05}
SPATIAL = recipes.SpatialRecipe(**SIZE)
TEMPORAL = recipes.TemporalRecipe(stack_length=3, seed=1, **SIZE)


def joined(**knobs):
    """A joined network with towers of fresh weights; its recipe, and the towers."""
    recipe = recipes.ConvFusionRecipe(
        spatial_run="s",
        temporal_run="t",
        spatial=SPATIAL,
        temporal=TEMPORAL,
        num_snippets=2,
        temporal_fusion="2d_pool",
        **knobs,
    )
    model = conv_fusion.build(recipe, 4)
    towers = [networks.build(tower, 4) for tower in recipe.towers]
    for name, tower in zip(conv_fusion.TOWERS, towers):
        known = {layer.name: layer.get_weights() for layer in tower.layers}
        conv_fusion.copy_tower(model, name, known)
    return model, recipe, towers


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    return {
        "rgb": rng.uniform(0, 255, (3, 2, 64, 64, 3)).astype(np.float32),
        "volume": rng.normal(0, 1, (3, 2, 64, 64, 6)).astype(np.float32),
    }


def test_a_network_is_cut_behind_a_layer():
    model = models.build(SPATIAL, 4)
    frames = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    full7 = inner_layers.up_to(model, SPATIAL, "full7")(frames)
    logits = model.get_layer("classes")(full7)
    np.testing.assert_allclose(logits, model(frames), rtol=1e-5, atol=1e-6)
    assert inner_layers.up_to(model, SPATIAL, "pool5")(frames).shape == (2, 1, 1, 26)
    assert inner_layers.up_to(model, SPATIAL, "logits") is model


def test_the_rest_of_a_joined_network_follows_a_layer_of_its_spatial_tower(clips):
    model, recipe, (spatial, _) = joined(fusion="sum")
    full7 = inner_layers.up_to(model, recipe, "full7")(clips)
    assert full7.shape[0] == 6  # Each snippet has its own.
    logits = spatial.get_layer("classes")(full7).numpy().reshape(3, 2, 4).mean(axis=1)
    np.testing.assert_allclose(logits, model(clips), rtol=1e-4, atol=1e-5)


def test_layers_of_the_temporal_tower_are_named_so(clips):
    model, recipe, (_, temporal) = joined(fusion="conv")
    conv5 = inner_layers.up_to(model, recipe, "temporal/conv5")(clips)
    own = keras.Model(temporal.input, temporal.get_layer("conv5").output)
    volumes = clips["volume"].reshape(6, 64, 64, 6)
    np.testing.assert_allclose(conv5, own(volumes), rtol=1e-4, atol=1e-5)
    assert inner_layers.up_to(model, recipe, "fusion_conv5")(clips).shape == conv5.shape


def test_an_unknown_layer_is_answered_by_those_that_there_are():
    model, recipe, _ = joined(fusion="conv")
    known = "conv1, .*full6, full7, temporal/conv1, .*temporal/conv5, fusion_conv5, logits, or"
    with pytest.raises(inner_layers.UnknownLayerError, match=f"{known}.*'full8'"):
        inner_layers.up_to(model, recipe, "full8")


def test_the_last_layer_before_the_classes_is_that_of_the_architecture():
    lite = recipes.SpatialRecipe(architecture="efficientnet_lite0", width=0.1, crop_size=32)
    with models.without_drawing():
        model = models.build(lite, 4)
    assert inner_layers.last_before_classes(model, lite) == "features"
    model, recipe, _ = joined(fusion="bilinear")
    name = inner_layers.last_before_classes(model, recipe)
    width = inner_layers.up_to(model, recipe, name).output.shape[-1]
    assert model.get_layer("classes").kernel.shape[0] == width
