"""Finds and reads clips: some snippets of a video, one behind the other (2016 paper).

A snippet is a window of flow and the RGB frame in its middle. The T snippets of a clip have equal
distances, and all have the same view.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_twostream import datasets, store
from tf_twostream.inputs import spacing, views
from tf_twostream.inputs.windows import Element, Windows
from tf_twostream.paper import recipes


class Clips:
    """Finds and reads the clips of a list of videos, inside a `tf.data` graph.

    It takes the place of `Windows` where a network sees clips.

    Attributes:
        recipe: The recipe of the network.
        videos: The videos, which the graph knows by their positions in this list.
    """

    num_draws = 7

    def __init__(
        self,
        reader: store.Reader | store.JoinedReader,
        videos: Sequence[datasets.Video],
        recipe: recipes.ConvFusionRecipe,
        *,
        labels: np.ndarray | None = None,
    ):
        """Looks up where frames and fields lie; see `Windows`."""
        self.recipe, self.videos = recipe, tuple(videos)
        self._reader, self._labels = reader, labels
        spatial, temporal = recipe.towers
        self._frames = Windows(reader, videos, spatial, labels=labels)
        self._flow = Windows(reader, videos, temporal, labels=labels)

    def subset(self, numbers: np.ndarray) -> "Clips":
        """Returns the clips of the videos at some positions of the list."""
        labels = None if self._labels is None else self._labels[numbers]
        return Clips(self._reader, [self.videos[n] for n in numbers], self.recipe, labels=labels)

    def sizes(self) -> np.ndarray:
        """Returns the heights and widths of the frames of each video in pixels, `[N, 2]`."""
        return self._flow.sizes()

    def place(self, video: tf.Tensor, draws: tf.Tensor) -> Element:
        """Chooses a clip and a view of each of B videos, as in training.

        Snippets are `snippet_stride` frames apart, each number as likely as another, or as far as
        the video allows. The first one is any of which the others fit into the video.

        Args:
            video: `[B]` integers, positions in the list of videos.
            draws: `[B, 7]` float64, uniform in [0, 1): stride, first snippet, and the view's.

        Returns:
            Rows of `locate` with "views" `[B, 1, 5]`.
        """
        num_starts = tf.gather(tf.constant(self._flow.num_starts()), video)
        fitting = tf.maximum(_longest_stride(num_starts, self.recipe), 1)
        least, most = (tf.minimum(fitting, bound) for bound in self.recipe.strides)
        stride = least + spacing.pick(draws[:, 0], most - least + 1)
        span = (self.recipe.snippets - 1) * stride
        first = spacing.pick(draws[:, 1], tf.maximum(num_starts - span, 1))
        places = self.locate(video, _starts(first, stride, num_starts, self.recipe))
        height, width = tf.unstack(places["size"], axis=1)
        places["views"] = views.random_box(
            draws[:, 2:], height, width, self.recipe.crop_size, mirroring=self.recipe.mirroring
        )
        return places

    def places_to_test(self, count: int) -> Element:
        """Places `count` clips at equal spacing in each video, all with the middle stride (ours).

        Returns:
            Rows of `locate`, the clips of a video in a row.
        """
        starts = starts_to_test(tf.constant(self._flow.num_starts()), self.recipe, count)
        numbers = np.repeat(np.arange(len(self.videos)), count)
        return self.locate(numbers, tf.reshape(starts, [-1, self.recipe.snippets]))

    def middles_to_test(self, count: int) -> np.ndarray:
        """Returns the middles of the clips of `places_to_test` in frames, `[N, count]` float64."""
        starts = starts_to_test(tf.constant(self._flow.num_starts()), self.recipe, count)
        return np.mean(starts, axis=2) + self._flow.half_lengths()[:, None]

    def locate(self, video: tf.Tensor, starts: tf.Tensor) -> Element:
        """Finds where the frames and fields of clips are.

        Args:
            video: `[B]` integers, positions in the list of videos.
            starts: `[B, T]` integers, the first field of each window of flow; the RGB frame is that
                in the middle, `start` + L/2.

        Returns:
            "flow" and "frame", rows of `Windows.locate` of T snippets each, `[B, T, ...]`; and
            "size", "label" and "video" of the video.
        """
        count = self.recipe.snippets
        flat = tf.reshape(starts, [-1])
        repeated = tf.repeat(video, count)
        num_frames = tf.gather(tf.constant(self._frames.num_starts()), repeated)
        middle = frame_of(flat, num_frames, self.recipe)
        found = {
            "flow": self._flow.locate(repeated, flat),
            "frame": self._frames.locate(repeated, middle),
        }
        clips = tf.nest.map_structure(
            lambda column: tf.reshape(column, [-1, count, *column.shape[1:]]), found
        )
        return {**clips, **{name: clips["flow"][name][:, 0] for name in ("size", "label", "video")}}

    def read(self, place: Element) -> Element:
        """Reads and decodes the records of one clip.

        Args:
            place: One row of what `locate` returns; further columns, for example views, are kept.

        Returns:
            One element of a batch of `inputs`: "codes", "ranges", "means" and "rgb" of T snippets,
            and the other columns of `place`.
        """
        kept = {name: value for name, value in place.items() if name not in ("flow", "frame")}
        read: dict[str, list[tf.Tensor]] = {}
        for windows, kind in ((self._flow, "flow"), (self._frames, "frame")):
            for number in range(self.recipe.snippets):
                snippet = windows.read({name: c[number] for name, c in place[kind].items()})
                for name in ("codes", "ranges", "means", "rgb"):
                    if name in snippet:
                        read.setdefault(name, []).append(snippet[name])
        return {**kept, **{name: tf.stack(parts) for name, parts in read.items()}}

    def batch(
        self, elements: tf.data.Dataset, size: int, *, drop_remainder: bool = True
    ) -> tf.data.Dataset:
        """Batches elements; see `Windows.batch`."""
        return self._flow.batch(elements, size, drop_remainder=drop_remainder)


def starts_to_test(
    num_starts: tf.Tensor, recipe: recipes.ConvFusionRecipe, count: int
) -> tf.Tensor:
    """Places clips at equal spacing in videos, all with the middle stride (ours).

    Args:
        num_starts: `[...]` integers, the number of windows of flow of each video.
        recipe: The recipe of the network.
        count: Clips of each video.

    Returns:
        `[..., count, T]` integers, the first fields of the windows.
    """
    stride = tf.clip_by_value(_longest_stride(num_starts, recipe), 1, sum(recipe.strides) // 2)
    span = (recipe.snippets - 1) * stride
    first = spacing.equally_spaced(tf.maximum(num_starts - span, 1), count)
    return _starts(first, stride[..., None], num_starts[..., None], recipe)


def frame_of(
    start: tf.Tensor, num_frames: tf.Tensor, recipe: recipes.ConvFusionRecipe
) -> tf.Tensor:
    """Returns the RGB frame in the middle of each window of flow, tau of a bi-directional one."""
    length = tf.minimum(num_frames - 1, recipe.window_length)  # Of a short video, fewer fields.
    return tf.minimum(start + length // 2, num_frames - 1)


def _longest_stride(num_starts: tf.Tensor, recipe: recipes.ConvFusionRecipe) -> tf.Tensor:
    """Returns the longest stride with which all snippets fit into a video; 0 if none does."""
    return (num_starts - 1) // max(1, recipe.snippets - 1)


def _starts(
    first: tf.Tensor, stride: tf.Tensor, num_starts: tf.Tensor, recipe: recipes.ConvFusionRecipe
) -> tf.Tensor:
    """Returns the starts `[..., T]` of windows; a video that is short repeats its last one."""
    steps = np.arange(recipe.snippets)
    return tf.minimum(first[..., None] + steps * stride[..., None], num_starts[..., None] - 1)


def find(
    reader: store.Reader | store.JoinedReader,
    videos: Sequence[datasets.Video],
    recipe: recipes.Recipe,
    *,
    labels: np.ndarray | None = None,
) -> Windows | Clips:
    """Looks up what a network sees of a list of videos: windows, or clips; see `Windows`."""
    if isinstance(recipe, recipes.ConvFusionRecipe):
        return Clips(reader, videos, recipe, labels=labels)
    return Windows(reader, videos, recipe, labels=labels)
