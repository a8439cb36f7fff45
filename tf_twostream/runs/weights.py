"""Builds the network of a run, restores it from a checkpoint, or starts it from another run's."""

import math
from typing import cast

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, models
from tf_twostream.models import conv_fusion, cross_modality
from tf_twostream.paper import recipes
from tf_twostream.runs import checkpoint_files
from tf_twostream.runs.folder import Run, load

Weights = dict[str, list[np.ndarray]]


class NoCheckpointError(FileNotFoundError):
    """A run has no weights yet."""


def newest(run: Run) -> str | None:
    """Returns the path of the newest checkpoint of a run; None if there is none yet."""
    return next(reversed(checkpoint_files.find(run.checkpoints).values()), None)


def build_model(run: Run, *, frame: tuple[int, int] | None = None) -> keras.Model:
    """Builds the network of a run with fresh weights, and with the layers of all its tasks.

    Args:
        run: The run, whose folder need not exist.
        frame: Height and width of whole frames in pixels, for a dense network; crops by default.

    Returns:
        A network as `models.build` or `conv_fusion.build` describes it.
    """
    counts = {task.name: len(task.split.class_names) for task in run.tasks}
    if isinstance(run.recipe, recipes.ConvFusionRecipe):
        return conv_fusion.build(run.recipe, len(run.split.class_names), frame=frame)
    # The network of a single task has one output, not a dictionary of them.
    recipe = cast(recipes.TowerRecipe, run.recipe)
    model = models.build(recipe, counts.get("", counts), frame=frame)
    for name, split in _heads(run).items():
        if split.multi_label:
            # Each of K classes starts with a probability of 1/K, as under a softmax, and not with
            # the 1/2 of a sigmoid: else the first gradients only say that most classes are rare
            # (ours).
            bias = model.get_layer(name).bias
            bias.assign(tf.fill(bias.shape, -math.log(len(split.class_names) - 1)))
    return model


def load_model(run: Run) -> tuple[keras.Model, int]:
    """Builds the network of a run's task with the weights of the newest checkpoint.

    Args:
        run: The run; of several tasks, the chosen one is built.

    Returns:
        The network, to `[B, K]` logits, and the number of iterations it was trained for.

    Raises:
        NoCheckpointError: If the run has no checkpoint yet.
    """
    model, iteration = _load_whole(run)
    return models.of_task(model, run.task.name), iteration


def save(run: Run, model: keras.Model, iteration: int = 0) -> None:
    """Writes the weights of a network as the only checkpoint of a run, without what training needs.

    Args:
        run: The run, whose JSON files `create` writes.
        model: Its network.
        iteration: The number of iterations that it was trained for.
    """
    number = tf.Variable(iteration, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, iteration=number)
    checkpoint_files.write(checkpoint, run.checkpoints, iteration)
    checkpoint_files.remove_all_but(run.checkpoints, {iteration})


def for_frames(run: Run, model: keras.Model, frame: tuple[int, int]) -> keras.Model:
    """Builds the dense twin of a network: on whole frames, its class values averaged over places.

    Args:
        run: The run of the network.
        model: The network of the run's task, as `load_model` returns it.
        frame: Height and width of the frames in pixels.

    Returns:
        A network with the outputs of `model`, whose inputs are whole frames.
    """
    with models.without_drawing():
        twin = models.of_task(build_model(run, frame=frame), run.task.name)
    return models.as_dense(model, twin)


def start_towers(model: keras.Model, run: Run) -> None:
    """Gives the towers of a joined network the weights that they were trained to.

    Args:
        model: The network of a `ConvFusionRecipe`.
        run: Its run, whose recipe names the runs of the towers.

    Raises:
        NoCheckpointError: If a tower has no weights yet.
    """
    recipe = cast(recipes.ConvFusionRecipe, run.recipe)
    for name, path in zip(conv_fusion.TOWERS, (recipe.spatial_run, recipe.temporal_run)):
        tower = load(path)
        known = {layer.name: layer.get_weights() for layer in _load_whole(tower)[0].layers}
        own = _classes(run.split)
        [head, *_] = [layer for layer, split in _heads(tower).items() if _classes(split) == own]
        conv_fusion.copy_tower(model, name, known | {models.LAST_LAYER: known[head]})


