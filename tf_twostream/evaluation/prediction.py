"""Labels new videos, from the file to fused scores, with the code that trained and tested.

The frames and the flow of the videos go into a temporary store, as before training, and are scored
as in the evaluation. So the scores are those that `scoring.score` gives for the same videos. Of a
video only what the networks look at is kept, and only that flow is computed.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import keras
import numpy as np

from tf_twostream import datasets, runs, store
from tf_twostream.evaluation import explanation, labelled_video, pairs, scoring, temporary_store
from tf_twostream.figures import pictures
from tf_twostream.paper import testing
from tf_twostream.precompute import extraction
from tf_twostream.precompute.resources import Resources
from tf_twostream.processes import files
from tf_twostream.scores import fusion


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says about one video.

    Attributes:
        video: The file, as it was given.
        class_names: K names.
        scores: `[K]` fused softmax scores (sigmoids, if a video may show several).
        streams: By stream, its own `[K]` scores.
        are_decisions: Whether `scores` are decision values of an SVM instead, of any size.
        drawn: The labelled video; empty if none is asked for.
        explained: The picture of its activation maps; likewise.
    """

    video: str
    class_names: tuple[str, ...]
    scores: np.ndarray
    streams: dict[str, np.ndarray]
    are_decisions: bool = False
    drawn: str = ""
    explained: str = ""

    def describe(self, score: float) -> str:
        """Words a score: in percent, or as a decision value."""
        return f"{score:8.3f}" if self.are_decisions else f"{100 * score:6.2f} %"

    @property
    def title(self) -> str:
        """The most likely class and its share in percent, as far as fonts can draw the name."""
        label = int(self.scores.argmax())
        words = pictures.drawable_class(label, self.class_names[label])
        return words if self.are_decisions else f"{words} {100 * self.scores[label]:.0f} %"

    def best(self, count: int = 5) -> list[tuple[str, float]]:
        """Returns the `count` most likely classes with their scores, best first."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        return [(self.class_names[k], float(self.scores[k])) for k in order]


def predict(
    videos: Sequence[str],
    streams: Sequence[runs.Run],
    resources: Resources,
    *,
    protocol: testing.Testing = testing.PAPER,
    score_fusion: fusion.Fusion | None = None,
    output_dir: str = "",
    explain: bool = False,
) -> tuple[list[Prediction], dict[str, str]]:
    """Scores videos with one stream or with both.

    Args:
        videos: Video files.
        streams: A run of the spatial stream, one of the temporal stream, or both in this order.
        resources: What the machine may spend on decoding and flow.
        protocol: How many frames and views to look at.
        score_fusion: How to fuse the streams; None for their average.
        output_dir: The folder to draw each video into, with its flow and label; empty for none.
        explain: Whether to draw the activation maps of the label, too, into the labelled video and
            a picture beside it.

    Returns:
        Predictions in the order of the videos that could be read, and the reasons why others could
        not be read, or not be drawn.

    Raises:
        PairError: If the runs do not belong together.
        FusionError: If the fusion is of other streams or classes.
        OtherFlowError: If flow as in the training cannot be computed here.
        OneStreamError: If maps are asked for of two joined towers.
        ValueError: If a labelled video would overwrite a video.
        OSError: If no labelled video can be written.
    """
    ids = temporary_store.number(videos)
    # What can be checked is checked first: decoding and flow take most of the time.
    drawn = dict(zip(ids, labelled_video.paths(output_dir, videos))) if output_dir else {}
    pages = _pictures(drawn, streams) if explain else {}
    if len(streams) == 2:
        pairs.check_pair(*streams)
    own = pairs.check_fusion(score_fusion, streams)
    # The labelled video shows every frame, the networks see few of them.
    seen = None if drawn else protocol
    with temporary_store.fill(ids, streams, resources, protocol=seen) as (reader, failed):
        known = [datasets.Video(video_id, 0) for video_id in reader.video_ids]
        if not known:
            return [], failed
        scores: dict[str, np.ndarray] = {}
        networks = [runs.load_model(run)[0] for run in streams]
        for run, model in zip(streams, networks):
            scores |= scoring.score_videos(model, run, reader, known, protocol=protocol)
        several = streams[0].split.multi_label
        fused = own.fuse(np.stack([scores[s] for s in own.streams]), multi_label=several)
        predictions = [
            Prediction(
                ids[video.id],
                own.class_names,
                fused[n],
                {stream: rows[n] for stream, rows in scores.items()},
                own.is_svm,
                drawn.get(video.id, ""),
                pages.get(video.id, ""),
            )
            for n, video in enumerate(known)
        ]
        explained = zip(streams, networks if pages else [])
        heats = _explain(explained, reader, known, fused.argmax(axis=1), protocol)
        for video, item, own_heats in zip(known, predictions if drawn else [], heats):
            job = extraction.Job(video.id, item.video, reader.settings, reader.settings.kinds)
            try:
                _draw(item, job, reader, own_heats, resources.timeout)
            except OSError as error:  # It is no reason to lose the labels.
                failed[item.video] = f"no labelled video: {error}"
    return predictions, failed


def _pictures(drawn: dict[str, str], streams: Sequence[runs.Run]) -> dict[str, str]:
    """Names the pictures beside labelled videos, and checks that they can be drawn."""
    explanation.check(streams)
    pages = {name: f"{path.removesuffix('.mp4')}_explained.png" for name, path in drawn.items()}
    for path in pages.values():
        files.check_output(path, "output_dir")
    return pages


def _explain(
    networks: Iterable[tuple[runs.Run, keras.Model]],
    reader: store.Reader,
    videos: Sequence[datasets.Video],
    labels: np.ndarray,
    protocol: testing.Testing,
) -> list[dict[str, explanation.Heat]]:
    """Computes the activation maps of each video, by the names of the streams."""
    heats: list[dict[str, explanation.Heat]] = [{} for _ in videos]
    for run, model in networks:
        explainer = explanation.Explainer(model, run, protocol)
        for own, heat in zip(heats, explainer.explain(reader, videos, labels)):
            own[run.recipe.stream] = heat
    return heats


def _draw(
    item: Prediction,
    job: extraction.Job,
    reader: store.Reader,
    heats: dict[str, explanation.Heat],
    timeout: float,
) -> None:
    """Draws the labelled video and, if there are maps, their picture."""
    labelled_video.write(item.drawn, job, reader, item.title, timeout, heats.values())
    if heats:
        page = explanation.draw(reader, job.video_id, heats, item.title)
        pictures.write_png(item.explained, page)
