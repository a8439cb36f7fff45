"""The two streams as one SavedModel that needs nothing but TensorFlow to run."""

import dataclasses
import pathlib
import shutil
import typing
from collections.abc import Callable

import keras
import tensorflow as tf

from tf_twostream import flow, inputs, paper, runs
from tf_twostream.evaluation import scoring
from tf_twostream.inputs import raw_frames, views

Source = tuple[list[tf.TensorSpec], Callable[..., tuple[inputs.Element, inputs.Element]]]


def check_pair(spatial: runs.Run, temporal: runs.Run) -> None:
    """Checks that two runs are the two streams of one model.

    Raises:
        ValueError: If a stream is of the other kind or the classes differ.
    """
    for run, stream in ((spatial, "spatial"), (temporal, "temporal")):
        if run.recipe.stream != stream:
            raise ValueError(
                f"--{stream}_run must name a run of train_{stream}.py. Received: {run.path}, "
                f"a run of the {run.recipe.stream} stream."
            )
    if spatial.split.class_names != temporal.split.class_names:
        raise ValueError(
            "Both streams must know the same classes in the same order. Received: "
            f"{spatial.path} with {', '.join(spatial.split.class_names)}; "
            f"{temporal.path} with {', '.join(temporal.split.class_names)}."
        )
    if spatial.split.multi_label != temporal.split.multi_label:
        raise ValueError(
            "Both streams must give a video one class, or both several. Received: "
            f"{spatial.path}, trained on {spatial.split.name}; {temporal.path}, trained on "
            f"{temporal.split.name}."
        )


def _stream(model: keras.Model, run: runs.Run, windows: inputs.Element) -> tf.Tensor:
    """`[K]` scores of one video: each window with all its views at a time, then the mean."""
    size = tf.shape(windows["rgb"])[1:3] if "rgb" in windows else tf.shape(windows["codes"])[3:]
    crop, mirroring = run.recipe.crop_size, run.recipe.mirroring
    all_views = views.test_views(size[0], size[1], crop, mirroring=mirroring)[None]
    scorer = scoring.make_scorer(model, run.recipe, multi_label=run.split.multi_label)

    def window(element: inputs.Element) -> tf.Tensor:
        batch = {name: tensor[None] for name, tensor in element.items()}
        return scorer({**batch, "views": all_views})[0]

    scores = tf.map_fn(
        window,
        windows,
        fn_output_signature=tf.TensorSpec([model.output_shape[-1]], tf.float32),
        parallel_iterations=1,
    )
    return tf.reduce_mean(scores, axis=0)


def _from_windows(spatial: runs.Run, temporal: runs.Run) -> Source:
    """The inputs are windows of a store: what they are, and how each stream gets its own."""
    length = typing.cast(paper.TemporalRecipe, temporal.recipe).stack_length
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
    """The input is a video: what it is, and how each stream gets its windows."""
    method = temporal.store_settings["method"]
    if method not in flow.SOLVED:
        raise ValueError(
            f"--frames_in takes a temporal stream whose flow TensorFlow solves: "
            f"{' or '.join(flow.SOLVED)}. Received: {temporal.path}, trained on {method}. Leave "
            "--frames_in out, or train on a store of precompute_flow.py --method=brox."
        )
    recipe = typing.cast(paper.TemporalRecipe, temporal.recipe)
    parameters = dataclasses.replace(flow.SOLVED[method], **temporal.store_settings["parameters"])
    sides = [run.store_settings["shorter_side"] for run in (spatial, temporal)]

    def split(frames):
        appearance = raw_frames.spatial_windows(raw_frames.rescale(frames, sides[0]))
        rescaled = raw_frames.rescale(frames, sides[1])
        return appearance, raw_frames.temporal_windows(rescaled, recipe, parameters)

    return [tf.TensorSpec([None, None, None, 3], tf.uint8, "frames")], split


def export(
    spatial: runs.Run, temporal: runs.Run, output_dir: str, *, frames_in: bool = False
) -> None:
    """Writes the two-stream model of two runs as a SavedModel.

    The default signature scores one video of any size and with any number of frames:

    * `frames`: `[F, H, W, 3]` uint8 RGB, F frames at equal spacing (25 in the paper), the shorter
      side rescaled as in the store;
    * `flow`: `[G, L, 2, H, W]` uint8, G windows of L fields in the order of `inputs` (successive
      ones; of a bi-directional network L/2 forward ones, then L/2 going back), u above v, each
      component rescaled linearly from its own range to [0, 255];
    * `flow_ranges`: `[G, L, 2, 2]` float32, (min, max) of each component in pixels per frame;
    * `flow_means`: `[G, L, 2]` float32, mean vector of each whole field in pixels per frame;

    or, with `frames_in`, all from `frames` `[T, H, W, 3]` uint8 RGB, T >= 2, of any size: it
    rescales them, solves the flow and chooses the windows itself. Both return `scores` `[K]` (the
    mean of both streams), `spatial_scores`, `temporal_scores` and `class_names` `[K]`.

    Args:
        spatial: A run of the spatial stream.
        temporal: A run of the temporal stream with the same classes.
        output_dir: Where to write the SavedModel; must not exist yet.
        frames_in: Whether the model takes nothing but the frames of a video.

    Raises:
        ValueError: If the runs do not belong together, or `frames_in` is not possible.
        FileExistsError: If `output_dir` exists.
    """
    check_pair(spatial, temporal)
    if pathlib.Path(output_dir).exists():
        raise FileExistsError(f"{output_dir} exists. Choose another --output_dir, or remove it.")
    models = [runs.load_model(run)[0] for run in (spatial, temporal)]
    source = _from_frames if frames_in else _from_windows
    signature, split = source(spatial, temporal)
    class_names = tf.constant(spatial.split.class_names)

    def score(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        rgb, volumes = split(*inputs)
        appearance = _stream(models[0], spatial, rgb)
        motion = _stream(models[1], temporal, volumes)
        return {
            "scores": (appearance + motion) / 2,
            "spatial_scores": appearance,
            "temporal_scores": motion,
            "class_names": class_names,
        }

    archive = keras.export.ExportArchive()
    archive.track(models[0])
    archive.track(models[1])
    archive.add_endpoint("serving_default", score, input_signature=signature)
    partial = pathlib.Path(
        f"{pathlib.Path(output_dir)}.partial"
    )  # What is half is never taken for whole.
    shutil.rmtree(partial, ignore_errors=True)
    archive.write_out(str(partial), verbose=False)
    partial.rename(output_dir)