def _load_whole(run: Run) -> tuple[keras.Model, int]:
    """Builds a run's network with the layers of all its tasks, and restores it."""
    if newest(run) is None:
        raise NoCheckpointError(
            f"A trained run must have a checkpoint. Received: {run.path}, without one."
        )
    with models.without_drawing():  # All weights are in the checkpoint.
        model = build_model(run)
    iteration = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, iteration=iteration)

    def restore(path: str) -> None:
        # Each variable of the network must be in the checkpoint, or it would keep its fresh value
        # without a word; not all of the checkpoint is in the network, for momentum is for training.
        checkpoint.restore(path).assert_existing_objects_matched().expect_partial()

    checkpoint_files.restore_newest(run.checkpoints, restore)
    return model, int(iteration.numpy())


def initialise(model: keras.Model, source: Run, target: Run) -> list[str]:
    """Copies the layers of another run into a new network where their shapes agree.

    A classification layer is copied only from one with the same classes, whatever its task. A
    recipe with `cross_modality` makes the first layer for flow of the one for colours.

    Args:
        model: The new network.
        source: The run to start from.
        target: The new run.

    Returns:
        The names of the layers with weights that start afresh.

    Raises:
        recipes.StartError: If no layer fits, or the layers would compute something else.
    """
    recipe = cast(recipes.TowerRecipe, target.recipe)
    if not isinstance(source.recipe, recipes.TowerRecipe):
        rule = "`init_from` must be a network of one stream"
        raise recipes.StartError(f"{rule}. Received: {source.recipe.stream}.")
    recipe.check_start(source.recipe)
    known = {layer.name: layer.get_weights() for layer in _load_whole(source)[0].layers}
    where = f"{source.path} ({source.recipe.stream}, width {source.recipe.width:g})"
    return copy(model, _for_heads(known, source, target), recipe, where=where)


def copy(
    model: keras.Model, known: Weights, recipe: recipes.TowerRecipe, *, where: str
) -> list[str]:
    """Copies layers into a new network where their shapes agree.

    Args:
        model: The new network.
        known: The weights of each layer, by its name, in Keras' order; those of the first layer
            are for colours if the recipe has `cross_modality`.
        recipe: The recipe of the new network.
        where: Where the weights are from, for people.

    Returns:
        The names of the layers with weights that start afresh.

    Raises:
        recipes.StartError: If no layer fits.
    """
    architecture = models.architecture_of(recipe)
    if recipe.starts_from_colours:
        kernel, *rest = known[architecture.first]
        own = {"bound": architecture.flow_bound, "deviation": architecture.deviation}
        kernel = cross_modality.flow_kernel(kernel, recipe.window_length, **own)
        known = known | {architecture.first: [kernel, *rest]}
    fresh, taken = [], 0
    for layer in model.layers:
        if not layer.trainable_weights:
            continue
        weights = known.get(layer.name, [])
        # Statistics of what another first layer gave say nothing about what a fresh one gives.
        behind_fresh = layer.name.startswith("norm") and layer.name.replace("norm", "conv") in fresh
        if [w.shape for w in weights] == [tuple(w.shape) for w in layer.weights] and (
            not behind_fresh
        ):
            layer.set_weights(weights)
            taken += 1
        else:
            fresh.append(layer.name)
    if not taken:
        rule = "A layer must have the shape of this network's"
        raise recipes.StartError(f"{rule}. Received: {where}.")
    return fresh


def _for_heads(known: Weights, source: Run, target: Run) -> Weights:
    """Gives each classification layer of the target the weights of one with the same classes."""
    of_source, of_target = _heads(source), _heads(target)
    kept = {name: weights for name, weights in known.items() if name not in of_source}
    for layer, split in of_target.items():
        # A classification layer computes the same if it tells the same classes apart in the same
        # way, by a softmax or by sigmoids: equal shapes or names say nothing about the order of
        # classes.
        same = [name for name, other in of_source.items() if _classes(other) == _classes(split)]
        if same:  # Of several such layers, the one of the task with the same name goes first.
            kept[layer] = known[min(same, key=layer.__ne__)]
    return kept


def _classes(split: datasets.Split) -> tuple[tuple[str, ...], bool]:
    return split.class_names, split.multi_label


def _heads(run: Run) -> dict[str, datasets.Split]:
    """Returns what each classification layer tells apart, by its name."""
    return {models.head_name(task.name): task.split for task in run.tasks}
