"""A network by itself, from crops to scores, for other programs; and as a file of LiteRT."""

import dataclasses
from typing import Any, cast

import keras
import tensorflow as tf
from keras import layers

from tf_twostream import runs
from tf_twostream.paper import recipes
from tf_twostream.processes import files


def network(run: runs.Run) -> keras.Model:
    """Loads the network of a run, in float32, with the softmax or the sigmoids after its logits.

    Args:
        run: The run.

    Returns:
        A network whose input is that of `models.build` and whose output `[B, K]`, scores.
    """
    recipe = dataclasses.replace(run.recipe, precision="float32")
    model = runs.load_model(dataclasses.replace(run, recipe=recipe))[0]
    if isinstance(model.output, dict):
        rule = "A file of one network must have one kind of scores"
        raise ValueError(f"{rule}. Received: {run.path}, of {' and '.join(model.output)}.")
    kind = "sigmoid" if run.split.multi_label else "softmax"
    scores = layers.Activation(kind, name="scores")(model.output)
    return keras.Model(model.input, scores, name=model.name)


def describe(run: runs.Run) -> dict[str, Any]:
    """Says what the input of a network is made of, as JSON takes it."""
    recipe, settings = run.recipe, run.task.settings
    own = {"shorter_side": settings.shorter_side, "crop_size": recipe.crop_size}
    own |= {"window_length": recipe.window_length, "mirroring": recipe.mirroring}
    if not recipe.sees_flow:
        return own
    flow = {"method": settings.method, "parameters": settings.parameters}
    temporal = cast(recipes.ConvFusionRecipe, recipe).towers[1] if recipe.sees_clips else recipe
    names = ("stacking", "bidirectional", "mean_subtraction")
    return own | {"flow": flow} | {name: getattr(temporal, name) for name in names}


def write_litert(model: keras.Model, path: str) -> None:
    """Writes a network as a file of LiteRT, whose signature has the names of `network`.

    Args:
        model: What `network` returns.
        path: The file.
    """
    given = tf.nest.flatten(model.input)
    signature = [tf.TensorSpec(x.shape, tf.float32, x.name) for x in given]

    @tf.function(input_signature=signature, autograph=False)
    def score(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        named = {x.name: tensor for x, tensor in zip(given, tensors)}
        return {"scores": model(named if len(given) > 1 else tensors[0], training=False)}

    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    concrete = score.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    files.write(path, converter.convert())
