"""Each architecture that a recipe may name is there."""

import typing

import pytest

from tf_twostream import models
from tf_twostream.paper import recipes


def test_recipes_name_all_architectures_and_no_other():
    assert set(typing.get_args(recipes.Body)) == set(models.ARCHITECTURES)


@pytest.mark.parametrize("name", sorted(models.ARCHITECTURES))
def test_a_recipe_leads_to_its_architecture(name):
    recipe = recipes.SpatialRecipe(architecture=name)
    assert models.architecture_of(recipe) is models.ARCHITECTURES[name]


def test_slow_fusion_has_the_papers_body_alone():
    with pytest.raises(ValueError, match="cnn_m. Received: architecture=vgg16"):
        recipes.SlowFusionRecipe(architecture="vgg16")
