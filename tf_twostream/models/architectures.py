"""The bodies that a network may have, by the name that `--architecture` gives them."""

from tf_twostream.models import cnn_m, efficientnet_lite, vgg16
from tf_twostream.models.architecture import Architecture
from tf_twostream.paper import recipes

ARCHITECTURES: dict[str, Architecture] = {
    "cnn_m": cnn_m.ARCHITECTURE,
    "vgg16": vgg16.ARCHITECTURE,
    **efficientnet_lite.ARCHITECTURES,
}


def architecture_of(recipe: recipes.TowerRecipe) -> Architecture:
    """Returns the architecture of a recipe."""
    return ARCHITECTURES[recipe.architecture]
