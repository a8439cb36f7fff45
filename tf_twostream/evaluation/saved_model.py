"""Writes networks as a SavedModel, which needs nothing but TensorFlow to score a video."""

import dataclasses
import os
from collections.abc import Sequence
from typing import cast

import keras
import tensorflow as tf

from tf_twostream import flow, inputs, runs
from tf_twostream.evaluation import scoring
from tf_twostream.flow import brox, codec
from tf_twostream.inputs import raw_frames, views
from tf_twostream.models import conv_fusion
from tf_twostream.paper import recipes, testing
from tf_twostream.scores import fusion

# What `inputs` calls the inputs of the signature.
_NAMES = {"frames": "rgb", "flow": "codes", "flow_ranges": "ranges", "flow_means": "means"}


class SolverError(ValueError):
    """A graph cannot compute the flow that a network was trained on."""


def write(
    streams: Sequence[runs.Run],
    models: Sequence[keras.Model],
    own: fusion.Fusion,
    path: str | os.PathLike[str],
    *,
    frames_in: bool = False,
) -> None:
    """Writes networks as one SavedModel; `docs/formats.md` describes its signature.

    Args:
        streams: A run of one stream, of the spatial and the temporal one, or of joined towers.
        models: Their networks.
        own: How their scores are fused.
        path: The folder of the SavedModel.
        frames_in: Whether the only input is the frames of a video: rescaling, flow and windows are
            then in the graph.

    Raises:
        SolverError: If `frames_in` is not possible.
    """
    if frames_in:
        check_frames_in(streams)
        signature = [tf.TensorSpec([None, None, None, 3], tf.uint8, "frames")]
    else:
        signature = [spec for run in streams for spec in _windows_of(run.recipe)]
    class_names = tf.constant(streams[0].split.class_names)

    def score(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        given = {_NAMES[spec.name]: tensor for spec, tensor in zip(signature, tensors)}
        scores: dict[str, tf.Tensor] = {}
        for run, model in zip(streams, models):
            windows = _from_frames(run, given["rgb"]) if frames_in else _of_run(run, given)
            scores |= _score(model, run, windows)
        fused = _fuse(own, scores, streams[0].split.multi_label)
        # The scores of joined towers are those of their network.
        named = {f"{stream}_scores": scores[stream] for stream in scores if stream != "conv_fusion"}
        return {"scores": fused, **named, "class_names": class_names}

    # Not `keras.export`, which tracks a network and its variables, and writes each weight twice.
    module = tf.Module()
    module.weights = [variable.value for model in models for variable in model.variables]
    function = tf.function(score, input_signature=signature, autograph=False)
    tf.saved_model.save(module, os.fspath(path), signatures={"serving_default": function})


def check_frames_in(streams: Sequence[runs.Run]) -> None:
    """Checks that a graph can make all that networks see of nothing but frames.

    Raises:
        SolverError: If it cannot.
    """
    for run in streams:
        if run.recipe.sees_flow:
            _solver_of(run)
        elif run.recipe.window_length > 1:
            rule = "`frames_in` must have a network of single frames, of flow or of clips"
            raise SolverError(f"{rule}. Received: {run.path}, of stacks of frames.")


def _windows_of(recipe: recipes.Recipe) -> list[tf.TensorSpec]:
    """Returns the inputs of a model that scores windows, or clips of them, as a store has them."""
    axes: list[int | None] = [None]
    towers = [cast(recipes.TowerRecipe, recipe)]
    if recipe.sees_clips:
        joined = cast(recipes.ConvFusionRecipe, recipe)
        axes, towers = [None, joined.snippets], [*joined.towers]
    specs = []
    for tower in towers:
        length, channels = tower.window_length, tower.input_channels
        if not tower.sees_flow:
            specs.append(tf.TensorSpec([*axes, None, None, channels], tf.uint8, "frames"))
            continue
        specs += [
            tf.TensorSpec([*axes, length, 2, None, None], tf.uint8, "flow"),
            tf.TensorSpec([*axes, length, 2, 2], tf.float32, "flow_ranges"),
            tf.TensorSpec([*axes, length, 2], tf.float32, "flow_means"),
        ]
    return specs


def _of_run(run: runs.Run, given: inputs.Element) -> inputs.Element:
    """Picks what one network sees of what all of them get."""
    return {_NAMES[spec.name]: given[_NAMES[spec.name]] for spec in _windows_of(run.recipe)}


def _from_frames(run: runs.Run, frames: tf.Tensor) -> inputs.Element:
    """Makes the windows, or clips, that a network is tested on, of all frames of a video."""
    recipe = run.recipe
    quality = codec.CODINGS[run.task.settings.flow_coding].quality
    rescaled = raw_frames.rescale(frames, run.task.settings.shorter_side)
    if recipe.sees_clips:
        joined, count = cast(recipes.ConvFusionRecipe, recipe), testing.PAPER.of(recipe).num_windows
        return raw_frames.clips_to_test(
            rescaled, joined, _solver_of(run), count, flow_quality=quality
        )
    if recipe.sees_flow:
        temporal = cast(recipes.TemporalRecipe, recipe)
        return raw_frames.temporal_windows(
            rescaled, temporal, _solver_of(run), flow_quality=quality
        )
    return raw_frames.spatial_windows(rescaled)


def _solver_of(run: runs.Run) -> brox.Parameters:
    """Returns the parameters of the flow that a run was trained on, if a graph can solve it."""
    settings = run.task.settings
    solvers = {name: method.solver for name, method in flow.METHODS.items() if method.solver}
    if settings.method not in solvers:
        rule = f"`frames_in` must have a network trained on {' or '.join(solvers)} flow"
        raise SolverError(f"{rule}. Received: {run.path}, trained on {settings.method}.")
    # The numbers that the run was trained with, even if the method has other ones by now.
    return dataclasses.replace(solvers[settings.method], **settings.parameters)


def _score(model: keras.Model, run: runs.Run, windows: inputs.Element) -> dict[str, tf.Tensor]:
    """Computes the `[K]` scores of one video by a network: the mean over windows and ten views.

    Returns:
        The scores by the name of the stream; of a network that keeps two towers also those of each.
    """
    recipe, several = run.recipe, run.split.multi_label
    size = tf.shape(windows["rgb"])[-3:-1] if "rgb" in windows else tf.shape(windows["codes"])[-2:]
    chosen = views.test_views(size[0], size[1], recipe.crop_size, mirroring=recipe.mirroring)
    average = recipe.test_average
    scorer = scoring.make_scorer(model, recipe, multi_label=several, average=average)

    def window(element: inputs.Element) -> tf.Tensor:
        batch = {name: tensor[None] for name, tensor in element.items()}
        return scorer({**batch, "views": chosen[None]})[0]

    outputs = tf.nest.flatten(model.output)
    # One window with its ten views at a time: for 25 of them many devices have too little memory.
    values = tf.map_fn(
        window,
        windows,
        fn_output_signature=tf.TensorSpec([len(outputs), outputs[0].shape[-1]]),
        parallel_iterations=1,
    )
    towers = tf.reduce_mean(values, axis=0)
    tables = [tf.reduce_mean(towers, axis=0), *(tf.unstack(towers) if len(outputs) > 1 else ())]
    if average == "logits":
        tables = [scoring.to_scores(table, several) for table in tables]
    return dict(zip([recipe.stream, *conv_fusion.TOWERS], tables))


def _fuse(own: fusion.Fusion, scores: dict[str, tf.Tensor], multi_label: bool) -> tf.Tensor:
    """Fuses the `[K]` scores of the streams as `Fusion.fuse` does."""
    rows = tf.stack([scores[stream] for stream in own.streams])
    if own.is_svm:
        unit = tf.reshape(rows / tf.norm(rows, axis=1, keepdims=True), [-1])
        coefficients = tf.constant(own.coefficients, tf.float32)
        return tf.linalg.matvec(coefficients, unit) + tf.constant(own.intercepts, tf.float32)
    powers = tf.constant(1 / own.temperatures[:, None], tf.float32)
    known = tf.maximum(rows, fusion.LEAST)
    if multi_label:
        softened = 1 / (1 + (tf.maximum(1 - rows, fusion.LEAST) / known) ** powers)
    else:
        softened = (known / tf.reduce_max(known, axis=1, keepdims=True)) ** powers
        softened /= tf.reduce_sum(softened, axis=1, keepdims=True)
    return tf.linalg.matvec(softened, tf.constant(own.weights, tf.float32), transpose_a=True)
