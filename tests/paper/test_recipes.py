"""All recipes, and how they are kept in a run folder."""

import json

import pytest

from tf_twostream.paper import recipes


@pytest.mark.parametrize(
    "recipe",
    [
        recipes.SpatialRecipe(width=0.5),
        recipes.TemporalRecipe(seed=3),
        recipes.TemporalRecipe(stacking="trajectory", bidirectional=True),
        recipes.TemporalRecipe(second_normalisation=True),
        recipes.SlowFusionRecipe(num_frames=10),
        recipes.ConvFusionRecipe(
            spatial_run="s",
            temporal_run="t",
            fusion_layer=("relu5", "logits"),
            spatial=recipes.SpatialRecipe(width=0.5),
            temporal=recipes.TemporalRecipe(stack_length=4),
        ),
    ],
)
def test_a_recipe_survives_json(recipe):
    kept = json.loads(json.dumps(recipe.to_json()))
    assert recipes.recipe_from_json(kept) == recipe


def test_a_recipe_from_before_there_was_a_choice_is_the_papers():
    values = recipes.TemporalRecipe(seed=3).to_json()
    del values["stacking"], values["bidirectional"], values["second_normalisation"]
    assert recipes.recipe_from_json(values) == recipes.TemporalRecipe(seed=3)


def test_a_stream_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="slow_fusion, conv_fusion. Received: 'depth'"):
        recipes.recipe_from_json({"stream": "depth"})
