"""Computes what a layer of a network gives for whole videos, as in the test of the network."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, inputs, runs, store
from tf_twostream.evaluation import scoring
from tf_twostream.models import inner_layers
from tf_twostream.paper import recipes, testing
from tf_twostream.processes import progress

Per = Literal["video", "window", "second"]
_WINDOWS_PER_SECOND = 2  # At least (ours), so that a window lies in each second.


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """What a layer of F units gives for a video.

    Attributes:
        video_id: The video.
        values: `[F]` float32, the mean over the windows; or `[N, F]`, of N windows or seconds.
        times: In seconds from the beginning of the video: `[N]` float64, the middle of each window,
            or the beginning of each second; of the mean a scalar, the middle of all windows. NaN if
            the header of the video gives no frames per second.
        frames: The same in frames, counted from 0: it may be half-way between two.
    """

    video_id: str
    values: np.ndarray
    times: np.ndarray
    frames: np.ndarray


class Extractor:
    """A network that is cut behind a layer, and how to look at videos with it.

    Attributes:
        run: The run of the network.
        layer: The name of the layer.
        per: What a row of features is of.
        protocol: How many windows and views.
        iterations: Of the training.
    """

    def __init__(
        self,
        run: runs.Run,
        *,
        layer: str = "",
        per: Per = "video",
        protocol: testing.Testing = testing.PAPER,
    ):
        """Loads the network.

        Args:
            run: The run; of several tasks, the logits are of the chosen one.
            layer: A name as in `inner_layers`; the last before the classes if empty.
            per: "video", the mean over all windows; "window"; or "second", the mean over the
                windows in it, of which there are then so many that each second has some.
            protocol: How many windows and views; features are averaged over the views.

        Raises:
            UnknownLayerError: If there is no such layer.
            NoCheckpointError: If the run has no weights yet.
            ValueError: If the protocol says how to average scores.
        """
        if protocol.average:
            rule = "`average` must be None of features, which are averaged as they are"
            raise ValueError(f"{rule}. Received: {protocol.average}.")
        self.run, self.per, self.protocol = run, per, protocol
        self._model, self.iterations = runs.load_model(run)
        self.layer = layer or inner_layers.last_before_classes(self._model, run.recipe)
        # Traced once, however often `extract` is called.
        self._compute = make_extractor(self._model, run.recipe, self.layer)

    def extract(self, reader: store.Reader, videos: Sequence[datasets.Video]) -> Iterator[Features]:
        """Computes the features of videos, in any order; one video at a time is in memory.

        Args:
            reader: The store that holds the videos.
            videos: The videos; for features per second, of known frames per second.
        """
        own, recipe = self.protocol.of(self.run.recipe), self.run.recipe
        with progress.bar(len(videos), "video", "features") as bar:
            for network, numbers in scoring.networks_for(
                self._model, self.run, reader, videos, own.views
            ):
                compute = self._compute
                if network is not self._model:  # Of whole frames of another size.
                    compute = make_extractor(network, recipe, self.layer)
                for count, chosen in self._counts(reader, [videos[n] for n in numbers]):
                    windows = inputs.find(reader, chosen, recipe)
                    batches = inputs.evaluation(
                        windows, batch_size=own.at_once, num_windows=count, kind=own.views
                    )
                    rows = (row for batch in batches for row in compute(batch).numpy())
                    for video, frames in zip(chosen, windows.middles_to_test(count)):
                        # The windows of a video follow one another.
                        values = np.stack([next(rows) for _ in range(count)])
                        yield self._summarise(video.id, values, frames, reader.fps(video.id))
                        bar.update()

    def _counts(
        self, reader: store.Reader, videos: Sequence[datasets.Video]
    ) -> Iterator[tuple[int, list[datasets.Video]]]:
        """Yields numbers of windows with the videos of which so many are looked at."""
        least = self.protocol.of(self.run.recipe).num_windows
        groups: dict[int, list[datasets.Video]] = {}
        for video in videos:
            times = 1
            if self.per == "second":
                seconds = reader.num_frames(video.id) / reader.fps(video.id)
                times = max(1, math.ceil(_WINDOWS_PER_SECOND * seconds / least))
            groups.setdefault(times * least, []).append(video)
        yield from groups.items()

    def _summarise(
        self, video_id: str, values: np.ndarray, frames: np.ndarray, fps: float
    ) -> Features:
        """Averages the windows of a video, `[N, F]`, as far as it is asked for."""
        times = frames / fps if fps else np.full(len(frames), np.nan)
        if self.per == "video":
            values, times, frames = values.mean(axis=0), times.mean(), frames.mean()
        elif self.per == "second":
            seconds, member, counts = np.unique(
                np.floor(times), return_inverse=True, return_counts=True
            )
            sums = np.zeros((len(seconds), values.shape[1]))
            np.add.at(sums, member, values)
            values, times, frames = sums / counts[:, None], seconds, seconds * fps
        return Features(video_id, values.astype(np.float32), np.asarray(times), np.asarray(frames))


def make_extractor(
    model: keras.Model, recipe: recipes.Recipe, layer: str
) -> Callable[[inputs.Element], tf.Tensor]:
    """Builds the function that turns a batch of windows, or clips, into features.

    Args:
        model: The network.
        recipe: Its recipe.
        layer: The layer.

    Returns:
        A function from what `inputs.evaluation` yields to `[B, F]` float32: means over the views
        and, of maps, over all places; of clips over their snippets.
    """
    network = inner_layers.up_to(model, recipe, layer)

    @tf.function(reduce_retracing=True, autograph=False)
    def compute(batch: inputs.Element) -> tf.Tensor:
        outputs = tf.nest.flatten(network(inputs.prepare(batch, recipe), training=False))
        values = tf.reduce_mean(tf.stack([tf.cast(x, tf.float32) for x in outputs]), axis=0)
        # The views of a window follow one another, and so do its snippets and places.
        count = tf.shape(batch["views"])[0]
        return tf.reduce_mean(tf.reshape(values, [count, -1, values.shape[-1]]), axis=1)

    return compute
