"""Finds what a layer gives by the layer's name, in networks of one tower and of two.

The layers of the towers of a joined network (`conv_fusion`) lie in sections. Those of the spatial
tower, which also follow the fusion, have their own names, such as full7; those of the temporal
tower are called temporal/full7.
"""

from typing import Any

import keras

from tf_twostream.models import conv_fusion
from tf_twostream.models.architectures import architecture_of
from tf_twostream.paper import recipes

LOGITS = "logits"  # The output of a network; of one that keeps two towers, the mean of both.


class UnknownLayerError(ValueError):
    """A network has no layer of this name."""


def last_before_classes(model: keras.Model, recipe: recipes.Recipe) -> str:
    """Returns the name of the last layer before the dropout and the classes.

    Example:
        >>> from tf_twostream import models
        >>> from tf_twostream.models import inner_layers
        >>> from tf_twostream.paper import recipes
        >>> recipe = recipes.SpatialRecipe(width=0.1)
        >>> model = models.build(recipe, 101)
        >>> name = inner_layers.last_before_classes(model, recipe)
        >>> name, inner_layers.up_to(model, recipe, name).output.shape
        ('full7', (None, 205))

    Args:
        model: The network.
        recipe: Its recipe.
    """
    name = architecture_of(_towers(recipe)[0]).features
    # Outer products have no layers of a tower above them.
    return name if name in _find(model) else model.layers[-2].name


def up_to(model: keras.Model, recipe: recipes.Recipe, name: str) -> keras.Model:
    """Cuts a network behind a layer.

    Args:
        model: The network, with which the result shares its weights.
        recipe: Its recipe.
        name: A layer, or "logits" for the whole network.

    Returns:
        A network with the inputs of `model` and the output of the layer: `[B, F]`, or maps
        `[B, H, W, F]`. Where snippets of clips pass through a layer one by one, B counts snippets.

    Raises:
        UnknownLayerError: If there is no such layer.
    """
    if name == LOGITS:
        return model
    found = _find(model)
    if name not in found:
        rule = f"`layer` of this network must be one of {', '.join(_usual(model, recipe))}"
        raise UnknownLayerError(f"{rule}, or another layer of it. Received: {name!r}.")
    section, layer = found[name]
    if section is None:
        return keras.Model(model.input, model.get_layer(layer).output)
    cut = keras.Model(section.input, section.get_layer(layer).output)
    outputs = []

    def call(own: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        if own is section:
            outputs.append(cut(*args))
        return own(*args, **kwargs)

    # A section does not know what comes into it: the graph is gone through once more, with the same
    # layers, to see it.
    again = keras.models.clone_model(model, clone_function=lambda own: own, call_function=call)
    return keras.Model(again.input, outputs[0])


def _towers(recipe: recipes.Recipe) -> list[recipes.TowerRecipe]:
    if isinstance(recipe, recipes.ConvFusionRecipe):
        return list(recipe.towers)
    return [recipe] if isinstance(recipe, recipes.TowerRecipe) else []


def _find(model: keras.Model) -> dict[str, tuple[keras.Model | None, str]]:
    """Returns by name the section in which a layer lies, None if in none, and its name there."""
    found: dict[str, tuple[keras.Model | None, str]] = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            tower = layer.name.rpartition("_")[0]
            start = "" if tower == conv_fusion.SPATIAL else f"{tower}/"
            found |= {f"{start}{inner.name}": (layer, inner.name) for inner in _own(layer)}
    return found | {layer.name: (None, layer.name) for layer in _own(model)}


def _own(model: keras.Model) -> list[keras.Layer]:
    return [x for x in model.layers if not isinstance(x, keras.Model | keras.layers.InputLayer)]


def _usual(model: keras.Model, recipe: recipes.Recipe) -> list[str]:
    """Lists the layers that people ask for: those that a paper names."""
    named = []
    for tower, start in zip(_towers(recipe), ("", f"{conv_fusion.TEMPORAL}/")):
        architecture = architecture_of(tower)
        chain = architecture.chain
        above = [full for full, _ in chain.full] if chain else [architecture.features]
        named += [f"{start}{layer}" for layer in (*architecture.stages, *above)]
    fused = [layer.name for layer in _own(model) if layer.name.startswith(conv_fusion.BANK)]
    known = _find(model)
    return [name for name in (*named, *fused) if name in known] + [LOGITS]
