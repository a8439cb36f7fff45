"""Builds whole networks: input, body, a classification layer per task (paper, Sect. 2 to 4)."""

import contextlib
from collections.abc import Iterator, Mapping

import keras
from keras import initializers, layers

from tf_twostream import paper
from tf_twostream.models import architectures
from tf_twostream.models.architecture import LAST, Architecture, layer_seed, start_from
from tf_twostream.paper import recipes

LAST_LAYER = "classes"


def build(
    recipe: recipes.TowerRecipe,
    num_classes: int | Mapping[str, int],
    *,
    frame: tuple[int, int] | None = None,
) -> keras.Model:
    """Builds the network of a recipe, in the recipe's precision.

    Example:
        >>> from tf_twostream import models
        >>> from tf_twostream.paper import recipes
        >>> spatial = models.build(recipes.SpatialRecipe(width=0.1), 101)
        >>> temporal = models.build(recipes.TemporalRecipe(width=0.1), 101)
        >>> spatial.input_shape, temporal.input_shape, temporal.output_shape
        ((None, 224, 224, 3), (None, 224, 224, 20), (None, 101))

    Args:
        recipe: The recipe of the network: stream, size and precision.
        num_classes: K; or, for several tasks, the K of each by its name: each has a classification
            layer of its own on top of the features (Sect. 4).
        frame: Height and width of the input in pixels, for whole frames (`dense`); `crop_size` by
            default.

    Returns:
        A model whose input is `[B, crop_size, crop_size, C]`, or as `frame` says: volumes in pixels
        per frame, channels u1 v1 ... uL vL, or RGB in [0, 255] of one frame or of T successive
        ones. Its output is `[B, K]` float32 logits, or a dictionary of them by task.

    Raises:
        ValueError: If a task has fewer than two classes, the crop is too small, or the architecture
            has no batch normalisation that the recipe speaks of.
    """
    architecture = architectures.architecture_of(recipe)
    _check(recipe, architecture)
    counts = {"": num_classes} if isinstance(num_classes, int) else num_classes
    with precision_of(recipe):
        shape = (*(frame or 2 * [recipe.crop_size]), recipe.input_channels)
        inputs = keras.Input(shape, name="volume" if recipe.sees_flow else "rgb")
        x = inputs if recipe.sees_flow else _subtract_mean(inputs, architecture)
        x = architecture.body(x, recipe)
        # Seeds of their own: two tasks with as many classes would start from the same weights.
        logits = {
            task: _head(x, count, name=head_name(task), seed=recipe.seed + number)
            for number, (task, count) in enumerate(counts.items())
        }
        outputs = logits[""] if isinstance(num_classes, int) else logits
        return keras.Model(inputs, outputs, name=recipe.stream)


@contextlib.contextmanager
def precision_of(recipe: recipes.Recipe) -> Iterator[None]:
    """Gives the layers that are made within the precision of a recipe."""
    # Keras has one policy for all layers that are made from now on, also those of other code.
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def as_dense(model: keras.Model, twin: keras.Model) -> keras.Model:
    """Gives a network on whole frames the weights of the one on crops.

    Args:
        model: The network on crops.
        twin: The same network, built for frames of another size: its fully connected layers look at
            each place, and its class values are means over all places (Simonyan & Zisserman
            2015, "Very deep convolutional networks ...", Sect. 3.2).

    Returns:
        The twin.
    """
    for known, weight in zip(model.weights, twin.weights, strict=True):
        weight.assign(keras.ops.reshape(known, weight.shape))
    return twin


def head_name(task: str) -> str:
    """Returns the name of the classification layer of a task; the only task has an empty name."""
    return f"{LAST_LAYER}_{task}" if task else LAST_LAYER


def of_task(model: keras.Model, task: str) -> keras.Model:
    """Returns the network of one task, which shares its weights with the whole network.

    Args:
        model: The network of all tasks, or of the only one.
        task: The name of the task; empty for the only one.

    Returns:
        A model with the input of `model`, whose output is `[B, K]` logits.
    """
    if not task:
        return model
    return keras.Model(model.input, model.get_layer(head_name(task)).output, name=model.name)


def _head(x: keras.KerasTensor, num_classes: int, *, name: str, seed: int) -> keras.KerasTensor:
    """Adds a classification layer: `[B, C]` features to `[B, K]` float32 logits."""
    if num_classes < 2:
        raise ValueError(
            f"A classifier must have two classes or more. Received: num_classes={num_classes}."
        )
    return layers.Dense(
        num_classes,
        kernel_initializer=start_from(
            initializers.RandomNormal(stddev=paper.LAST_LAYER_STDDEV, seed=layer_seed(seed, LAST))
        ),
        dtype="float32",  # Half precision would lose the differences that the softmax needs.
        name=name,
    )(x)


def _check(recipe: recipes.TowerRecipe, architecture: Architecture) -> None:
    if recipe.crop_size < architecture.min_crop_size:
        rule = f"`crop_size` of {architecture.name} must be at least {architecture.min_crop_size}"
        raise ValueError(f"{rule}. Received: {recipe.crop_size}.")
    if recipe.batch_norm != "auto" and not architecture.normalises_batches:
        rule = "`batch_norm` is for architectures that have some"
        raise ValueError(f"{rule}. Received: {recipe.batch_norm}, {architecture.name}.")


def _subtract_mean(frames: keras.KerasTensor, architecture: Architecture) -> keras.KerasTensor:
    """Maps `[B, H, W, 3T]` RGB in [0, 255] to what the first layer expects."""
    scale = 1 / architecture.deviation
    offset = [-mean * scale for mean in architecture.mean] * (frames.shape[-1] // 3)
    # In float32: with the 8 bits of bfloat16 the products would be off by up to a grey level.
    return layers.Rescaling(scale, offset, name="subtract_mean", dtype="float32")(frames)
