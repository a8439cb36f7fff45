"""Learns bilinear fusion: no layers follow the outer products, but a linear SVM (2016 paper).

The decision values of the SVM are a last layer like any other, so the run is a run like any other.
"""

import pathlib
from typing import cast

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, inputs, models, runs
from tf_twostream.paper import recipes, testing
from tf_twostream.processes import progress
from tf_twostream.scores import learning
from tf_twostream.training import devices, towers
from tf_twostream.training.checkpoints import Checkpoints
from tf_twostream.training.execution import Execution
from tf_twostream.training.steps import make_optimizer
from tf_twostream.training.videos import Videos

_MOST_OF_MEMORY = 0.8  # Of what is free: the rest is for the networks.


class TooManyFeaturesError(ValueError):
    """The features of all videos do not fit into memory."""


def learn(data: Videos, recipe: recipes.ConvFusionRecipe, execution: Execution) -> runs.Run:
    """Learns the SVM, or finds that it is learnt.

    Each training video is seen as in testing, at clips of whole frames, plain and mirrored, and the
    mean of its normalised outer products is one sample of the SVM (ours).

    Args:
        data: The training videos.
        recipe: The towers, and where they are joined.
        execution: The run folder.

    Returns:
        The run.

    Raises:
        TooManyFeaturesError: If the features do not fit into memory.
        ValueError: If recipe, data or run folder contradict each other.
    """
    strategy = devices.make_strategy(
        gpu_memory=execution.gpu_memory, host_timeout=execution.host_timeout
    )
    learnt = data.read(recipe)
    run = runs.Run(pathlib.Path(execution.run_dir), recipe, learnt.tasks)
    labels = datasets.label_array(run.split.train, run.split)
    learning.check_classes(labels, run.split.class_names)
    towers.check(run, "this store")
    with devices.sole_writer(strategy, run.path), devices.wording_lost_hosts():
        if devices.is_first_host(strategy):
            runs.create(run)
        if runs.newest(run) is not None:
            print(f"{run.path} is trained; nothing to do.")
            return run
        with strategy.scope():
            model = runs.build_model(run)
        runs.start_towers(model, run)
        clips = cast(inputs.Clips, learnt.windows[0])
        features = compute(model, run, clips)
        coefficients, intercepts = _fit(features, labels)
        model.get_layer(models.LAST_LAYER).set_weights([coefficients.T, intercepts])
        with strategy.scope():
            optimizer = make_optimizer(recipe, [])
        checkpoints = Checkpoints(run, model, optimizer, strategy)
        checkpoints.save(0)
        if run.split.validation:  # There is but one.
            checkpoints.keep_as_best()
    print(f"trained:    {run.path}, a linear SVM on {features.shape[1]:,} numbers a video")
    return run


def compute(model: keras.Model, run: runs.Run, clips: inputs.Clips) -> np.ndarray:
    """Computes the mean of the outer products of each training video: `[N, D * D']` float32.

    Raises:
        TooManyFeaturesError: If they do not fit into memory.
    """
    layer = model.get_layer(models.LAST_LAYER)
    shape = (len(clips.videos), layer.kernel.shape[0])
    check_memory(*shape)
    own = testing.PAPER.of(run.recipe)
    features = np.zeros(shape, np.float32)
    sizes = clips.sizes()
    with progress.bar(shape[0] * own.num_windows, "clip", "features") as bar:
        for size in np.unique(sizes, axis=0):
            numbers = np.flatnonzero((sizes == size).all(axis=1))
            network = runs.for_frames(run, model, (int(size[0]), int(size[1])))
            body = keras.Model(network.input, network.get_layer(models.LAST_LAYER).input)

            @tf.function(reduce_retracing=True, autograph=False)
            def products(batch: inputs.Element, body: keras.Model = body) -> tf.Tensor:
                rows = body(inputs.prepare(batch, run.recipe), training=False)
                return tf.reduce_mean(
                    tf.reshape(rows, [tf.shape(batch["video"])[0], -1, rows.shape[-1]]), axis=1
                )

            stream = inputs.evaluation(
                clips.subset(numbers),
                batch_size=own.at_once,
                num_windows=own.num_windows,
                kind=own.views,
            )
            for batch in stream:
                np.add.at(features, numbers[batch["video"].numpy()], products(batch).numpy())
                bar.update(len(batch["label"]))
    features /= own.num_windows
    return features


def check_memory(num_videos: int, num_features: int) -> None:
    """Checks that the features of all videos fit into memory.

    Raises:
        TooManyFeaturesError: If they do not.
    """
    needed, free = 4 * num_videos * num_features, _free_memory()
    if needed > _MOST_OF_MEMORY * free:
        rule = "The outer products of all training videos must fit into memory"
        given = f"{num_videos:,} videos x {num_features:,} numbers, {needed / 2**30:.1f} GiB"
        raise TooManyFeaturesError(f"{rule}, {free / 2**30:.1f} GiB. Received: {given}.")


def _free_memory() -> int:
    """Returns the bytes that a process can still have, as Linux estimates them."""
    text = pathlib.Path("/proc/meminfo").read_text()
    [line] = [line for line in text.splitlines() if line.startswith("MemAvailable:")]
    return 1024 * int(line.split()[1])


def _fit(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Trains the SVM of `learning.fit_svm` where there are far more features than videos.

    All that it sees of the videos is their inner products. So it is trained on the coordinates of
    the N videos in the space that they span, which gives the same decision values.
    """
    gram = (features @ features.T).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    spanned = values > 1e-7 * values.max()
    roots = np.sqrt(values[spanned])
    coefficients, intercepts = learning.fit_svm(vectors[:, spanned] * roots, labels)
    back = (vectors[:, spanned] / roots) @ coefficients.T  # [N, K]
    return (features.T @ back.astype(np.float32)).T, intercepts
