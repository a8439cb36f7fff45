"""Finds and reads windows: the successive records of a video that make one input of a network.

A window holds the L fields of a volume, one RGB frame, or the T frames of slow fusion. The
docstring of the package says in which order, and what becomes of them.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from tf_twostream import datasets, store
from tf_twostream.flow import codec
from tf_twostream.inputs import parallel, spacing, views
from tf_twostream.paper import recipes
from tf_twostream.store import records

Element = dict[str, tf.Tensor]

# What says where records are; reading uses it up.
_PLACE = ("path", "first", "record", "count")


class Windows:
    """Finds and reads the windows of a list of videos, inside a `tf.data` graph.

    Example:
        >>> from tf_twostream import datasets, inputs, store
        >>> from tf_twostream.paper import recipes
        >>> recipe = recipes.TemporalRecipe(stack_length=4, crop_size=41)
        >>> reader = store.Reader(example_store)
        >>> videos = [datasets.Video(reader.video_ids[0], 0)]
        >>> windows = inputs.Windows(reader, videos, recipe)
        >>> windows.num_starts().tolist()  # Of 12 frames, which have 11 fields.
        [8]
        >>> places = windows.locate([0, 0], [0, 7])
        >>> first = {name: column[0] for name, column in places.items()}
        >>> windows.read(first)["codes"].shape.as_list()  # L, 2, H, W
        [4, 2, 48, 64]

    Attributes:
        recipe: The recipe of the network.
        videos: The videos, which the graph knows by their positions in this list.
    """

    num_draws = 4

    def __init__(
        self,
        reader: store.Reader | store.JoinedReader,
        videos: Sequence[datasets.Video],
        recipe: recipes.Recipe,
        *,
        labels: np.ndarray | None = None,
    ):
        """Looks up where the records of the videos are.

        Args:
            reader: The store, or several stores joined.
            videos: N videos, at least one.
            recipe: The recipe of the network; it says which kinds of records a window holds, and
                how many.
            labels: The labels as the network learns them, `[N]` int32, or `[N, K]` bool where a
                video may show several of K classes; by default the first label of each video.

        Raises:
            CropError: If the network's input is larger than the frames.
            MissingVideoError: If the store lacks a video, or flow in a direction of the recipe.
            ValueError: If there is no video.
        """
        recipes.check_crop(recipe, reader.settings.shorter_side)
        if not videos:
            raise ValueError("There must be a video to read. Received: none.")
        if labels is None:
            labels = np.array([video.label for video in videos], np.int32)
        self.recipe, self.videos = recipe, tuple(videos)
        self._coding = reader.settings.flow_coding
        video_ids = [video.id for video in videos]
        tables = [reader.table(video_ids, kind) for kind in recipe.kinds]
        # A volume in both directions takes half of its records from each kind.
        self._share = recipe.window_length // len(recipe.kinds)
        # One kind speaks for both: a video has as many backward fields as forward ones, of one
        # size, and its records have the same numbers.
        table = tables[0]
        self._num_records = table.num_records
        size = np.stack([table.height, table.width], axis=1)
        self._sizes = size
        self._have_one_size = bool((size == size[0]).all())
        with tf.device("CPU"):  # `tf.data` looks up there; a GPU's memory has other uses.
            self._folders = tf.constant(table.folders)
            # Not in NumPy and called from the graph: a stream that ends waits for its threads, and
            # these would wait for Python's lock, which it holds.
            self._lengths = [tf.constant(table.lengths) for table in tables]
            self._columns = {
                "store": tf.constant(table.store),
                "id": tf.constant(table.video_ids, tf.string),
                "first": tf.constant(table.first),
                "num_records": tf.constant(self._num_records),
                "size": tf.constant(size, tf.int32),
                "label": tf.constant(labels),
            }
            # Here and not in the graph, which would hold a copy for each use.
            self._num_starts = tf.constant(self.num_starts())
        short = int(np.sum(self._num_records < recipe.window_length))
        self._some_are_short = short > 0
        if short:
            what = "fields" if recipe.sees_flow else "frames"
            words = "%d of %d videos have fewer than %d %s; they repeat their last one."
            logging.warning(words, short, len(videos), recipe.window_length, what)

    def sizes(self) -> np.ndarray:
        """Returns the heights and widths of the frames of each video in pixels, `[N, 2]`."""
        return self._sizes

    def place(self, video: tf.Tensor, draws: tf.Tensor) -> Element:
        """Chooses a window and a view of each of B videos, as in training.

        Args:
            video: `[B]` integers, positions in the list of videos.
            draws: `[B, 4]` float64, uniform in [0, 1): window, and the view's.

        Returns:
            Rows of `locate` with "views" `[B, 1, 3]`.
        """
        num_starts = tf.gather(self._num_starts, video)
        places = self.locate(video, spacing.pick(draws[:, 0], num_starts))
        height, width = tf.unstack(places["size"], axis=1)
        places["views"] = views.random_view(
            draws[:, 1:], height, width, self.recipe.crop_size, mirroring=self.recipe.mirroring
        )
        return places

    def places_to_test(self, count: int) -> Element:
        """Places `count` windows at equal spacing in each video.

        Returns:
            Rows of `locate`, the windows of a video in a row.
        """
        starts = spacing.equally_spaced(self.num_starts(), count)
        return self.locate(np.repeat(np.arange(len(self.videos)), count), starts.ravel())

    def middles_to_test(self, count: int) -> np.ndarray:
        """Returns the middles of the windows of `places_to_test` in frames, `[N, count]` float64.

        It may be half-way from one frame to the next; L fields lie between L + 1 frames.
        """
        starts = spacing.equally_spaced(self.num_starts(), count)
        return starts + self.half_lengths()[:, None]

    def half_lengths(self) -> np.ndarray:
        """Returns how far the middle of a window is from its first frame, `[N]` float64."""
        records = np.minimum(self._num_records, self.recipe.window_length)
        return (records - (0 if self.recipe.sees_flow else 1)) / 2

    def num_starts(self) -> np.ndarray:
        """Returns the number of windows of each video, `[N]` int64; 1 where a video is short."""
        return np.maximum(self._num_records - self.recipe.window_length, 0) + 1

    def locate(self, video: tf.Tensor, start: tf.Tensor) -> Element:
        """Finds the files and the bytes at which the records of windows begin.

        A store numbers the records of a video in the order of time: RGB record t is frame t,
        forward record t is the field from frame t to frame t + 1, and backward record t is the
        field from frame t + 1 back to frame t. L is the recipe's `window_length`, also where the
        records are frames.

        In one direction tau is `start`, and a window holds the records `start` ...
        `start` + L - 1. In both directions the window covers the same L + 1 frames, from `start` to
        `start` + L, but tau is the frame in the middle, `start` + L/2. It holds the forward records
        tau ... tau + L/2 - 1 and the backward records tau - L/2 ... tau - 1; `read` reverses the
        latter, so that they lead away from tau. With L = 4 and `start` = 3, for example, tau is
        frame 5: the forward records are 5 and 6, the backward ones 3 and 4, read as 4 and 3.

        A video with fewer than L records has one window, at `start` = 0, whose "count" is smaller;
        `read` then repeats the last record of each direction.

        Args:
            video: `[B]` integers, positions in the list of videos.
            start: `[B]` integers, the first frame of each window, from 0 to `num_starts` - 1 of
                its video.

        Returns:
            A row per window, with D = 2 kinds of records if there are both directions, else 1:

            * "path": `[B, D]` string, the files that hold the records;
            * "record": `[B, D]` int64, the number of the first of the records in its file;
            * "first": `[B]` int64, where the lengths of the video's records begin, see `Table`;
            * "count": `[B, D]` int64, how many to read from there, in the order of time: L / D, or
              as many as there are, at least 1;
            * "size", "label" and "video" as in a batch of `inputs`.
        """
        columns = {name: tf.gather(values, video) for name, values in self._columns.items()}
        number, name = columns.pop("store"), columns.pop("id")
        available = columns.pop("num_records")
        if "backward" in self.recipe.kinds:
            tau = start + tf.minimum(available, self.recipe.window_length) // 2
            begins = [tau, tf.maximum(tau - self._share, 0)]
            # In a video of two frames tau is frame 0, from which no field leads backward: the only
            # backward field, from frame 1 to frame 0, is read instead, so that there is one.
            counts = [available - tau, tf.maximum(tau, 1)]
        else:
            begins, counts = [start], [available]
        folder = tf.gather(self._folders, number)
        paths = [records.paths(folder, name, kind) for kind in self.recipe.kinds]
        return {
            **columns,
            "path": tf.stack(paths, axis=1),
            "record": tf.cast(tf.stack(begins, axis=1), tf.int64),
            "count": tf.minimum(tf.stack(counts, axis=1), self._share),
            "video": tf.cast(video, tf.int32),
        }

    def read(self, place: Element) -> Element:
        """Reads and decodes the records of one window.

        Args:
            place: One row of what `locate` returns; further columns, for example views, are kept.

        Returns:
            One element of a batch of `inputs`: "codes", "ranges" and "means", or "rgb", and the
            columns of `place` that do not say where the records are.
        """
        serialized, size = self.records(place), place["size"]
        kept = {name: value for name, value in place.items() if name not in _PLACE}
        if self.recipe.sees_flow:
            return {**kept, **_decode_flow(serialized, size, self._coding)}
        return {**kept, **_decode_rgb(serialized, size)}

    def records(self, place: Element) -> tf.Tensor:
        """Reads the records of one window and leaves them coded.

        Args:
            place: One row of what `locate` returns.

        Returns:
            `[L]` string, in the order of the input's channels.
        """
        parts = []
        for number, kind in enumerate(self.recipe.kinds):
            # Reading ten records takes 1 ms, decoding them 4 ms: no more is decoded than is used.
            path, record, count = (place[name][number] for name in ("path", "record", "count"))
            offset = records.offset(self._lengths[number], place["first"], record)
            serialized = records.read_records(path, offset, count)
            if kind == "backward":
                serialized = serialized[::-1]  # A file is in the order of time, see `locate`.
            if self._some_are_short:  # Else copying the records would be in vain.
                last = tf.shape(serialized)[0] - 1
                serialized = tf.gather(serialized, tf.minimum(tf.range(self._share), last))
            parts.append(tf.ensure_shape(serialized, [self._share]))
        return tf.concat(parts, axis=0)

    def batch(
        self, elements: tf.data.Dataset, size: int, *, drop_remainder: bool = True
    ) -> tf.data.Dataset:
        """Batches elements, and pads frames that are smaller than others of the batch.

        Args:
            elements: What `read` returns.
            size: Elements per batch.
            drop_remainder: Whether to leave out a last batch that is smaller.

        Returns:
            Batches as in `inputs`.
        """
        # Padding takes twice as long as batching, even where there is nothing to pad.
        batch = elements.batch if self._have_one_size else elements.padded_batch
        return parallel.ahead(batch(size, drop_remainder=drop_remainder))


def _decode_flow(serialized: tf.Tensor, size: tf.Tensor, coding: codec.CodingName) -> Element:
    """Decodes the records `[L]` of fields of height and width `size` `[2]`."""
    fields, length = records.parse_flow(serialized, coding), serialized.shape[0]
    # A record is one image, u above v: one large image is decoded faster than two small ones.
    codes = tf.reshape(DECODERS[coding](fields[coding]), [length, 2, size[0], size[1]])
    return {"codes": codes, "ranges": fields["range"], "means": fields["mean"]}


def _decode_rgb(serialized: tf.Tensor, size: tf.Tensor) -> Element:
    """Decodes the records `[T]` of frames of height and width `size` `[2]`."""
    jpegs, length = records.parse_rgb(serialized)["jpeg"], serialized.shape[0]
    if length == 1:  # A map over a single image would add a fourth to its time.
        return {"rgb": tf.reshape(_decode_jpeg(jpegs[0], 3), [size[0], size[1], 3])}
    frames = tf.reshape(decode_jpegs(jpegs, 3), [length, size[0], size[1], 3])
    stack = tf.transpose(frames, [1, 2, 0, 3])  # Time becomes a part of the channels.
    return {"rgb": tf.reshape(stack, [size[0], size[1], 3 * length])}


def decode_jpegs(images: tf.Tensor, channels: int) -> tf.Tensor:
    """Decodes JPEG images of one size.

    Args:
        images: `[L]` string.
        channels: 1 of grey images, 3 of RGB.

    Returns:
        `[L, H, W, channels]` uint8.
    """
    # A map over the images was 2 to 4 times faster than an op for each of them.
    return tf.map_fn(
        lambda jpeg: _decode_jpeg(jpeg, channels),
        images,
        fn_output_signature=tf.TensorSpec([None, None, channels], tf.uint8),
    )


# What `flow.codec.CODINGS` encodes, for the graph: from `[L]` string to uint8 of any shape.
DECODERS: dict[codec.CodingName, Callable[[tf.Tensor], tf.Tensor]] = {
    "jpeg": lambda images: decode_jpegs(images, 1),
    "raw": lambda codes: tf.io.decode_raw(codes, tf.uint8),
}


def _decode_jpeg(image: tf.Tensor, channels: int) -> tf.Tensor:
    # The accurate DCT gives what OpenCV reads from a store; TensorFlow's default is up to 4 levels
    # away from it.
    return tf.io.decode_jpeg(image, channels=channels, dct_method="INTEGER_ACCURATE")
