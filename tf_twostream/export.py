"""The two streams as one SavedModel that needs nothing but TensorFlow to run."""

import pathlib
import shutil
from collections.abc import Sequence

import keras
import tensorflow as tf

from tf_twostream import evaluation, inputs, paper, runs, views


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


def _stream(model: keras.Model, recipe: paper.Recipe, windows: inputs.Element) -> tf.Tensor:
    """`[K]` scores of one video: each window with its ten views at a time, then the mean."""
    size = tf.shape(windows["rgb"])[1:3] if "rgb" in windows else tf.shape(windows["codes"])[3:]
    ten = views.ten_views(size[0], size[1], recipe.crop_size)[None]
    scorer = evaluation.make_scorer(model, recipe)

    def window(element: inputs.Element) -> tf.Tensor:
        batch = {name: tensor[None] for name, tensor in element.items()}
        return scorer({**batch, "views": ten})[0]

    scores = tf.map_fn(
        window,
        windows,
        fn_output_signature=tf.TensorSpec([model.output_shape[-1]], tf.float32),
        parallel_iterations=1,
    )
    return tf.reduce_mean(scores, axis=0)


def export(spatial: runs.Run, temporal: runs.Run, output_dir: str) -> None:
    """Writes the two-stream model of two runs as a SavedModel.

    The default signature scores one video of any size and with any number of frames:

    * `frames`: `[F, H, W, 3]` uint8 RGB, F frames at equal spacing (25 in the paper), the shorter
      side rescaled as in the store;
    * `flow`: `[G, L, 2, H, W]` uint8, G windows of L successive fields, u above v, each component
      rescaled linearly from its own range to [0, 255];
    * `flow_ranges`: `[G, L, 2, 2]` float32, (min, max) of each component in pixels per frame;
    * `flow_means`: `[G, L, 2]` float32, mean vector of each whole field in pixels per frame;

    and returns `scores` `[K]` (the mean of both streams), `spatial_scores`, `temporal_scores` and
    `class_names` `[K]`.

    Args:
        spatial: A run of the spatial stream.
        temporal: A run of the temporal stream with the same classes.
        output_dir: Where to write the SavedModel; must not exist yet.

    Raises:
        ValueError: If the runs do not belong together.
        FileExistsError: If `output_dir` exists.
    """
    check_pair(spatial, temporal)
    if pathlib.Path(output_dir).exists():
        raise FileExistsError(f"{output_dir} exists. Choose another --output_dir, or remove it.")
    models = [runs.load_model(run)[0] for run in (spatial, temporal)]
    length = models[1].input_shape[-1] // 2
    class_names = tf.constant(spatial.split.class_names)

    def score(
        frames: tf.Tensor, flow: tf.Tensor, flow_ranges: tf.Tensor, flow_means: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        volume = {"codes": flow, "ranges": flow_ranges, "means": flow_means}
        appearance = _stream(models[0], spatial.recipe, {"rgb": frames})
        motion = _stream(models[1], temporal.recipe, volume)
        return {
            "scores": (appearance + motion) / 2,
            "spatial_scores": appearance,
            "temporal_scores": motion,
            "class_names": class_names,
        }

    archive = keras.export.ExportArchive()
    archive.track(models[0])
    archive.track(models[1])
    signature: Sequence[tf.TensorSpec] = [
        tf.TensorSpec([None, None, None, 3], tf.uint8, "frames"),
        tf.TensorSpec([None, length, 2, None, None], tf.uint8, "flow"),
        tf.TensorSpec([None, length, 2, 2], tf.float32, "flow_ranges"),
        tf.TensorSpec([None, length, 2], tf.float32, "flow_means"),
    ]
    archive.add_endpoint("serving_default", score, input_signature=signature)
    partial = pathlib.Path(f"{output_dir}.partial")  # What is half is never taken for whole.
    shutil.rmtree(partial, ignore_errors=True)
    archive.write_out(str(partial), verbose=False)
    partial.rename(output_dir)
