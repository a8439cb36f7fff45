"""The network of two joined towers."""

import dataclasses
import gc

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import models
from tf_twostream.models import conv_fusion, networks
from tf_twostream.paper import recipes

SIZE = {"crop_size": 64, "width": 0.05}
SPATIAL = recipes.SpatialRecipe(**SIZE)
TEMPORAL = recipes.TemporalRecipe(stack_length=3, seed=1, **SIZE)
K = 4


def recipe_of(spatial=SPATIAL, temporal=TEMPORAL, **knobs):
    return recipes.ConvFusionRecipe(
        spatial_run="s", temporal_run="t", spatial=spatial, temporal=temporal, **knobs
    )


def clips(recipe, count=2):
    rng = np.random.default_rng(0)
    shape = (count, recipe.snippets, recipe.crop_size, recipe.crop_size)
    return {
        "rgb": rng.uniform(0, 255, (*shape, 3)).astype(np.float32),
        "volume": rng.normal(0, 1, (*shape, 2 * recipe.window_length)).astype(np.float32),
    }


def with_towers(recipe):
    """Builds a network whose towers are those of fresh networks; returns these, too."""
    model = conv_fusion.build(recipe, K)
    towers = [networks.build(tower, K) for tower in recipe.towers]
    for name, tower in zip(conv_fusion.TOWERS, towers):
        weights = {layer.name: layer.get_weights() for layer in tower.layers}
        conv_fusion.copy_tower(model, name, weights)
    return model, towers


def cut(tower, layer):
    return keras.Model(tower.input, tower.get_layer(layer).output)


def rest(tower, layer):
    return keras.Model(tower.get_layer(layer).output, tower.output)


def test_what_follows_the_fusion_is_the_rest_of_the_spatial_tower():
    recipe = recipe_of(fusion="sum")
    model, (spatial, temporal) = with_towers(recipe)
    batch = clips(recipe)
    a = cut(spatial, "conv5")(batch["rgb"][:, 0])
    b = cut(temporal, "conv5")(batch["volume"][:, 0])
    np.testing.assert_allclose(model(batch), rest(spatial, "conv5")(a + b), rtol=1e-4, atol=1e-5)


