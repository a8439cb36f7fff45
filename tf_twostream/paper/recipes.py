"""All recipes by the name of their stream, what they ask of frames, how a run folder has them."""

from typing import Any

from tf_twostream.paper.fusion_recipe import ConvFusionRecipe, LayersError
from tf_twostream.paper.recipe import (
    CACHED_DRAWS,
    IMAGENET,
    Balance,
    Body,
    Kind,
    Recipe,
    StartError,
    TowerRecipe,
)
from tf_twostream.paper.streams import SlowFusionRecipe, SpatialRecipe, TemporalRecipe

__all__ = [
    "CACHED_DRAWS",
    "IMAGENET",
    "RECIPES",
    "Balance",
    "Body",
    "ConvFusionRecipe",
    "CropError",
    "Kind",
    "LayersError",
    "Recipe",
    "SlowFusionRecipe",
    "SpatialRecipe",
    "StartError",
    "TemporalRecipe",
    "TowerRecipe",
    "check_crop",
    "recipe_from_json",
]

RECIPES: dict[str, type[Recipe]] = {
    recipe.stream: recipe
    for recipe in (SpatialRecipe, TemporalRecipe, SlowFusionRecipe, ConvFusionRecipe)
}


class CropError(ValueError):
    """The network's input is larger than the frames."""


def check_crop(recipe: Recipe, shorter_side: int) -> None:
    """Checks that the input of a network fits into frames or images.

    Args:
        recipe: The recipe of the network.
        shorter_side: The shorter side of the frames or images in pixels.

    Raises:
        CropError: If it does not.
    """
    if recipe.crop_size > shorter_side:
        rule = f"must not exceed the shorter side of the frames, {shorter_side} pixels"
        raise CropError(f"`crop_size` {rule}. Received: crop_size={recipe.crop_size}.")


def recipe_from_json(values: dict[str, Any]) -> Recipe:
    """Makes the recipe of which `Recipe.to_json` returned the values.

    Args:
        values: The dictionary; a knob that it lacks has its default.

    Raises:
        ValueError: If there is no such stream.
    """
    # Runs that are older than a knob were trained with what is its default now.
    stream = values["stream"]
    if stream not in RECIPES:
        raise ValueError(f"A stream must be one of {', '.join(RECIPES)}. Received: {stream!r}.")
    # JSON has lists for tuples, and dictionaries for the recipes of towers.
    kept: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name != "stream"
    }
    kept |= {
        name: recipe(**kept[name])
        for name, recipe in (("spatial", SpatialRecipe), ("temporal", TemporalRecipe))
        if kept.get(name)
    }
    return RECIPES[stream](**kept)
