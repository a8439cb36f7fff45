"""Computes the scores of whole videos: 25 frames x 10 views, averaged (Sect. 5, "Testing")."""

from collections.abc import Callable, Sequence
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, inputs, paper, runs, store
from tf_twostream.paper import recipes
from tf_twostream.processes import progress
from tf_twostream.scores import score_files

Part = Literal["train", "test"]


def make_scorer(
    model: keras.Model, recipe: recipes.Recipe, *, multi_label: bool = False
) -> Callable[[inputs.Element], tf.Tensor]:
    """Builds the function that turns a batch of windows into their scores.

    Args:
        model: The network.
        recipe: The recipe of the network.
        multi_label: Whether a video may show several classes: each then has a sigmoid of its own
            instead of the softmax.

    Returns:
        A function from what `inputs.evaluation` yields to `[B, K]` float32 scores, averaged over
        the views.
    """
    activation = tf.sigmoid if multi_label else tf.nn.softmax

    @tf.function(reduce_retracing=True, autograph=False)
    def scorer(batch: inputs.Element) -> tf.Tensor:
        logits = model(inputs.prepare(batch, recipe), training=False)
        # The paper averages scores: in a mean of logits one confident view could outweigh the rest.
        scores = activation(tf.cast(logits, tf.float32))
        num_views = tf.shape(batch["views"])[1]
        return tf.reduce_mean(tf.reshape(scores, [-1, num_views, scores.shape[-1]]), axis=1)

    return scorer


def score_videos(
    model: keras.Model,
    recipe: recipes.Recipe,
    reader: store.Reader,
    videos: Sequence[datasets.Video],
    *,
    multi_label: bool = False,
    frames_per_batch: int = 0,
) -> np.ndarray:
    """Computes the scores of videos: the mean over 25 windows and all views of each.

    Args:
        model: The network.
        recipe: The recipe of the network.
        reader: The store that holds the videos.
        videos: N videos.
        multi_label: Whether a video may show several classes.
        frames_per_batch: Windows to forward at once, each with all its views; 0 for the 25 of a
            video, or fewer for a network that takes more memory.

    Returns:
        `[N, K]` float32 softmax scores (or sigmoids), rows in the order of `videos`.
    """
    scorer = make_scorer(model, recipe, multi_label=multi_label)
    windows = inputs.Windows(reader, videos, recipe)
    batch_size = frames_per_batch or recipe.windows_at_once
    sums = np.zeros((len(videos), model.output_shape[-1]))
    with progress.bar(len(videos) * paper.TEST_FRAMES, "frame", "testing") as bar:
        for batch in inputs.evaluation(windows, batch_size=batch_size):
            scores = scorer(batch).numpy().astype(np.float64)
            # A batch may hold windows of two videos, and several of one, which `sums[...] +=`
            # would add only once.
            np.add.at(sums, batch["video"].numpy(), scores)
            bar.update(len(scores))
    return (sums / paper.TEST_FRAMES).astype(np.float32)


def score(
    run: runs.Run, reader: store.Reader, part: Part, *, frames_per_batch: int = 0
) -> tuple[score_files.Scores, int]:
    """Scores one part of a run's split, and prints what is tested.

    Args:
        run: The run; of several tasks, the chosen one is tested.
        reader: The store that holds the videos of its split.
        part: "test", or "train" for the SVM of the fusion.
        frames_per_batch: As for `score_videos`.

    Returns:
        The scores, and the number of iterations that the network was trained for.

    Raises:
        OtherStoreError: If the store is not of the kind that the run was trained on.
        NoCheckpointError: If the run has no weights yet.
        ValueError: If the part holds no video.
    """
    runs.check_store(run, reader.settings, where=reader.path)
    split, recipe = run.split, run.recipe
    listed = split.test if part == "test" else split.train
    # Videos of added classes only help in training, and are in another store.
    videos = tuple(video for video in listed if not store.is_added(video.id))
    if not videos:
        raise ValueError(f"A part to score must hold videos. Received: {part} of {split.name}.")
    model, iterations = runs.load_model(run)
    views = f"{paper.TEST_VIEWS // 2} views (corners and centre)"
    if recipe.mirroring:
        views = f"{paper.TEST_VIEWS} views (corners and centre, plain and mirrored)"
    print(
        f"{recipe.stream} stream after {iterations:,} iterations, {split.name}, "
        f"{len(videos)} {part} videos: {paper.TEST_FRAMES} frames at equal spacing x "
        f"{views}, {'sigmoid' if split.multi_label else 'softmax'} scores averaged"
    )
    # A run of published weights has no iterations, and nothing to finish.
    if 0 < iterations < recipe.iterations:
        print(f"note: the training is not finished ({recipe.iterations:,} iterations)")
    table = score_videos(
        model,
        recipe,
        reader,
        videos,
        multi_label=split.multi_label,
        frames_per_batch=frames_per_batch,
    )
    ids, labels = tuple(video.id for video in videos), datasets.label_array(videos, split)
    return score_files.Scores(ids, labels, split.class_names, table), iterations
