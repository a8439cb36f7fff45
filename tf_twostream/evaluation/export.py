"""Writes the two streams as one SavedModel that needs nothing but TensorFlow to run."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import cast

import keras
import tensorflow as tf

from tf_twostream import flow, inputs, runs
from tf_twostream.evaluation import pairs, scoring
from tf_twostream.flow import brox
from tf_twostream.inputs import raw_frames, views
from tf_twostream.models import conv_fusion
from tf_twostream.paper import recipes, testing
from tf_twostream.processes import files
from tf_twostream.scores import fusion


class SolverError(ValueError):
    """A graph cannot compute the flow that a network was trained on."""


# The inputs of the signature, and the function from them to the windows of each stream.
Source = tuple[list[tf.TensorSpec], Callable[..., tuple[inputs.Element, inputs.Element]]]


def _stream(model: keras.Model, run: runs.Run, windows: inputs.Element) -> tf.Tensor:
    """Computes the `[K]` scores of one video by one stream: the mean over its windows."""
    size = tf.shape(windows["rgb"])[1:3] if "rgb" in windows else tf.shape(windows["codes"])[3:]
    crop, mirroring = run.recipe.crop_size, run.recipe.mirroring
    all_views = views.test_views(size[0], size[1], crop, mirroring=mirroring)[None]
    scorer = scoring.make_scorer(model, run.recipe, multi_label=run.split.multi_label)

    def window(element: inputs.Element) -> tf.Tensor:
        batch = {name: tensor[None] for name, tensor in element.items()}
        return scorer({**batch, "views": all_views})[0, 0]

    # One window with its ten views at a time: for 25 of them many devices have too little memory.
    scores = tf.map_fn(
        window,
        windows,
        fn_output_signature=tf.TensorSpec([model.output_shape[-1]], tf.float32),
        parallel_iterations=1,
    )
    return tf.reduce_mean(scores, axis=0)


def _clip_inputs(recipe: recipes.ConvFusionRecipe) -> list[tf.TensorSpec]:
    """Returns the inputs of a model that scores clips as a store holds them."""
    count, length = recipe.snippets, recipe.window_length
    return [
        tf.TensorSpec([None, count, None, None, 3], tf.uint8, "frames"),
        tf.TensorSpec([None, count, length, 2, None, None], tf.uint8, "flow"),
        tf.TensorSpec([None, count, length, 2, 2], tf.float32, "flow_ranges"),
        tf.TensorSpec([None, count, length, 2], tf.float32, "flow_means"),
    ]


def _score_clips(model: keras.Model, run: runs.Run, clips: inputs.Element) -> dict[str, tf.Tensor]:
    """Computes what a joined network says of the clips of a video: the mean over ten views."""
    recipe, multi_label = run.recipe, run.split.multi_label
    scorer = scoring.make_scorer(model, recipe, average=recipe.test_average)
    size = tf.shape(clips["rgb"])[2:4]
    chosen = views.test_views(size[0], size[1], recipe.crop_size, mirroring=recipe.mirroring)

    def score(clip: inputs.Element) -> tf.Tensor:
        batch = {name: tensor[None] for name, tensor in clip.items()}
        return scorer({**batch, "views": chosen[None]})[0]

    shape = [len(tf.nest.flatten(model.output)), len(run.split.class_names)]
    values = tf.map_fn(
        score, clips, fn_output_signature=tf.TensorSpec(shape), parallel_iterations=1
    )
    towers = tf.reduce_mean(values, axis=0)
    outputs = {"scores": scoring.to_scores(tf.reduce_mean(towers, axis=0), multi_label)}
    if shape[0] > 1:
        for name, logits in zip(conv_fusion.TOWERS, tf.unstack(towers)):
            outputs[f"{name}_scores"] = scoring.to_scores(logits, multi_label)
    return outputs


def export_conv_fusion(run: runs.Run, output_dir: str, *, frames_in: bool = False) -> None:
    """Writes a network of two joined towers as a SavedModel.

    Its inputs are those of `export` with an axis more: N clips of T snippets each, `frames`
    `[N, T, H, W, 3]`, `flow` `[N, T, L, 2, H, W]` and so on. It looks at ten views of each clip,
    since whole frames need a network for each size of frames, and averages class values. Its
    outputs are `scores` `[K]` and `class_names` and, with two towers, `spatial_scores` and
    `temporal_scores`.

    Args:
        run: The run.
        output_dir: The folder of the SavedModel, which must not exist yet.
        frames_in: Whether the only input is the frames of a video, as for `export`; the model then
            chooses the clips that the network is tested on.

    Raises:
        SolverError: If `frames_in` is not possible.
        NoCheckpointError: If the run has no weights yet.
        FileExistsError: If `output_dir` exists.
    """
    files.check_new_folder(output_dir, "output_dir")
    recipe = cast(recipes.ConvFusionRecipe, run.recipe)
    parameters = _solver_of(run) if frames_in else None
    model, class_names = runs.load_model(run)[0], tf.constant(run.split.class_names)
    side, num_clips = run.task.settings.shorter_side, testing.PAPER.of(recipe).num_windows

    def score(frames, *others):
        if parameters:
            rescaled = raw_frames.rescale(frames, side)
            clips = raw_frames.clips_to_test(rescaled, recipe, parameters, num_clips)
        else:
            clips = dict(zip(("rgb", "codes", "ranges", "means"), (frames, *others)))
        return _score_clips(model, run, clips) | {"class_names": class_names}

    all_frames = [tf.TensorSpec([None, None, None, 3], tf.uint8, "frames")]
    _write([model], score, all_frames if frames_in else _clip_inputs(recipe), output_dir)


def _fuse(own: fusion.Fusion, scores: dict[str, tf.Tensor], multi_label: bool) -> tf.Tensor:
    """Fuses the `[K]` scores of both streams as `Fusion.fuse` does."""
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


def _from_windows(temporal: runs.Run) -> Source:
    """Returns the source of a model whose inputs are windows, as a store holds them."""
    length = temporal.recipe.window_length
    signature = [
        tf.TensorSpec([None, None, None, 3], tf.uint8, "frames"),
        tf.TensorSpec([None, length, 2, None, None], tf.uint8, "flow"),
        tf.TensorSpec([None, length, 2, 2], tf.float32, "flow_ranges"),
        tf.TensorSpec([None, length, 2], tf.float32, "flow_means"),
    ]

    def split(frames, flow, flow_ranges, flow_means):
        return {"rgb": frames}, {"codes": flow, "ranges": flow_ranges, "means": flow_means}

    return signature, split


def _from_frames(spatial: runs.Run, temporal: runs.Run) -> Source:
    """Returns the source of a model whose input is the frames of a video."""
    recipe, parameters = cast(recipes.TemporalRecipe, temporal.recipe), _solver_of(temporal)
    sides = [run.task.settings.shorter_side for run in (spatial, temporal)]

    def split(frames):
        appearance = raw_frames.spatial_windows(raw_frames.rescale(frames, sides[0]))
        rescaled = raw_frames.rescale(frames, sides[1])
        return appearance, raw_frames.temporal_windows(rescaled, recipe, parameters)

    return [tf.TensorSpec([None, None, None, 3], tf.uint8, "frames")], split


def _solver_of(run: runs.Run) -> brox.Parameters:
    """Returns the parameters of the flow that a run was trained on, if a graph can solve it."""
    settings = run.task.settings
    solvers = {name: method.solver for name, method in flow.METHODS.items() if method.solver}
    if settings.method not in solvers:
        rule = f"`frames_in` must have a network trained on {' or '.join(solvers)} flow"
        raise SolverError(f"{rule}. Received: {run.path}, trained on {settings.method}.")
    # The numbers that the run was trained with, even if the method has other ones by now.
    return dataclasses.replace(solvers[settings.method], **settings.parameters)


def export(
    spatial: runs.Run,
    temporal: runs.Run,
    output_dir: str,
    *,
    frames_in: bool = False,
    score_fusion: fusion.Fusion | None = None,
) -> None:
    """Writes the two-stream model of two runs as a SavedModel.

    The default signature scores one video of any size and with any number of frames:

    * `frames`: `[F, H, W, 3]` uint8 RGB, F frames at equal spacing (25 in the paper), the shorter
      side rescaled as in the store;
    * `flow`: `[G, L, 2, H, W]` uint8, G windows of L fields in the order of `inputs` (successive
      ones; of a bi-directional network L/2 forward ones, then L/2 backward ones), u above v, each
      component rescaled linearly from its own range to [0, 255];
    * `flow_ranges`: `[G, L, 2, 2]` float32, (min, max) of each component in pixels per frame;
    * `flow_means`: `[G, L, 2]` float32, mean vector of each whole field in pixels per frame.

    With `frames_in` the only input is `frames` `[T, H, W, 3]` uint8 RGB, T >= 2, of any size: the
    model rescales them, solves the flow and chooses the windows itself. Either signature returns
    `scores` `[K]` (both streams, fused), `spatial_scores`, `temporal_scores` and `class_names`
    `[K]`.

    Args:
        spatial: A run of the spatial stream.
        temporal: A run of the temporal stream with the same classes.
        output_dir: The folder of the SavedModel, which must not exist yet.
        frames_in: Whether the only input is the frames of a video.
        score_fusion: How to fuse the streams; None for their average. `scores` of an SVM are
            decision values.

    Raises:
        PairError: If the runs do not belong together.
        FusionError: If the fusion is of other streams or classes.
        SolverError: If `frames_in` is not possible.
        NoCheckpointError: If a run has no weights yet.
        FileExistsError: If `output_dir` exists.
    """
    pairs.check_pair(spatial, temporal)
    own = pairs.check_fusion(score_fusion, (spatial, temporal))
    files.check_new_folder(output_dir, "output_dir")
    models = [runs.load_model(run)[0] for run in (spatial, temporal)]
    signature, split = _from_frames(spatial, temporal) if frames_in else _from_windows(temporal)
    class_names, several = tf.constant(spatial.split.class_names), spatial.split.multi_label

    def score(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        rgb, volumes = split(*inputs)
        appearance = _stream(models[0], spatial, rgb)
        motion = _stream(models[1], temporal, volumes)
        return {
            "scores": _fuse(own, {"spatial": appearance, "temporal": motion}, several),
            "spatial_scores": appearance,
            "temporal_scores": motion,
            "class_names": class_names,
        }

    _write(models, score, signature, output_dir)


def _write(
    models: Sequence[keras.Model],
    score: Callable[..., dict[str, tf.Tensor]],
    signature: list[tf.TensorSpec],
    output_dir: str,
) -> None:
    archive = keras.export.ExportArchive()
    for model in models:  # Else the variables of the graph would not be saved with it.
        archive.track(model)
    archive.add_endpoint("serving_default", score, input_signature=signature)
    # Under its own name last: an export that is killed never looks like a whole one.
    partial = pathlib.Path(f"{pathlib.Path(output_dir)}{files.PARTIAL}")
    files.remove_folder(partial)
    archive.write_out(str(partial), verbose=False)
    partial.rename(output_dir)
