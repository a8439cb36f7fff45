"""The pictures in TensorBoard: the paper's Figures 2 to 6, and what a network sees.

All but `write_scores` write to the summary writer in force.
"""

import keras
import tensorflow as tf
from absl import logging
from matplotlib import figure

from tf_twostream import inputs, paper, runs, store
from tf_twostream.figures import clips, pictures, reports
from tf_twostream.scores import metrics, score_files


def write_filters(model: keras.Model, recipe: paper.Recipe, iteration: int) -> None:
    """Shows the filters of the first layer (paper, Fig. 4)."""
    kernel = model.get_layer("conv1").kernel.numpy()
    picture = pictures.first_layer_filters(kernel, rgb=_sees_rgb(recipe))
    tf.summary.image("first_layer_filters", picture[None], step=iteration)


def write_inputs(batch: inputs.Element, recipe: paper.Recipe, iteration: int) -> None:
    """Shows what the network makes of the first samples of a batch that `inputs` yields."""
    seen = inputs.prepare(batch, recipe).numpy()
    picture = pictures.network_inputs(seen, rgb=_sees_rgb(recipe))
    tf.summary.image("network_inputs", picture[None], step=iteration)


def write_clip(run: runs.Run, reader: store.Reader) -> None:
    """Shows a training video's flow, and where both ways of stacking read it (Fig. 2 and 3).

    Only networks that see flow have these figures, and only where a video has L fields.

    Args:
        run: The run, at its beginning.
        reader: The store of its videos.
    """
    if not isinstance(run.recipe, paper.TemporalRecipe):
        return
    length = run.recipe.stack_length
    videos = [video.id for video in run.split.train if not video.store]  # Of no other store.
    found = clips.find_motion(reader, videos, length)
    if found is None:
        return
    clip = clips.read_clip(reader, *found, length)
    _write("figure_2", clips.draw_flow(clip), 0)
    _write("figure_3", clips.draw_sampling(clip), 0)


def write_scores(run: runs.Run, part: str, scores: score_files.Scores, iteration: int) -> None:
    """Shows how good scores are, in all and class by class (paper, Fig. 5 and 6).

    They have a folder of their own, which TensorBoard shows beside the training:
    RUN_DIR/tensorboard/PART, with several tasks RUN_DIR/tensorboard/TASK/PART. Where it cannot be
    written, there is only a warning: scores matter more than pictures.

    Args:
        run: The run that the scores are by.
        part: The part of its split that they are of, train or test.
        scores: The scores.
        iteration: For how many iterations it has been trained.
    """
    measures = metrics.measure(scores.scores, scores.labels)
    folder = run.path / "tensorboard" / run.task / part
    try:
        with tf.summary.create_file_writer(str(folder)).as_default():
            for name, value in measures.items():
                tf.summary.scalar(name, value, step=iteration)
            _write_classes(part, scores, iteration)
    except (OSError, tf.errors.OpError) as error:
        logging.warning("TensorBoard will not show these scores: %s", error)


def _write_classes(part: str, scores: score_files.Scores, iteration: int) -> None:
    table, labels, names = scores.scores, scores.labels, scores.class_names
    title = reports.title(part, metrics.measure(table, labels), len(labels))
    if not scores.multi_label:  # Else no class is taken for another.
        matrix = metrics.confusion_matrix(table, labels)
        _write("figure_5", reports.draw_confusion_matrix(matrix, names, title), iteration)
    measure, values = metrics.measure_per_class(table, labels)
    drawing = reports.draw_per_class(values, names, measure=measure, title=title)
    _write("figure_6", drawing, iteration)


def _write(name: str, drawing: figure.Figure, iteration: int) -> None:
    tf.summary.image(name, pictures.render(drawing)[None], step=iteration)


def _sees_rgb(recipe: paper.Recipe) -> bool:
    return not isinstance(recipe, paper.TemporalRecipe)
