"""Shows where in a video each stream finds what speaks for a class (`models.activation_maps`)."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import datasets, inputs, models, runs, store
from tf_twostream.evaluation import scoring
from tf_twostream.figures import pictures
from tf_twostream.models import activation_maps
from tf_twostream.paper import recipes, testing

ROWS = 5  # Moments of a video in its picture.


class OneStreamError(ValueError):
    """Maps are asked for of a network that is not of one stream."""


@dataclasses.dataclass(frozen=True, eq=False)
class Heat:
    """The maps of one video and one stream, on the grid of a layer.

    Attributes:
        maps: `[N, h, w]` float32 in [0, 1], of N windows. All have one scale, so that they compare
            over time: the largest number of the video is 1, unless all are 0.
        frames: `[N]` integers, the frame in the middle of each window.
        rows: `[h]` where the rows of the grid are, from 0 at the upper edge of the frame to 1.
        columns: `[w]` where its columns are, from 0 at the left edge to 1.
    """

    maps: np.ndarray
    frames: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    def at(self, frame: int, size: Sequence[int]) -> np.ndarray:
        """Returns the map of the window that is nearest to a frame, interpolated bilinearly.

        Args:
            frame: The number of the frame, from 0.
            size: Height and width in pixels, of any scale.

        Returns:
            `[H, W]` float32 in [0, 1].
        """
        grid = self.maps[np.abs(self.frames - frame).argmin()]
        return _weights(self.rows, size[0]) @ grid @ _weights(self.columns, size[1]).T


def _weights(places: np.ndarray, count: int) -> np.ndarray:
    """Returns how much each place of a grid counts for each of `count` pixels, `[count, h]`."""
    pixels = (np.arange(count) + 0.5) / count
    each = [np.interp(pixels, places, place) for place in np.eye(len(places))]
    return np.stack(each, axis=1).astype(np.float32)


def check(streams: Sequence[runs.Run]) -> None:
    """Checks that runs are of networks of which there are maps.

    Raises:
        OneStreamError: If one joins two towers, whose maps would be of both at once.
    """
    for run in streams:
        if not isinstance(run.recipe, recipes.TowerRecipe):
            rule = "Activation maps must be of networks of one stream"
            raise OneStreamError(f"{rule}. Received: {run.path}, {run.recipe.stream}.")


class Explainer:
    """Computes where one stream finds what speaks for a class, in the windows that are scored.

    The network looks at whole frames, plain, whichever views are scored: maps then cover all of the
    frame, and views need not be laid side by side. A function for each size of frames is compiled
    once, however often it is called.
    """

    def __init__(self, model: keras.Model, run: runs.Run, protocol: testing.Testing):
        """Prepares the network.

        Args:
            model: The network of the run's task.
            run: The run, of one stream.
            protocol: How many windows there are of each video.
        """
        self._model, self._run = model, run
        self._recipe = cast(recipes.TowerRecipe, run.recipe)
        self._protocol = protocol.of(run.recipe)
        self._mappers: dict[tuple[int, int] | None, _Mapper] = {}

    def explain(
        self, reader: store.Reader, videos: Sequence[datasets.Video], classes: np.ndarray
    ) -> list[Heat]:
        """Computes the maps of N videos.

        Args:
            reader: The store that holds the videos.
            videos: N videos.
            classes: `[N]` integers, the class to explain of each.
        """
        own, recipe = self._protocol, self._recipe
        heats: dict[int, Heat] = {}
        for frame, numbers in scoring.groups(self._run, reader, videos, "dense"):
            if frame not in self._mappers:
                self._mappers[frame] = _mapper(self._model, self._run, frame)
            mapper = self._mappers[frame]
            windows = inputs.Windows(reader, [videos[n] for n in numbers], recipe)
            stream = inputs.evaluation(
                windows, batch_size=own.at_once, num_windows=own.num_windows, kind="dense"
            )
            maps = []
            for batch in stream:
                plain = {**batch, "views": batch["views"][:, :1]}  # The mirrored one says no more.
                wanted = classes[numbers[batch["video"].numpy()]]
                maps.append(mapper.compute(inputs.prepare(plain, recipe), wanted).numpy())
            by_video = np.split(np.concatenate(maps), len(numbers))
            starts = inputs.equally_spaced(windows.num_starts(), own.num_windows)
            for number, own_maps, first in zip(numbers, by_video, starts):
                last = reader.num_frames(videos[number].id) - 1
                frames = np.minimum(first + recipe.window_length // 2, last)
                scaled = own_maps / max(own_maps.max(), 1e-12)
                heats[number] = Heat(scaled, frames, mapper.rows, mapper.columns)
        return [heats[number] for number in range(len(videos))]


@dataclasses.dataclass(frozen=True)
class _Mapper:
    """Computes maps from inputs and classes, on a grid as that of `Heat`."""

    compute: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    rows: np.ndarray
    columns: np.ndarray


def _mapper(model: keras.Model, run: runs.Run, frame: tuple[int, int] | None) -> _Mapper:
    """Makes a mapper for whole frames of a size."""
    network = runs.for_frames(run, model, frame) if frame else model
    stage = models.architecture_of(cast(recipes.TowerRecipe, run.recipe)).explained
    sides = zip(activation_maps.centres(network, stage), network.input_shape[1:3])
    rows, columns = ((centres + 0.5) / side for centres, side in sides)
    return _Mapper(activation_maps.make_mapper(network, stage), rows, columns)


def draw(reader: store.Reader, video_id: str, heats: Mapping[str, Heat], text: str) -> np.ndarray:
    """Draws some moments of a video below each other: the frame, its flow, the maps over the frame.

    Args:
        reader: The store that holds the video; its flow is drawn if there is any.
        video_id: The video.
        heats: The maps of each stream, by its name.
        text: The line to draw above.

    Returns:
        `[H, W, 3]` uint8 RGB.
    """
    count = reader.num_frames(video_id)
    has_flow = "forward" in reader.settings.kinds
    moments = inputs.equally_spaced(np.array([count]), ROWS)[0].tolist()
    frames = [next(reader.frames(video_id, moment, 1)) for moment in moments]
    columns = {"frame": frames}
    if has_flow:  # From the last frame no field leads on.
        fields = [next(reader.fields(video_id, min(m, count - 2), 1)) for m in moments]
        columns["flow"] = pictures.flow_colours(fields)
    for stream, heat in heats.items():
        columns[f"{stream} map"] = [
            pictures.heated(frame, heat.at(moment, frame.shape))
            for moment, frame in zip(moments, frames)
        ]
    return pictures.columns(columns, text)
