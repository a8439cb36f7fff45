"""One network with a classification layer per data set (paper, Sect. 4)."""

from collections.abc import Mapping

import keras

from tf_twostream import paper
from tf_twostream.models import cnn_m


def build(recipe: paper.Recipe, num_classes: Mapping[str, int]) -> keras.Model:
    """Builds the network of a recipe with several classification layers on top of full7.

    Args:
        recipe: The recipe of the network, as for a single task.
        num_classes: By task, K.

    Returns:
        A model from the recipe's input to a dictionary of logits `[B, K]`, by task.

    Raises:
        ValueError: If a task has fewer than two classes.
    """
    network = cnn_m.build(recipe, 2)
    features = network.get_layer(cnn_m.LAST_LAYER).input
    logits = {
        task: cnn_m.head(features, count, name=head_name(task), seed=recipe.seed + number)
        for number, (task, count) in enumerate(num_classes.items())
    }
    return keras.Model(network.input, logits, name=network.name)


def of_task(model: keras.Model, task: str) -> keras.Model:
    """Returns the network of one task, to `[B, K]` logits; it shares all weights with `model`."""
    layer = model.get_layer(head_name(task))
    return keras.Model(model.input, layer.output, name=model.name)


def head_name(task: str) -> str:
    """Returns the name of a task's classification layer."""
    return f"{cnn_m.LAST_LAYER}_{task}"
