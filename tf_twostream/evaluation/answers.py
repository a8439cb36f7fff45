"""Answers what a single clip of a stranger shows: label, scores, and what can be drawn of it.

Nobody knows what such a clip is. So its size and its length are limited, it is opened in workers
alone, and whatever is wrong with it is a `limits.ClipError` with a sentence for who sent it.
"""

import dataclasses
import io

import numpy as np

from tf_twostream import datasets, store
from tf_twostream.evaluation import (
    explanation,
    labelled_video,
    prediction,
    temporary_store,
    two_stream,
)
from tf_twostream.figures import pictures, reports, timeline
from tf_twostream.paper import recipes
from tf_twostream.precompute import extraction, limits
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import files
from tf_twostream.scores import segments

DRAWN_SIDE = 360  # Pixels, the shorter side of larger clips when they are drawn.
MOST_ASPECT = 4  # Networks see whole frames where maps are drawn, at the cost of their area.
SMOOTH = 5  # Windows; one shows a single frame, or ten fields.


@dataclasses.dataclass(frozen=True)
class Answer:
    """What was found in a clip.

    Attributes:
        prediction: Label, scores, and the files of the labelled video and the maps.
        timeline: The picture of the scores over time.
    """

    prediction: prediction.Prediction
    timeline: str


class Answerer:
    """Labels clips, one after the other, with networks that are loaded once.

    Attributes:
        can_explain: Whether there are activation maps of the networks.
        gives_decisions: Whether fused scores are decision values, of any size.
    """

    def __init__(self, model: two_stream.TwoStream, resources: Resources, most: limits.Limits):
        """Prepares to answer.

        Args:
            model: The networks.
            resources: What the machine may spend on decoding and flow.
            most: How large a clip may be.
        """
        self._model, self._resources, self._most = model, resources, most
        self.gives_decisions = model.are_decisions
        self.can_explain = all(isinstance(r.recipe, recipes.TowerRecipe) for r in model.streams)

    def answer(self, clip: str, folder: str, *, explain: bool = False) -> Answer:
        """Labels a clip.

        Args:
            clip: The file.
            folder: Where to draw.
            explain: Whether to draw activation maps, too.

        Raises:
            limits.ClipError: If the clip is too large, too long or no video.
        """
        num_frames = limits.check(clip, self._most, self._resources.timeout)
        with temporary_store.fill(
            {"clip": clip},
            self._model.streams,
            self._resources,
            protocol=None,  # The labelled video shows every frame.
            most_frames=num_frames,
        ) as (reader, failed):
            if failed:
                raise limits.ClipError(limits.sentence(failed[clip], clip))
            height, width = reader.size("clip")
            if max(height, width) > MOST_ASPECT * min(height, width):
                rule = f"The longer side must be {MOST_ASPECT} times the shorter one at most"
                raise limits.ClipError(f"{rule}. This clip has {width} x {height}, rescaled.")
            return self._answer(clip, reader, folder, explain)

    def _answer(self, clip: str, reader: store.Reader, folder: str, explain: bool) -> Answer:
        video = datasets.Video("clip", 0)
        streams, by_window = self._model.over_time(reader, video)
        [scores] = self._model.fuse({name: own[None] for name, own in streams.items()})
        drawn, explained = (files.join(folder, name) for name in ("labelled.mp4", "maps.png"))
        found = prediction.Prediction(
            clip,
            self._model.class_names,
            scores,
            streams,
            self._model.are_decisions,
            drawn,
            explained if explain else "",
        )
        heats: dict[str, explanation.Heat] = {}
        if explain:
            heats = self._model.explain(reader, video, int(scores.argmax()))
            page = explanation.draw(reader, video.id, heats, found.title)
            pictures.write_png(explained, page)
        job = extraction.Job(video.id, clip, reader.settings, reader.settings.kinds)
        labelled_video.write(
            drawn,
            job,
            reader,
            found.title,
            self._resources.timeout,
            heats.values(),
            shorter_side=DRAWN_SIDE,
        )
        fps = labelled_video.true_fps(reader, video.id)
        seconds = reader.num_frames(video.id) / fps
        path = self._draw_timeline(self._model.fuse(by_window), seconds, found.title, folder)
        return Answer(found, path)

    def _draw_timeline(self, scores: np.ndarray, seconds: float, title: str, folder: str) -> str:
        """Draws the scores of N windows `[N, K]`, each of which stands for its share of a clip."""
        edges = np.linspace(0, seconds, len(scores) + 1)
        times = np.stack([edges[:-1], edges[1:]], axis=1)
        names = self._model.class_names
        smoothed = segments.moving_mean(scores, SMOOTH)
        merged = segments.find(times, smoothed, names)
        data = io.BytesIO()
        timeline.draw(times, smoothed, names, merged, title).savefig(data, dpi=reports.DPI)
        path = files.join(folder, "timeline.png")
        files.write(path, data.getvalue())
        return path
