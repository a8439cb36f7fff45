"""The recipe of two towers that are joined."""

import pytest

from tf_twostream.paper import recipes

RUNS = {"spatial_run": "s", "temporal_run": "t"}


def test_defaults_are_the_papers():
    recipe = recipes.ConvFusionRecipe(**RUNS)
    assert (recipe.fusion, recipe.fusion_layer, recipe.fusion_init) == (
        "conv",
        ("relu5",),
        "identity",
    )
    assert (recipe.batch_size, recipe.learning_rate) == (96, 1e-3)
    assert recipe.dropout_of(recipes.SpatialRecipe()) == 0.85
    assert recipe.dropout_of(recipes.SpatialRecipe(architecture="efficientnet_lite0")) == 0.5
    assert (recipe.strides, recipe.snippets) == ((1, 10), 1)
    assert (recipe.iterations, recipe.drops) == (5_000, (2_000, 3_000, 4_000))
    rates = [recipe.learning_rate_at(at) for at in (0, 1_999, 2_000, 3_000, 4_000)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5, 1e-6])


def test_a_clip_has_five_snippets_where_they_are_joined():
    for way in ("2d_pool", "3d_pool", "3d_conv_3d_pool"):
        assert recipes.ConvFusionRecipe(**RUNS, temporal_fusion=way).snippets == 5
    assert recipes.ConvFusionRecipe(**RUNS, temporal_fusion="2d_pool", num_snippets=3).snippets == 3
    assert recipes.ConvFusionRecipe(**RUNS, snippet_stride="4").strides == (4, 4)


@pytest.mark.parametrize(
    ("knobs", "rule"),
    [
        ({"num_snippets": 5}, "`num_snippets` must be 1 where `temporal_fusion` is none"),
        ({"snippet_stride": "10:1"}, "LEAST:MOST"),
        ({"snippet_stride": "0:3"}, "`snippet_stride` must be a number of frames"),
        ({"snippet_stride": "1-3"}, "`snippet_stride` must be a number of frames"),
        ({"fusion_layer": ()}, "`fusion_layer` must name a layer"),
        ({"fusion": "bilinear", "keep_temporal_tower": True}, "keep_temporal_tower"),
        ({"fusion": "bilinear", "temporal_fusion": "3d_pool"}, "temporal_fusion"),
        ({"fusion": "bilinear", "fusion_layer": ("relu4", "relu5")}, "fusion_layer"),
        ({"fusion": "sum", "temporal_fusion": "3d_conv_3d_pool"}, "must go with `fusion` of conv"),
        ({"fusion": "product"}, "`fusion` must be"),
    ],
)
def test_what_contradicts_itself_is_refused(knobs, rule):
    with pytest.raises(ValueError, match=rule):
        recipes.ConvFusionRecipe(**RUNS, **knobs)


def test_a_recipe_without_towers_says_so():
    with pytest.raises(ValueError, match="must know its towers"):
        recipes.ConvFusionRecipe(**RUNS).crop_size  # noqa: B018
