"""The streams of a model, loaded once to score any number of videos."""

import contextlib
import functools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tf_twostream import datasets, runs, store
from tf_twostream.evaluation import (
    bundles,
    explanation,
    over_time,
    pairs,
    scoring,
    sources,
    temporary_store,
)
from tf_twostream.evaluation.prediction import Prediction
from tf_twostream.paper import testing
from tf_twostream.precompute import frames
from tf_twostream.precompute.resources import WHOLE_MACHINE, Resources
from tf_twostream.scores import fusion, segments


def load(
    *,
    spatial_run: str = "",
    temporal_run: str = "",
    conv_fusion_run: str = "",
    task: str = "",
    score_fusion: str = "",
    bundle: str = "",
    protocol: testing.Testing = testing.PAPER,
    resources: Resources = WHOLE_MACHINE,
) -> "TwoStream":
    """Loads trained networks, to label any number of videos.

    Example:
        >>> import tf_twostream
        >>> model = tf_twostream.load(spatial_run=example_run)
        >>> found = model.predict(example_video)
        >>> found.scores.shape, list(found.streams), found.label in model.class_names
        ((6,), ['spatial'], True)

    Args:
        spatial_run: Run folder of the spatial stream; may be left out.
        temporal_run: Run folder of the temporal stream; may be left out.
        conv_fusion_run: Run folder of two joined towers, in the place of both streams.
        task: The task of a temporal stream that has several; empty for its first.
        score_fusion: A fusion.npz, which says how to fuse the streams; by default their average.
        bundle: A file of networks (`evaluation.bundles`), in the place of all these.
        protocol: How many frames and views to look at, and which checkpoint to load.
        resources: What the machine may spend on decoding and flow.

    Raises:
        PairError: If the runs do not belong together.
        FusionError: If the fusion is of other streams or classes.
        OtherFlowError: If flow as in the training cannot be computed here.
        BundleError: If `bundle` is no bundle.
        OSError: If a run has no weights, or a file is missing.
    """
    given = [run for run in (spatial_run, temporal_run, conv_fusion_run, bundle) if run]
    if not given or len(given) > 1 and (bundle or conv_fusion_run):
        rule = (
            "A model must have a spatial run, a temporal run or both, or one of joined towers, or "
            "a bundle"
        )
        raise pairs.PairError(f"{rule}. Received: {' and '.join(given) or 'none'}.")
    with contextlib.ExitStack() as stack:
        named = {"spatial_run": spatial_run, "temporal_run": temporal_run}
        named |= {"conv_fusion_run": conv_fusion_run, "task": task}
        if bundle:  # No longer unpacked than until all is loaded.
            named = stack.enter_context(bundles.unpacked(bundle))
            score_fusion = named.pop(bundles.FUSION, "")
        streams = load_runs(**named, checkpoint=protocol.checkpoint)
        own = fusion.load(score_fusion) if score_fusion else None
        return TwoStream(streams, protocol=protocol, score_fusion=own, resources=resources)


def load_runs(
    *,
    spatial_run: str = "",
    temporal_run: str = "",
    conv_fusion_run: str = "",
    task: str = "",
    checkpoint: testing.Checkpoint = "last",
) -> list[runs.Run]:
    """Opens the run folders of the streams of a model; see `load`."""
    named = ((spatial_run, ""), (temporal_run, task), (conv_fusion_run, ""))
    streams = [runs.load(path, name, checkpoint=checkpoint) for path, name in named if path]
    if conv_fusion_run:
        pairs.check_conv_fusion(streams[0])
    return streams


