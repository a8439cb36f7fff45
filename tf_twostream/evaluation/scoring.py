"""Class scores of whole videos: 25 frames x 10 views, averaged (paper, Sect. 5, "Testing")."""

import dataclasses
import sys
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
import tqdm

from tf_twostream import cli, datasets, inputs, paper, runs, store
from tf_twostream.figures import tensorboard
from tf_twostream.scores import metrics, score_files

VIEWS = {
    True: f"{paper.TEST_VIEWS} views (corners and centre, plain and mirrored)",
    False: f"{paper.TEST_VIEWS // 2} views (corners and centre)",
}
SLOW_FUSION_FRAMES = 5  # At once: each stack with its views takes 0.7 GB in the network.


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
        0,
        "Frames, or volumes, that the device holds at once, with all views each. Default: the "
        f"{paper.TEST_FRAMES} of a video; {SLOW_FUSION_FRAMES} stacks of slow fusion.",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        if self.part not in ("train", "test"):
            raise ValueError(f"--part is train or test. Received: {self.part!r}.")
        if self.frames_per_batch < 0:
            raise ValueError(
                "`frames_per_batch` must be at least 1, or 0 for the default. "
                f"Received: {self.frames_per_batch}."
            )


def make_scorer(
    model: keras.Model, recipe: paper.Recipe, *, multi_label: bool = False
) -> Callable[[inputs.Element], tf.Tensor]:
    """Builds the function from a batch of windows to their scores.

    Args:
        model: The network.
        recipe: Its recipe.
        multi_label: Whether a video may show several classes: a sigmoid each, not the softmax.

    Returns:
        A function from what `inputs.evaluation` yields to `[B, K]` scores: the mean over the views
        of the softmax, not the softmax of the mean.
    """
    activation = tf.sigmoid if multi_label else tf.nn.softmax

    @tf.function(reduce_retracing=True)
    def scorer(batch: inputs.Element) -> tf.Tensor:
        logits = model(inputs.prepare(batch, recipe), training=False)
        scores = activation(tf.cast(logits, tf.float32))
        num_views = tf.shape(batch["views"])[1]
        return tf.reduce_mean(tf.reshape(scores, [-1, num_views, scores.shape[-1]]), axis=1)

    return scorer


def score_videos(
    model: keras.Model,
    recipe: paper.Recipe,
    reader: store.Reader,
    videos: Sequence[datasets.Video],
    *,
    multi_label: bool = False,
    frames_per_batch: int = 0,
    progress: bool = True,
) -> np.ndarray:
    """Computes the scores of videos.

    Args:
        model: The network.
        recipe: Its recipe.
        reader: The store that holds the videos.
        videos: N videos.
        multi_label: Whether a video may show several classes.
        frames_per_batch: Windows to forward at once, each with all its views; 0 for the 25 of a
            video, or fewer of a network that takes more memory.
        progress: Whether to show a progress bar.

    Returns:
        `[N, K]` float32 softmax scores (or sigmoids), rows in the order of `videos`.
    """
    scorer = make_scorer(model, recipe, multi_label=multi_label)
    if not frames_per_batch:
        slow = isinstance(recipe, paper.SlowFusionRecipe)
        frames_per_batch = SLOW_FUSION_FRAMES if slow else paper.TEST_FRAMES
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


def evaluate(options: Options) -> score_files.Scores:
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
    split = run.split
    reader = store.Reader(options.store)
    runs.check_store(run, reader.settings, where=options.store)
    listed = split.test if options.part == "test" else split.train
    videos = tuple(video for video in listed if not video.store)  # The others only help training.
    if not videos:
        raise ValueError(
            f"The {options.part} part of {split.name} holds no video. Score --part=train, or "
            "train on a data set with test videos."
        )
    model, iterations = runs.load_model(run)
    print(
        f"{run.recipe.stream} stream after {iterations:,} iterations, {split.name}, "
        f"{len(videos)} {options.part} videos: {paper.TEST_FRAMES} frames at equal spacing x "
        f"{VIEWS[run.recipe.mirroring]}, "
        f"{'sigmoid' if split.multi_label else 'softmax'} scores averaged"
    )
    if 0 < iterations < run.recipe.iterations:
        print(f"note: the training is not finished ({run.recipe.iterations:,} iterations)")
    scores = score_files.Scores(
        video_ids=tuple(video.id for video in videos),
        labels=datasets.label_array(videos, split.several_of),
        class_names=split.class_names,
        scores=score_videos(
            model,
            run.recipe,
            reader,
            videos,
            multi_label=split.multi_label,
            frames_per_batch=options.frames_per_batch,
        ),
    )
    score_files.save_scores(options.scores, scores)
    for name, value in metrics.measure(scores.scores, scores.labels).items():
        print(f"{name.replace('_', ' '):22}  {100 * value:6.2f} %")
    tensorboard.write_scores(run, options.part, scores, iterations)
    print(f"scores: {options.scores}")
    return scores
