"""Class scores of whole videos: 25 frames x 10 views, averaged (paper, Sect. 5, "Testing")."""

import dataclasses
import sys
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
import tqdm

from tf_twostream import cli, datasets, inputs, metrics, paper, runs, score_fusion, store


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to evaluate."""

    run_dir: str = cli.knob(cli.REQUIRED, "Run folder of the network.")
    store: str = cli.knob(cli.REQUIRED, "Store with the videos of the run's split.")
    task: str = cli.knob(
        "", "Task of a run of train_multitask.py to test; empty for the first, or the only one."
    )
    part: str = cli.knob("test", "Part of the split: test, or train (for the SVM of the fusion).")
    scores: str = cli.knob(cli.REQUIRED, "The .npz file to write: ids, labels, classes, scores.")
    frames_per_batch: int = cli.knob(
        paper.TEST_FRAMES, "Frames, or volumes, that the device holds at once, with ten views each."
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        if self.part not in ("train", "test"):
            raise ValueError(f"--part is train or test. Received: {self.part!r}.")
        if self.frames_per_batch < 1:
            raise ValueError(
                f"`frames_per_batch` must be at least 1. Received: {self.frames_per_batch}."
            )


def make_scorer(model: keras.Model, recipe: paper.Recipe) -> Callable[[inputs.Element], tf.Tensor]:
    """Builds the function from a batch of windows to their scores.

    Args:
        model: The network.
        recipe: Its recipe.

    Returns:
        A function from what `inputs.evaluation` yields to `[B, K]` softmax scores: the mean over
        the views of the softmax, not the softmax of the mean.
    """

    @tf.function(reduce_retracing=True)
    def scorer(batch: inputs.Element) -> tf.Tensor:
        logits = model(inputs.prepare(batch, recipe), training=False)
        scores = tf.nn.softmax(tf.cast(logits, tf.float32))
        num_views = tf.shape(batch["views"])[1]
        return tf.reduce_mean(tf.reshape(scores, [-1, num_views, scores.shape[-1]]), axis=1)

    return scorer


def score_videos(
    model: keras.Model,
    recipe: paper.Recipe,
    reader: store.Reader,
    videos: Sequence[datasets.Video],
    *,
    frames_per_batch: int = paper.TEST_FRAMES,
    progress: bool = True,
) -> np.ndarray:
    """Computes the scores of videos.

    Args:
        model: The network.
        recipe: Its recipe.
        reader: The store that holds the videos.
        videos: N videos.
        frames_per_batch: Windows to forward at once, each with ten views.
        progress: Whether to show a progress bar.

    Returns:
        `[N, K]` float32 softmax scores, rows in the order of `videos`.
    """
    scorer = make_scorer(model, recipe)
    sums = np.zeros((len(videos), model.output_shape[-1]))
    bar = tqdm.tqdm(
        total=len(videos) * paper.TEST_FRAMES,
        unit="frame",
        desc="testing",
        disable=not progress,
        mininterval=1 if sys.stderr.isatty() else 30,  # Seconds; a log file needs fewer lines.
    )
    for batch in inputs.evaluation(reader, videos, recipe, batch_size=frames_per_batch):
        scores = scorer(batch).numpy().astype(np.float64)
        np.add.at(sums, batch["video"].numpy(), scores)
        bar.update(len(scores))
    bar.close()
    return (sums / paper.TEST_FRAMES).astype(np.float32)


def evaluate(options: Options) -> score_fusion.Scores:
    """Scores one part of a run's split and writes the scores file.

    Args:
        options: The run, the store, the part and the file to write.

    Returns:
        The scores.

    Raises:
        ValueError: If the store is not of the kind that the run was trained on.
        OSError: If the run or the store is missing.
    """
    run = runs.load(options.run_dir, options.task)
    reader = store.Reader(options.store)
    runs.check_store(run, reader.settings, where=options.store)
    listed = run.split.test if options.part == "test" else run.split.train
    videos = tuple(video for video in listed if not video.store)  # The others only help training.
    if not videos:
        raise ValueError(
            f"The {options.part} part of {run.split.name} holds no video. Score --part=train, or "
            "train on a data set with test videos."
        )
    model, iterations = runs.load_model(run)
    print(
        f"{run.recipe.stream} stream after {iterations:,} iterations, {run.split.name}, "
        f"{len(videos)} {options.part} videos: {paper.TEST_FRAMES} frames at equal spacing x "
        f"{paper.TEST_VIEWS} views (corners and centre, mirrored), softmax scores averaged"
    )
    if iterations < run.recipe.iterations:
        print(f"note: the training is not finished ({run.recipe.iterations:,} iterations)")
    scores = score_fusion.Scores(
        video_ids=tuple(video.id for video in videos),
        labels=np.array([video.label for video in videos], np.int64),
        class_names=run.split.class_names,
        scores=score_videos(
            model, run.recipe, reader, videos, frames_per_batch=options.frames_per_batch
        ),
    )
    score_fusion.save_scores(options.scores, scores)
    print(f"video accuracy     {100 * metrics.accuracy(scores.scores, scores.labels):6.2f} %")
    print(
        f"mean class recall  {100 * metrics.mean_class_recall(scores.scores, scores.labels):6.2f} %"
    )
    print(f"scores: {options.scores}")
    return scores