def test_two_fusions_follow_each_other_and_the_temporal_tower_goes_on_alone():
    recipe = recipe_of(fusion_layer=("relu3", "logits"), keep_temporal_tower=True)
    model, (spatial, temporal) = with_towers(recipe)
    batch = clips(recipe)
    a = cut(spatial, "conv3")(batch["rgb"][:, 0])
    b = cut(temporal, "conv3")(batch["volume"][:, 0])
    alone = temporal(batch["volume"][:, 0])
    joined = 0.25 * rest(spatial, "conv3")(0.25 * a + 0.75 * b) + 0.75 * alone
    outputs = model(batch)
    np.testing.assert_allclose(outputs["spatial"], joined, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs["temporal"], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", ["relu1", "relu5", "full6", "full7", "logits"])
def test_a_single_snippet_with_2d_pooling_is_no_temporal_fusion(layer):
    plain = recipe_of(fusion_layer=(layer,))
    pooled = recipe_of(fusion_layer=(layer,), temporal_fusion="2d_pool", num_snippets=1)
    batch = clips(plain)
    np.testing.assert_array_equal(with_towers(plain)[0](batch), with_towers(pooled)[0](batch))


def test_2d_pooling_averages_the_class_values_of_the_snippets():
    recipe = recipe_of(temporal_fusion="2d_pool", num_snippets=3)
    model, single = with_towers(recipe)[0], with_towers(recipe_of())[0]
    batch = clips(recipe)
    each = [single({name: x[:, t : t + 1] for name, x in batch.items()}) for t in range(3)]
    np.testing.assert_allclose(model(batch), np.mean(each, axis=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("way", ["3d_pool", "3d_conv_3d_pool"])
def test_3d_pooling_does_not_care_which_snippet_is_the_first(way):
    """A maximum over all of time; a bank over time does care for the order."""
    recipe = recipe_of(temporal_fusion=way, num_snippets=3, keep_temporal_tower=True)
    model, _ = with_towers(recipe)
    batch = clips(recipe)
    there, back = model(batch), model({name: x[:, ::-1] for name, x in batch.items()})
    np.testing.assert_allclose(there["temporal"], back["temporal"], rtol=1e-4, atol=1e-5)
    # The Gaussian start looks the same in both directions of time.
    np.testing.assert_allclose(there["spatial"], back["spatial"], rtol=1e-4, atol=1e-5)
    other = model({name: x[:, [0, 0, 2]] for name, x in batch.items()})
    assert not np.allclose(there["spatial"], other["spatial"])


def test_concatenated_channels_start_as_the_spatial_tower_alone():
    for layer in ("relu2", "relu5", "full6"):
        recipe = recipe_of(fusion="concatenation", fusion_layer=(layer,))
        model, (spatial, _) = with_towers(recipe)
        batch = clips(recipe)
        if layer == "relu2":  # Its channels are normalised with their neighbours.
            assert model(batch).shape == (2, K)
            continue
        wanted = spatial(batch["rgb"][:, 0])
        np.testing.assert_allclose(model(batch), wanted, rtol=1e-4, atol=1e-5)


LITE = {"architecture": "efficientnet_lite0", "crop_size": 64, "width": 0.1}


@pytest.mark.parametrize("layer", ["stage5_3_add", "logits"])
def test_towers_of_another_architecture_are_joined_at_its_stages(layer):
    spatial = recipes.SpatialRecipe(**LITE)
    temporal = recipes.TemporalRecipe(stack_length=3, seed=1, **LITE)
    recipe = recipe_of(spatial, temporal, fusion="sum", fusion_layer=(layer,))
    model, towers = with_towers(recipe)
    batch = clips(recipe)
    name = "classes" if layer == "logits" else layer
    a, b = (cut(tower, name)(x[:, 0]) for tower, x in zip(towers, (batch["rgb"], batch["volume"])))
    wanted = a + b if layer == "logits" else rest(towers[0], name)(a + b)
    np.testing.assert_allclose(model(batch), wanted, rtol=1e-3, atol=1e-4)


def test_towers_may_be_two_different_ones_even_of_unequal_grids():
    """As VGG-16's relu5_3, 14 x 14, with CNN-M's relu5, 13 x 13, at the paper's size."""
    vgg = recipes.SpatialRecipe(architecture="vgg16", crop_size=64, width=0.05)
    wide = dataclasses.replace(TEMPORAL, width=0.05)
    for layers in (("relu5_3:relu5",), ("relu5",)):
        recipe = recipe_of(vgg, wide, fusion_layer=layers)
        assert conv_fusion.points(recipe) == [("conv5_3", "conv5")]
        grids = [cut(networks.build(t, K), name).output_shape[1:3] for t, name in
                 zip(recipe.towers, ("conv5_3", "conv5"))]  # fmt: skip
        assert grids == [(4, 4), (3, 3)]
        assert with_towers(recipe)[0](clips(recipe)).shape == (2, K)


@pytest.mark.parametrize(
    ("knobs", "rule"),
    [
        ({"fusion_layer": ("relu6",)}, "must be one of relu1, .*, full6, full7, logits.*'relu6'"),
        ({"fusion_layer": ("logits", "relu5")}, "from the input on"),
        ({"fusion_layer": ("relu5", "relu5")}, "from the input on"),
        ({"fusion": "concatenation", "fusion_layer": ("logits",)}, "a layer that follows"),
        ({"fusion": "bilinear", "fusion_layer": ("full6",)}, "convolutional layers"),
        ({"temporal_fusion": "3d_conv_3d_pool", "fusion_layer": ("full6",)}, "convolutional"),
        ({"fusion_layer": ("relu5:stage1_1_norm_project",)}, "`fusion_layer` of CNN-M"),
        ({"fusion_layer": ("relu5:full6",)}, "grids of the same places"),
        ({"spatial": dataclasses.replace(SPATIAL, width=0.1), "fusion": "sum"}, "many channels"),
        ({"spatial": dataclasses.replace(SPATIAL, crop_size=80)}, "the same `crop_size`"),
    ],
)
def test_what_cannot_be_joined_is_refused(knobs, rule):
    with pytest.raises(recipes.LayersError, match=rule):
        conv_fusion.build(recipe_of(**knobs), K)


def trainable(model):
    """Names the layers that learn: of the fusion, and TOWER/LAYER."""
    names = {layer.name for layer in model.layers if layer.name.startswith("fusion")}
    for tower in conv_fusion.TOWERS:
        for section in conv_fusion.sections(model, tower):
            names |= {f"{tower}/{x.name}" for x in section.layers if x.trainable_weights}
    return names


FULL = {"full6", "full7", "classes"}
CONVOLUTIONS = {f"conv{n}" for n in range(1, 6)}


@pytest.mark.parametrize(
    ("knobs", "spatial", "temporal"),
    [
        ({}, FULL, set()),
        ({"keep_temporal_tower": True}, FULL, FULL),
        ({"fusion_layer": ("relu4",)}, {"conv5"} | FULL, set()),
        ({"fusion_layer": ("relu3", "full6")}, {"conv4", "conv5"} | FULL,
         {"conv4", "conv5", "full6"}),
        ({"train_from_layer": "relu4"}, {"conv4", "conv5"} | FULL, {"conv4", "conv5"}),
        ({"train_from_layer": "full6:relu5"}, FULL, {"conv5"}),
        ({"train_from_layer": "relu1"}, CONVOLUTIONS | FULL, CONVOLUTIONS),
    ],
)  # fmt: skip
def test_gradients_reach_the_layers_named_and_no_other(knobs, spatial, temporal):
    recipe = recipe_of(**knobs)
    model = conv_fusion.build(recipe, K)
    conv_fusion.freeze(model, recipe)
    banks = {f"fusion_{point[0]}" for point in conv_fusion.points(recipe)}
    wanted = {f"spatial/{n}" for n in spatial} | {f"temporal/{n}" for n in temporal} | banks
    assert trainable(model) == wanted
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(model(clips(recipe), training=True))
        loss = tf.add_n([tf.reduce_sum(logits**2) for logits in outputs])
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    assert None not in gradients
    assert len(model.trainable_variables) == 2 * len(wanted)


def test_batch_normalisations_of_towers_keep_their_statistics():
    temporal = recipes.TemporalRecipe(stack_length=3, init_from="x", **LITE)
    recipe = recipe_of(recipes.SpatialRecipe(**LITE), temporal, fusion_layer=("stage6_4_add",))
    model = conv_fusion.build(recipe, K)
    before = [v.numpy() for v in model.variables if v.name.startswith("moving")]
    model(clips(recipe), training=True)
    after = [v.numpy() for v in model.variables if v.name.startswith("moving")]
    assert len(before) > 50
    for old, new in zip(before, after):
        np.testing.assert_array_equal(old, new)


def test_whole_frames_of_the_size_of_a_crop_give_the_same_class_values():
    recipe = recipe_of(temporal_fusion="3d_conv_3d_pool", num_snippets=2, keep_temporal_tower=True)
    model, _ = with_towers(recipe)
    twin = models.as_dense(model, conv_fusion.build(recipe, K, frame=(64, 64)))
    for one, other in zip(*(tf.nest.flatten(m(clips(recipe))) for m in (model, twin))):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    wide = models.as_dense(model, conv_fusion.build(recipe, K, frame=(64, 100)))
    assert wide({n: np.zeros((1, 2, 64, 100, c)) for n, c in (("rgb", 3), ("volume", 6))}).keys()


def test_towers_of_unequal_grids_see_frames_that_are_wider_than_crops():
    """Of 256 x 341 pixels VGG-16 has 16 x 22 places where CNN-M has 15 x 20."""
    vgg = recipes.SpatialRecipe(architecture="vgg16", width=0.02)
    recipe = recipe_of(vgg, recipes.TemporalRecipe(width=0.04, stack_length=1))
    assert conv_fusion.build(recipe, K, frame=(256, 341)).output_shape == (None, K)


def test_filters_over_time_may_be_followed_by_another_fusion():
    recipe = recipe_of(
        temporal_fusion="3d_conv_3d_pool", num_snippets=2, fusion_layer=("relu5", "full6", "logits")
    )
    for frame in (None, (64, 100)):
        model = conv_fusion.build(recipe, K, frame=frame)
        banks = [len(x.kernel.shape) for x in model.layers if x.name.startswith("fusion")]
        assert banks == [5, 2, 2]


def test_half_precision_is_that_of_the_banks_too():
    model = conv_fusion.build(recipe_of(precision="bfloat16"), K)
    assert model.get_layer("fusion_conv5").compute_dtype == "bfloat16"


def test_no_layer_stays_in_memory_that_the_network_does_not_have():
    gc.collect()
    before = {id(x) for x in gc.get_objects() if isinstance(x, keras.layers.Dense)}
    model = conv_fusion.build(recipe_of(), K)
    gc.collect()
    made = [
        x for x in gc.get_objects() if isinstance(x, keras.layers.Dense) and id(x) not in before
    ]
    assert len(made) == 4 and model  # The bank, and those of one tower.
