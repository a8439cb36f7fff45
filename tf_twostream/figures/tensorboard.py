"""The pictures in TensorBoard: the paper's Figures 2 to 6, and what a network sees.

All but `write_scores` write to the summary writer in force.
"""

from typing import cast

import keras
import tensorflow as tf
from absl import logging
from matplotlib import figure

from tf_twostream import inputs, models, runs, store
from tf_twostream.figures import clips, pictures, results
from tf_twostream.models import conv_fusion
from tf_twostream.paper import recipes
from tf_twostream.scores import metrics, score_files

FILTERS, INPUTS = "first-layer filters (Fig. 4)", "network inputs"
FLOW, STACKING = "flow (Fig. 2)", "stacking (Fig. 3)"
CONFUSION, RECALL = "confusion (Fig. 5)", "recall per class (Fig. 6)"
SHOWN_INPUTS = 4  # Samples of the first batch.


def write_filters(model: keras.Model, recipe: recipes.Recipe, iteration: int) -> None:
    """Shows the filters of the first layer (paper, Fig. 4), or the banks that join two towers.

    Args:
        model: A network.
        recipe: Its recipe, which says whether it sees flow.
        iteration: For how many iterations it has been trained.
    """
    if isinstance(recipe, recipes.ConvFusionRecipe):
        for layer in model.layers:
            if layer.name.startswith(conv_fusion.BANK) and layer.weights:
                picture = pictures.bank(layer.kernel.numpy())
                tf.summary.image(f"filters of {layer.name}", picture[None], step=iteration)
        return
    first = models.architecture_of(cast(recipes.TowerRecipe, recipe)).first
    kernel = model.get_layer(first).kernel.numpy()
    picture = pictures.first_layer_filters(kernel, rgb=not recipe.sees_flow)
    tf.summary.image(FILTERS, picture[None], step=iteration)


def write_inputs(batch: inputs.Element, recipe: recipes.Recipe, iteration: int) -> None:
    """Shows the first samples of a batch as the network sees them, cropped and flipped.

    Args:
        batch: A batch that `inputs` yields.
        recipe: The recipe of the network.
        iteration: For how many iterations it has been trained.
    """
    # Cut before it is prepared: a batch of 256 volumes would be 1 GB of float32.
    first = {name: tensor[:SHOWN_INPUTS] for name, tensor in batch.items()}
    seen = inputs.prepare(first, recipe)
    if isinstance(seen, dict):
        for name, clips in seen.items():  # The snippets of the first clip.
            snippets = clips[0].numpy()
            picture = pictures.network_inputs(snippets, rgb=name == "rgb", most=len(snippets))
            tf.summary.image(f"{INPUTS}/{name}", picture[None], step=iteration)
        return
    picture = pictures.network_inputs(seen.numpy(), rgb=not recipe.sees_flow)
    tf.summary.image(INPUTS, picture[None], step=iteration)


def write_clip(run: runs.Run, reader: store.Reader) -> None:
    """Shows a training video's flow, and where both ways of stacking read it (Fig. 2 and 3).

    Only networks that see flow have these figures, and only where a video has L fields.

    Args:
        run: The run, at its beginning.
        reader: The store of its videos.
    """
    if not run.recipe.sees_flow:
        return
    length = run.recipe.window_length
    videos = [v.id for v in run.split.train if not store.is_added(v.id)]  # Of no other store.
    found = clips.find_motion(reader, videos, length)
    if found is None:
        return
    clip = clips.read_clip(reader, *found, length)
    _write(FLOW, clips.draw_flow(clip), 0)
    _write(STACKING, clips.draw_sampling(clip), 0)


def write_scores(run: runs.Run, part: str, scores: score_files.Scores, iteration: int) -> None:
    """Shows how good scores are, in all and class by class (paper, Fig. 5 and 6).

    They have a folder of their own, which TensorBoard shows beside the curves of the training:
    RUN_DIR/tensorboard/evaluated_PART, with several tasks RUN_DIR/tensorboard/TASK/evaluated_PART.
    Where it cannot be written, there is only a warning: scores matter more than pictures.

    Args:
        run: The run that the scores are by.
        part: The part of its split that they are of: train, validation or test.
        scores: The scores.
        iteration: For how many iterations it has been trained.
    """
    result = results.summarise(scores, name=part)
    folder = run.path / "tensorboard" / run.task.name / f"evaluated_{part}"
    try:
        with tf.summary.create_file_writer(str(folder)).as_default():
            for name, value in metrics.measure(scores.scores, scores.labels).items():
                tf.summary.scalar(name, value, step=iteration)
            if confusion := result.draw_confusion():
                _write(CONFUSION, confusion, iteration)
            _write(RECALL, result.draw_per_class(), iteration)
    except (OSError, tf.errors.OpError) as error:
        logging.warning("TensorBoard will not show these scores: %s", error)


def _write(name: str, drawing: figure.Figure, iteration: int) -> None:
    tf.summary.image(name, pictures.render(drawing)[None], step=iteration)
