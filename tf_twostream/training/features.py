"""Learns the last layer from features that are computed once (`cache_features`).

Where only the last layer is trained, all that is below gives the same features for the same sample
again and again. So a few samples of each training video are drawn, as a training would draw them,
and go through the network once. The training then draws from their features. It sees fewer
different samples, and of the dropout only what is right before the last layer.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import inputs, models
from tf_twostream.paper import recipes
from tf_twostream.processes import progress
from tf_twostream.training import steps


def compute(
    model: keras.Model, recipe: recipes.TowerRecipe, windows: inputs.Windows, samples: int
) -> np.ndarray:
    """Computes the features of some samples of each training video.

    Args:
        model: The network, with the weights that it starts from.
        recipe: Its recipe.
        windows: The windows of the N training videos.
        samples: S, how many of each to draw.

    Returns:
        `[N, S, F]` float32, what the layer before the last dropout gives.
    """
    layer = model.get_layer(models.architecture_of(recipe).features)
    body = keras.Model(model.input, layer.output)

    @tf.function(reduce_retracing=True, autograph=False)
    def features(batch: inputs.Element) -> tf.Tensor:
        return tf.cast(body(inputs.prepare(batch, recipe), training=False), tf.float32)

    total, done = len(windows.videos) * samples, 0
    found = np.zeros((total, layer.output.shape[-1]), np.float32)  # No second copy of them.
    with progress.bar(total, "sample", "features") as bar:
        for batch in inputs.several_of_each(windows, samples):
            rows = features(batch).numpy()
            found[done : done + len(rows)] = rows
            done += len(rows)
            bar.update(len(rows))
    return found.reshape(len(windows.videos), samples, -1)


def streams(
    model: keras.Model, recipe: recipes.TowerRecipe, windows: Sequence[inputs.Windows]
) -> tuple[Callable[..., tf.data.Dataset], ...]:
    """Computes the features of all tasks, and makes streams of batches of them.

    Args:
        model: The network, with the weights that it starts from.
        recipe: Its recipe.
        windows: Of each task, those of its training videos.

    Returns:
        A stream per task, as in `videos.Learnt`.

    Raises:
        ValueError: If there are no videos, but still images.
    """
    if not windows:
        rule = "`cache_features` must be of a training on videos"
        raise ValueError(f"{rule}. Received: still images.")
    return tuple(
        functools.partial(
            inputs.from_features, own, compute(model, recipe, own, recipes.CACHED_DRAWS)
        )
        for own in windows
    )


def head(head: steps.Head, recipe: recipes.TowerRecipe) -> steps.Head:
    """Returns what is left of a network to train: from the features to the logits of a task."""
    layer = head.model.get_layer(models.architecture_of(recipe).features)
    rest = keras.Model(layer.output, head.model.output, name=head.model.name)
    return dataclasses.replace(head, model=rest)
