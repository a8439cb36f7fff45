"""Computes the scores of whole videos: 25 frames x 10 views, averaged (Sect. 5, "Testing")."""

from collections.abc import Callable, Sequence
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, inputs, paper, runs, store
from tf_twostream.paper import recipes, testing
from tf_twostream.processes import progress
from tf_twostream.scores import score_files

Part = Literal["train", "validation", "test"]


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
    protocol: testing.Testing = testing.PAPER,
) -> np.ndarray:
    """Computes the scores of videos: the mean over 25 windows and all views of each.

    Args:
        model: The network.
        recipe: The recipe of the network.
        reader: The store that holds the videos.
        videos: N videos.
        multi_label: Whether a video may show several classes.
        protocol: How many windows and views; the paper's by default.

    Returns:
        `[N, K]` float32 softmax scores (or sigmoids), rows in the order of `videos`.
    """
    scorer = make_scorer(model, recipe, multi_label=multi_label)
    windows = inputs.Windows(reader, videos, recipe)
    stream = inputs.evaluation(
        windows,
        batch_size=protocol.frames_per_batch or recipe.windows_at_once,
        num_frames=protocol.num_frames,
        centre_only=protocol.test == "center",
    )
    sums = np.zeros((len(videos), model.output_shape[-1]))
    with progress.bar(len(videos) * protocol.num_frames, "frame", "testing") as bar:
        for batch in stream:
            scores = scorer(batch).numpy().astype(np.float64)
            # A batch may hold windows of two videos, and several of one, which `sums[...] +=`
            # would add only once.
            np.add.at(sums, batch["video"].numpy(), scores)
            bar.update(len(scores))
    return (sums / protocol.num_frames).astype(np.float32)


def score(
    run: runs.Run,
    reader: store.Reader,
    part: Part,
    *,
    protocol: testing.Testing = testing.PAPER,
) -> tuple[score_files.Scores, int]:
    """Scores one part of a run's split, and prints what is tested.

    Args:
        run: The run; of several tasks, the chosen one is tested.
        reader: The store that holds the videos of its split.
        part: "test", "train" for the SVM of the fusion, or "validation" to choose by.
        protocol: As for `score_videos`.

    Returns:
        The scores, and the number of iterations that the network was trained for.

    Raises:
        OtherStoreError: If the store is not of the kind that the run was trained on.
        NoCheckpointError: If the run has no weights yet.
        ValueError: If the part holds no video.
    """
    runs.check_store(run, reader.settings, where=reader.path)
    split, recipe = run.split, run.recipe
    listed: tuple[datasets.Video, ...] = getattr(split, part)
    # Videos of added classes only help in training, and are in another store.
    videos = tuple(video for video in listed if not store.is_added(video.id))
    if not videos:
        raise ValueError(f"A part to score must hold videos. Received: {part} of {split.name}.")
    model, iterations = runs.load_model(run)
    print(
        f"{recipe.stream} stream after {iterations:,} iterations ({run.checkpoint} checkpoint), "
        f"{split.name}, {len(videos)} {part} videos: {_describe(protocol, recipe)}, "
        f"{'sigmoid' if split.multi_label else 'softmax'} scores averaged"
    )
    # A run of published weights has no iterations, and nothing to finish.
    if 0 < iterations < recipe.iterations and run.checkpoint == "last":
        print(f"note: the training has done {iterations:,} of {recipe.iterations:,} iterations")
    table = score_videos(
        model,
        recipe,
        reader,
        videos,
        multi_label=split.multi_label,
        protocol=protocol,
    )
    ids, labels = tuple(video.id for video in videos), datasets.label_array(videos, split)
    groups = tuple(video.group for video in videos)
    scores = score_files.Scores(
        ids, labels, split.class_names, table, groups, stream=recipe.stream, part=part
    )
    return scores, iterations


def _describe(protocol: testing.Testing, recipe: recipes.Recipe) -> str:
    """Words how a video is looked at."""
    frames = f"{protocol.num_frames} frames at equal spacing x"
    if protocol.test == "center":
        return f"{frames} the centre view"
    if recipe.mirroring:
        return f"{frames} {paper.TEST_VIEWS} views (corners and centre, plain and mirrored)"
    return f"{frames} {paper.TEST_VIEWS // 2} views (corners and centre)"