class TwoStream:
    """Labels videos by one or both streams, whose scores it fuses.

    Attributes:
        streams: The runs.
        resources: What the machine may spend on decoding and flow.
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
        resources: Resources = WHOLE_MACHINE,
    ):
        """Loads the networks.

        Args:
            streams: A run of the spatial stream, one of the temporal stream, both in this order, or
                one of joined towers.
            protocol: How many frames and views to look at.
            score_fusion: How to fuse the streams; None for their average.
            resources: What the machine may spend on decoding and flow.

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
        self.resources = resources
        self._networks = [runs.load_model(run)[0] for run in self.streams]
        self._testers = [
            scoring.Tester(model, run, protocol) for model, run in zip(self._networks, self.streams)
        ]

    def predict(
        self,
        video: str | os.PathLike[str] | np.ndarray,
        *,
        window_seconds: float = 0.0,
        fps: float = sources.UNKNOWN_FPS,
    ) -> Prediction:
        """Labels a video.

        Args:
            video: A file, or its frames, `[T, H, W, 3]` uint8 RGB, of any size.
            window_seconds: Label each window of so many seconds, too: the scores are then the means
                over windows, and there are segments. 0 for the video as a whole.
            fps: Frames per second of frames; a file says its own.

        Returns:
            Label, scores, the scores of each stream and, with windows, segments.

        Raises:
            SourceError: If the video cannot be read.
            ValueError: If frames are of another kind.
        """
        if isinstance(video, np.ndarray):
            shown = self._shown(video, fps)
            windows = self.labeller(window_seconds or math.inf).windows_of(shown)
            return self._predict_over_time("frames", windows, bool(window_seconds))
        name = os.fspath(video)
        if window_seconds:
            windows = self.labeller(window_seconds).windows(sources.Source(name, name))
            return self._predict_over_time(name, windows, True)
        with self.fill({"video": name}) as (reader, failed):
            if failed:
                raise sources.SourceError(failed[name])
            [found] = self.predict_stored(reader, {"video": name})
        return found

    def _shown(self, video: np.ndarray, fps: float) -> Iterator[sources.Frame]:
        if video.ndim != 4 or video.shape[-1] != 3 or video.dtype != np.uint8:
            rule = "Frames must be [T, H, W, 3] uint8"
            raise ValueError(f"{rule}. Received: {list(video.shape)} {video.dtype}.")
        for t, rgb in enumerate(video):
            yield sources.Frame(t / fps, frames.rescale(rgb, self.settings.shorter_side))

    def _predict_over_time(
        self, name: str, windows: Iterator[over_time.Window], segmented: bool
    ) -> Prediction:
        found = list(windows)
        times = np.array([(window.start, window.end) for window in found])
        by_window = {s: np.stack([w.scores[s] for w in found]) for s in found[0].scores}
        whole = {stream: scores.mean(axis=0) for stream, scores in by_window.items()}
        merged = segments.find(times, self.fuse(by_window), self.class_names) if segmented else ()
        return self.prediction(name, whole, segments=tuple(merged))

    def labeller(
        self, window: float, step: float = 0.0, scorer: over_time.Scorer | None = None
    ) -> over_time.Labeller:
        """Returns what scores windows of a source.

        Args:
            window: Seconds.
            step: Seconds from one window to the next; 0 for those of a window.
            scorer: What stands between the windows and `scores`; None for nothing.
        """
        return over_time.Labeller(
            scorer or self.scores,
            self.settings,
            self.needed,
            window=window,
            step=step or window,
            num_threads=self.resources.num_processes,
            timeout=self.resources.timeout,
        )

    def fill(
        self, videos: Mapping[str, str], *, whole: bool = False, most_frames: float = math.inf
    ) -> contextlib.AbstractContextManager[tuple[store.Reader, dict[str, str]]]:
        """Makes a store of video files by id; see `temporary_store.fill`.

        Args:
            videos: Files by id.
            whole: Whether all frames and fields are wanted, not only what the networks look at.
            most_frames: Videos with more frames fail.
        """
        return temporary_store.fill(
            videos,
            self.streams,
            self.resources,
            protocol=None if whole else self._protocol,
            most_frames=most_frames,
        )

    def predict_stored(
        self, reader: store.Reader, names: Mapping[str, str], *, show_progress: bool = False
    ) -> list[Prediction]:
        """Labels the videos of a store; `names` says by id what each is called."""
        if not names:
            return []
        videos = [datasets.Video(video_id, 0) for video_id in names]
        tables = self.scores(reader, videos, show_progress=show_progress)
        return [
            self.prediction(name, {stream: table[n] for stream, table in tables.items()})
            for n, name in enumerate(names.values())
        ]

    def prediction(self, name: str, scores: dict[str, np.ndarray], **more: Any) -> Prediction:
        """Fuses the scores of a video, `[K]` by stream; `more` is known of it besides."""
        [fused] = self.fuse({stream: own[None] for stream, own in scores.items()})
        return Prediction(name, self.class_names, fused, scores, self.are_decisions, **more)

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
