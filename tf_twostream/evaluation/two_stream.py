"""The streams of a model, loaded once to score any number of videos."""

import functools
from collections.abc import Sequence

import numpy as np

from tf_twostream import datasets, runs, store
from tf_twostream.evaluation import explanation, pairs, scoring, temporary_store
from tf_twostream.paper import testing
from tf_twostream.scores import fusion


class TwoStream:
    """Scores videos by one or both streams, and fuses the scores.

    Attributes:
        streams: The runs.
        class_names: K names.
        are_decisions: Whether fused scores are decision values of an SVM, of any size.
        settings: What frames and flow the networks take.
    """

    def __init__(
        self,
        streams: Sequence[runs.Run],
        *,
        protocol: testing.Testing = testing.PAPER,
        score_fusion: fusion.Fusion | None = None,
    ):
        """Loads the networks.

        Args:
            streams: A run of the spatial stream, one of the temporal stream, both in this order, or
                one of joined towers.
            protocol: How many frames and views to look at.
            score_fusion: How to fuse the streams; None for their average.

        Raises:
            PairError: If the runs do not belong together.
            FusionError: If the fusion is of other streams or classes.
            OtherFlowError: If flow as in the training cannot be computed here.
        """
        if len(streams) == 2:
            pairs.check_pair(*streams)
        self._fusion = pairs.check_fusion(score_fusion, streams)
        self.class_names = self._fusion.class_names
        self.are_decisions = self._fusion.is_svm
        self.settings = temporary_store.settings_of(streams)
        self.streams, self._protocol = tuple(streams), protocol
        self._networks = [runs.load_model(run)[0] for run in self.streams]
        self._testers = [
            scoring.Tester(model, run, protocol) for model, run in zip(self._networks, self.streams)
        ]

    def needed(self, num_frames: int) -> dict[str, np.ndarray]:
        """Says which records of a video of T frames the networks read; see `filling.Needed`."""
        return self._needed_of(num_frames)

    @functools.cached_property
    def _needed_of(self):  # Windows of one length ask again and again.
        return functools.lru_cache(maxsize=64)(
            functools.partial(temporary_store.needed_by, self.streams, self._protocol)
        )

    def scores(
        self, reader: store.Reader, videos: Sequence[datasets.Video], *, show_progress: bool = False
    ) -> dict[str, np.ndarray]:
        """Returns the scores of N videos by stream, `[N, K]` each."""
        scores: dict[str, np.ndarray] = {}
        for tester in self._testers:
            scores |= tester.scores(reader, videos, show_progress=show_progress)
        return scores

    def over_time(
        self, reader: store.Reader, video: datasets.Video
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Returns by stream `[K]` scores of a video, and `[N, K]` of its N windows."""
        whole: dict[str, np.ndarray] = {}
        windows: dict[str, np.ndarray] = {}
        for tester in self._testers:
            own, own_windows = tester.over_time(reader, video)
            whole |= own
            windows |= own_windows
        return whole, windows

    def explain(
        self, reader: store.Reader, video: datasets.Video, label: int
    ) -> dict[str, explanation.Heat]:
        """Returns where in a video each stream finds what speaks for a class."""
        heats = {}
        for run, explainer in zip(self.streams, self._explainers):
            [heats[run.recipe.stream]] = explainer.explain(reader, [video], np.array([label]))
        return heats

    @functools.cached_property
    def _explainers(self) -> list[explanation.Explainer]:
        return [
            explanation.Explainer(model, run, self._protocol)
            for model, run in zip(self._networks, self.streams)
        ]

    def fuse(self, scores: dict[str, np.ndarray]) -> np.ndarray:
        """Fuses what `scores` returns to `[N, K]`."""
        several = self.streams[0].split.multi_label
        return self._fusion.fuse(
            np.stack([scores[s] for s in self._fusion.streams]), multi_label=several
        )
