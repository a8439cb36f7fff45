"""Computes the scores of whole videos: 25 frames x 10 views, averaged (Sect. 5, "Testing")."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, inputs, paper, runs, store
from tf_twostream.evaluation import replicas
from tf_twostream.models import conv_fusion
from tf_twostream.paper import recipes, testing
from tf_twostream.processes import printing, progress
from tf_twostream.scores import score_files
from tf_twostream.training import devices

Part = Literal["train", "validation", "test"]


class EmptyPartError(ValueError):
    """A part of a split holds no video."""


def make_scorer(
    model: keras.Model,
    recipe: recipes.Recipe,
    *,
    multi_label: bool = False,
    average: testing.Average = "scores",
) -> Callable[[inputs.Element], tf.Tensor]:
    """Builds the function that turns a batch of windows, or clips, into their scores.

    Args:
        model: The network, of N towers that end in classes: one, or two.
        recipe: The recipe of the network.
        multi_label: Whether a video may show several classes: each then has a sigmoid of its own
            instead of the softmax.
        average: What is averaged: softmax scores as in the paper, or logits.

    Returns:
        A function from what `inputs.evaluation` yields to `[B, N, K]` float32 scores (or logits),
        averaged over the views.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def scorer(batch: inputs.Element) -> tf.Tensor:
        outputs = model(inputs.prepare(batch, recipe), training=False)
        logits = tf.stack(tf.nest.flatten(outputs), axis=1)
        # The paper averages scores: in a mean of logits one confident view could outweigh the rest.
        values = to_scores(logits, multi_label) if average == "scores" else logits
        num_views = tf.shape(batch["views"])[1]
        by_view = tf.reshape(values, [-1, num_views, *values.shape[1:]])
        return tf.reduce_mean(by_view, axis=1)

    return scorer


def to_scores(logits: tf.Tensor, multi_label: bool) -> tf.Tensor:
    """Turns logits `[..., K]` into softmax scores, or sigmoids where a video may show several."""
    logits = tf.cast(logits, tf.float32)
    return tf.sigmoid(logits) if multi_label else tf.nn.softmax(logits)


