"""What a report is about: runs, their scores, how these are fused, and the store of the videos."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import keras
import numpy as np

from tf_twostream import datasets, runs, store
from tf_twostream.evaluation import pairs
from tf_twostream.reports import measures
from tf_twostream.scores import fusion, score_files
from tf_twostream.scores.score_files import Scores


class MaterialError(ValueError):
    """A report cannot be about a run, or scores are not those of its runs."""


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """All that a report tells of.

    Attributes:
        streams: The runs, one or two, the spatial one first.
        scores: Of each stream, by its name, the scores of the test videos, in one order.
        validation: Likewise of the validation videos; nothing if they are not known.
        fusion: How the streams are fused.
        score_fusion: The file that says so; empty for the average.
        reader: The store of the videos.
        steps: Folder of the records of steps; empty for none.
        exported: Folder of the exported model; empty for none.
    """

    streams: tuple[runs.Run, ...]
    scores: dict[str, Scores]
    validation: dict[str, Scores]
    fusion: fusion.Fusion
    score_fusion: str
    reader: store.Reader
    steps: str = ""
    exported: str = ""

    @property
    def split(self) -> datasets.Split:
        """What the streams learnt from, and what they are tested on."""
        return self.streams[0].split

    @property
    def videos(self) -> Scores:
        """The test videos: their ids, labels and recordings."""
        return next(iter(self.scores.values()))

    @functools.cached_property
    def networks(self) -> dict[str, tuple[keras.Model, int]]:
        """By the names of the streams, the networks and for how many iterations they learnt."""
        return {run.recipe.stream: runs.load_model(run) for run in self.streams}

    @functools.cached_property
    def fused(self) -> np.ndarray:
        """`[N, K]` scores of the test videos by all streams; decision values of an SVM."""
        return self._fuse(self.scores)

    @functools.cached_property
    def tables(self) -> dict[str, np.ndarray]:
        """`[N, K]` by the names of the streams and, of two, "fused"."""
        return self._tables(self.scores, self.fused)

    @functools.cached_property
    def measured(self) -> dict[str, measures.Measured]:
        """What these tables amount to."""
        return {name: measures.measure(self.videos, t) for name, t in self.tables.items()}

    @functools.cached_property
    def measured_on_validation(self) -> dict[str, measures.Measured]:
        """Likewise of the validation videos; nothing if they are not known."""
        if not self.validation:
            return {}
        videos = next(iter(self.validation.values()))
        tables = self._tables(self.validation, self._fuse(self.validation))
        return {name: measures.measure(videos, table) for name, table in tables.items()}

    def _fuse(self, scores: dict[str, Scores]) -> np.ndarray:
        return self.fusion.apply([scores[name] for name in self.fusion.streams])

    def _tables(self, scores: dict[str, Scores], fused: np.ndarray) -> dict[str, np.ndarray]:
        tables = {name: own.scores for name, own in scores.items()}
        return tables | ({"fused": fused} if len(tables) > 1 else {})


def load(
    streams: Sequence[runs.Run],
    *,
    store_path: str,
    scores: Sequence[str],
    validation_scores: Sequence[str] = (),
    score_fusion: str = "",
    steps: str = "",
    exported: str = "",
) -> Material:
    """Loads what a report is about, and checks that it belongs together.

    Args:
        streams: One run, or a spatial and a temporal one.
        store_path: The store of their videos.
        scores: The files of the scores of the test videos, one for each run, in their order.
        validation_scores: Likewise of the validation videos; or none.
        score_fusion: File of the fusion; empty for the average.
        steps: See `Material`.
        exported: Likewise.

    Raises:
        MaterialError: If a run is of neither stream, or scores are of another one, of another part
            or of other classes.
        PairError: If the runs do not belong together.
        FusionError: If the fusion is of other streams or classes.
        OtherStoreError: If the store is not of the kind that a run was trained on.
        FileNotFoundError: If there are no records of steps, or no exported model, where named.
    """
    for run in streams:
        if run.recipe.stream not in ("spatial", "temporal"):
            rule = "A report must be about runs of the spatial and the temporal stream"
            raise MaterialError(f"{rule}. Received: {run.path}, {run.recipe.stream}.")
    if len(streams) == 2:
        pairs.check_pair(streams[0], streams[1])
    for path in filter(None, (steps, exported)):
        if not pathlib.Path(path).is_dir():
            raise FileNotFoundError(f"A folder must exist. Received: {path}.")
    reader = store.Reader(store_path)
    for run in streams:
        runs.check_store(run, reader.settings, where=store_path)
    fused = fusion.load(score_fusion) if score_fusion else None
    return Material(
        tuple(streams),
        _load_scores(scores, streams, "test"),
        _load_scores(validation_scores, streams, "validation") if validation_scores else {},
        pairs.check_fusion(fused, streams),
        score_fusion,
        reader,
        steps,
        exported,
    )


def _load_scores(paths: Sequence[str], streams: Sequence[runs.Run], part: str) -> dict[str, Scores]:
    found = score_files.join([score_files.load_scores(path) for path in paths])
    if len(found) != len(streams):
        rule = f"Each of {len(streams)} runs must have a file of {part} scores"
        raise MaterialError(f"{rule}. Received: {len(found)}.")
    for path, own, run in zip(paths, found, streams):
        if own.stream not in ("", run.recipe.stream) or own.part not in ("", part):
            rule = f"{part.capitalize()} scores of {run.path} must be of its stream and part"
            raise MaterialError(f"{rule}. Received: {path}, {own.stream} {own.part}".rstrip() + ".")
        if own.class_names != run.split.class_names:
            rule = f"Scores of {run.path} must be of its classes in their order"
            raise MaterialError(f"{rule}. Received: {path}, {', '.join(own.class_names[:10])}.")
    return {run.recipe.stream: own for run, own in zip(streams, found)}