class Tester:
    """Computes the scores of videos by one network: the mean over 25 windows and all views of each.

    A function for each size of frames is compiled once, however often it is called.
    """

    def __init__(
        self,
        model: keras.Model,
        run: runs.Run,
        protocol: testing.Testing,
        strategy: tf.distribute.Strategy | None = None,
    ):
        """Prepares the network.

        Args:
            model: The network of the run's task.
            run: The run.
            protocol: How many windows and views; each network's own paper's by default.
            strategy: The devices in whose scope the network was built; the current one by default.
        """
        self._model, self._run = model, run
        self._strategy = strategy or tf.distribute.get_strategy()
        self._protocol = protocol.of(run.recipe)
        self._scorers: dict[tuple[int, int] | None, Callable[[inputs.Element], tf.Tensor]] = {}

    def scores(
        self,
        reader: store.Reader,
        videos: Sequence[datasets.Video],
        *,
        show_progress: bool = True,
    ) -> dict[str, np.ndarray]:
        """Scores videos.

        Args:
            reader: The store that holds the videos.
            videos: N videos.
            show_progress: Whether there is a progress bar.

        Returns:
            By the name of its stream `[N, K]` float32 softmax scores (or sigmoids), rows in the
            order of `videos`; of a network that keeps two towers also those of each, by their
            names.
        """
        outputs = tf.nest.flatten(self._model.output)
        sums = np.zeros((len(videos), len(outputs), outputs[0].shape[-1]))
        for numbers, scores in self._batches(reader, videos, show_progress=show_progress):
            # A batch may hold windows of two videos, and several of one, which `sums[...] +=` would
            # add only once.
            np.add.at(sums, numbers, scores)
        return self._tables(sums / self._protocol.num_windows)

    def over_time(
        self, reader: store.Reader, video: datasets.Video
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Scores one video, and each of the windows whose mean that is.

        Args:
            reader: The store that holds the video.
            video: The video.

        Returns:
            As `scores`, `[K]` of the video and `[N, K]` of its N windows, in their order.
        """
        values = np.concatenate([scores for _, scores in self._batches(reader, [video])])
        return self._tables(values.mean(axis=0)), self._tables(values)

    def _batches(
        self, reader: store.Reader, videos: Sequence[datasets.Video], *, show_progress: bool = False
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields the numbers of the videos of windows `[B]`, and what the scorer says of each."""
        own, recipe = self._protocol, self._run.recipe
        unit = "clip" if recipe.sees_clips else "frame"
        total, hidden = len(videos) * own.num_windows, not show_progress
        doing = f"testing the {recipe.stream.replace('_', ' ')} stream"
        with progress.bar(total, unit, doing, disable=hidden) as bar:
            for frame, numbers in groups(self._run, reader, videos, own.views):
                scorer = self._scorer(frame)
                stream = inputs.evaluation(
                    inputs.find(reader, [videos[n] for n in numbers], recipe),
                    # So many on each device: windows of several videos fill them.
                    batch_size=own.at_once * self._strategy.num_replicas_in_sync,
                    num_windows=own.num_windows,
                    kind=own.views,
                )
                for batch in stream:
                    scores = scorer(batch).numpy().astype(np.float64)
                    yield numbers[batch["video"].numpy()], scores
                    bar.update(len(scores))

    def _tables(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Turns values of N towers `[..., N, K]` into `[..., K]` scores by stream."""
        tables = [values.mean(axis=-2)]
        if values.shape[-2] > 1:
            tables.extend(np.moveaxis(values, -2, 0))  # Not +=, which NumPy would make a sum.
        if self._protocol.average == "logits":
            several = self._run.split.multi_label
            tables = [to_scores(table, several).numpy() for table in tables]
        names = [self._run.recipe.stream, *conv_fusion.TOWERS]
        return {name: table.astype(np.float32) for name, table in zip(names, tables)}

    def _scorer(self, frame: tuple[int, int] | None) -> Callable[[inputs.Element], tf.Tensor]:
        if frame not in self._scorers:
            with self._strategy.scope():
                model = runs.for_frames(self._run, self._model, frame) if frame else self._model
            scorer = make_scorer(
                model,
                self._run.recipe,
                multi_label=self._run.split.multi_label,
                average=self._protocol.average,
            )
            self._scorers[frame] = replicas.share(scorer, self._strategy)
        return self._scorers[frame]


def score_videos(
    model: keras.Model,
    run: runs.Run,
    reader: store.Reader,
    videos: Sequence[datasets.Video],
    *,
    protocol: testing.Testing = testing.PAPER,
    strategy: tf.distribute.Strategy | None = None,
) -> dict[str, np.ndarray]:
    """Computes the scores of videos once; see `Tester`."""
    return Tester(model, run, protocol, strategy).scores(reader, videos)


def networks_for(
    model: keras.Model,
    run: runs.Run,
    reader: store.Reader,
    videos: Sequence[datasets.Video],
    kind: testing.Views,
) -> Iterator[tuple[keras.Model, np.ndarray]]:
    """Yields networks with the numbers of the videos that each can take.

    Args:
        model: The network of the run's task.
        run: The run.
        reader: The store that holds the videos.
        videos: N videos.
        kind: What is seen of each frame.
    """
    for frame, numbers in groups(run, reader, videos, kind):
        yield (runs.for_frames(run, model, frame) if frame else model), numbers


def groups(
    run: runs.Run, reader: store.Reader, videos: Sequence[datasets.Video], kind: testing.Views
) -> Iterator[tuple[tuple[int, int] | None, np.ndarray]]:
    """Yields sizes of frames with the numbers of the videos that have them.

    One network takes crops of all videos, whatever their size: None. Whole frames of each size need
    a network of their own.

    Args:
        run: The run.
        reader: The store that holds the videos.
        videos: N videos.
        kind: What is seen of each frame.
    """
    if kind != "dense":
        yield None, np.arange(len(videos))
        return
    # Each network is traced anew, of which TensorFlow warns when there are many.
    tf.get_logger().setLevel("ERROR")
    sizes = inputs.find(reader, videos, run.recipe).sizes()
    for size in np.unique(sizes, axis=0):
        yield (int(size[0]), int(size[1])), np.flatnonzero((sizes == size).all(axis=1))


def score(
    run: runs.Run,
    reader: store.Reader,
    part: Part,
    *,
    protocol: testing.Testing = testing.PAPER,
    other: datasets.Split | None = None,
) -> tuple[dict[str, score_files.Scores], int]:
    """Scores one part of a run's split, or of another one, and prints what is tested.

    Args:
        run: The run; of several tasks, the chosen one is tested.
        reader: The store that holds the videos of the split.
        part: "test", "train" for the SVM of the fusion, or "validation" to choose by.
        protocol: As for `score_videos`.
        other: Another data set, labelled by the run's classes (`other_sets.read`).

    Returns:
        The scores, by the names of `score_videos`, and the number of iterations that the network
        was trained for.

    Raises:
        OtherStoreError: If the store is not of the kind that the run was trained on.
        NoCheckpointError: If the run has no weights yet.
        EmptyPartError: If the part holds no video.
    """
    runs.check_store(run, reader.settings, where=reader.path)
    split, recipe = other or run.split, run.recipe
    listed: tuple[datasets.Video, ...] = getattr(split, part)
    # Videos of added classes only help in training, and are in another store.
    videos = tuple(video for video in listed if not store.is_added(video.id))
    if not videos:
        rule = "A part to score must hold videos"
        raise EmptyPartError(f"{rule}. Received: {part} of {split.name}.")
    if other is None:
        runs.check_videos(run, reader, videos)
    strategy = devices.of_this_host()
    with strategy.scope():  # Each GPU gets a copy of the weights.
        model, iterations = runs.load_model(run)
    print(
        f"{recipe.stream.replace('_', ' ')} stream after {printing.count(iterations, 'iteration')} "
        f"({run.checkpoint} checkpoint), "
        f"{split.name}, {printing.count(len(videos), f'{part} video')}: "
        f"{_describe(protocol, recipe)}, {_describe_average(protocol, run)} averaged"
    )
    # A run of published weights has no iterations, and nothing to finish.
    if 0 < iterations < recipe.iterations and run.checkpoint == "last":
        print(f"note: the training has done {iterations:,} of {recipe.iterations:,} iterations")
    tables = score_videos(model, run, reader, videos, protocol=protocol, strategy=strategy)
    ids, labels = tuple(video.id for video in videos), datasets.label_array(videos, split)
    groups = tuple(video.group for video in videos)
    scores = {
        name: score_files.Scores(
            ids, labels, split.class_names, table, groups, stream=name, part=part
        )
        for name, table in tables.items()
    }
    return scores, iterations


def _describe_average(protocol: testing.Testing, run: runs.Run) -> str:
    if protocol.of(run.recipe).average == "logits":
        return "class values (before the softmax)"
    return f"{'sigmoid' if run.split.multi_label else 'softmax'} scores"


def _describe(protocol: testing.Testing, recipe: recipes.Recipe) -> str:
    """Words how a video is looked at."""
    own = protocol.of(recipe)
    frames = f"{own.num_windows} {'clips' if recipe.sees_clips else 'frames'} at equal spacing x"
    if own.views == "center":
        return f"{frames} the centre view"
    if own.views == "dense":
        return f"{frames} the whole frame{', plain and mirrored' if recipe.mirroring else ''}"
    if recipe.mirroring:
        return f"{frames} {paper.TEST_VIEWS} views (corners and centre, plain and mirrored)"
    return f"{frames} {paper.TEST_VIEWS // 2} views (corners and centre)"
