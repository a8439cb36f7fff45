"""Late fusion of the streams' scores: averaging, or a linear SVM (paper, Sect. 2).

How streams are fused is one object, `Fusion`, and one file. What it is made of is learnt from
scores in `learning`. Scores are joined by the ids of the videos; the order of the rows is never
trusted.
"""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from tf_twostream.scores import score_files
from tf_twostream.scores.score_files import Scores

LEAST = 1e-12  # A score of 0 has no logarithm.


class FusionError(ValueError):
    """A fusion does not fit the streams that it is given."""


@dataclasses.dataclass(frozen=True, eq=False)
class Fusion:
    """How the scores of S streams become one: a weighted mean, or a linear SVM.

    Before the mean each stream's scores p are softened by its temperature t: p^(1/t), divided by
    their sum; of a sigmoid score its odds, to the power 1/t.

    Attributes:
        streams: S distinct names, for example "spatial" and "temporal".
        class_names: K names.
        temperatures: `[S]` float64, above 0; 1 leaves the scores as they are.
        weights: `[S]` float64, not negative, of sum 1.
        coefficients: `[K, S * K]` float64 of the SVM; `[0, 0]` of a mean.
        intercepts: `[K]` float64 of the SVM; `[0]` of a mean.
    """

    streams: tuple[str, ...]
    class_names: tuple[str, ...]
    temperatures: np.ndarray
    weights: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray

    def __post_init__(self):
        for names in (self.streams, self.class_names):
            if np.ndim(names) != 1 or not len(names) or len(set(names)) != len(names):
                rule = "Streams and classes must be distinct names"
                raise FusionError(f"{rule}. Received: {names}.")
        # Files hold arrays of strings.
        vars(self)["streams"] = tuple(map(str, self.streams))
        vars(self)["class_names"] = tuple(map(str, self.class_names))
        num_streams, num_classes = len(self.streams), len(self.class_names)
        shapes = [(num_streams,)] * 2 + [(num_classes, num_streams * num_classes), (num_classes,)]
        if not self.is_svm:
            shapes[2:] = [(0, 0), (0,)]
        names = ("temperatures", "weights", "coefficients", "intercepts")
        for name, shape in zip(names, shapes):
            array = np.asarray(getattr(self, name))
            if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
                rule = f"`{name}` of {num_streams} streams must be numbers {list(shape)}"
                raise FusionError(f"{rule}. Received: {array.dtype} {list(array.shape)}.")
        if not (self.temperatures > 0).all() or not (self.weights >= 0).all():
            rule = "Temperatures must be above 0, and weights not negative"
            raise FusionError(f"{rule}. Received: {self.temperatures} and {self.weights}.")
        if abs(self.weights.sum() - 1) > 1e-6:
            raise FusionError(f"Weights must be of sum 1. Received: {self.weights}.")

    @property
    def is_svm(self) -> bool:
        """Whether it gives decision values of an SVM, which are no scores."""
        return np.size(self.coefficients) > 0

    def fuse(self, scores: np.ndarray, *, multi_label: bool = False) -> np.ndarray:
        """Fuses the scores of N videos.

        Args:
            scores: `[S, N, K]`, in the order of `streams`.
            multi_label: Whether they are sigmoids, of videos that may show several classes.

        Returns:
            `[N, K]` float64: scores, or of an SVM decision values; the highest wins.
        """
        if self.is_svm:
            return features(scores) @ self.coefficients.T + self.intercepts
        softened = [
            soften(stream, t, multi_label=multi_label)
            for stream, t in zip(scores, self.temperatures)
        ]
        return np.tensordot(self.weights, np.stack(softened), axes=1)

    def apply(self, streams: Sequence[Scores]) -> np.ndarray:
        """Fuses the scores of files.

        Args:
            streams: The scores of the S streams, in the order of `streams`, rows in any order.

        Returns:
            As `fuse`, rows in the order of the first stream.

        Raises:
            ScoresError: If the videos of the streams do not fit each other.
            FusionError: If the number or the classes of the streams do not fit.
        """
        joined = score_files.join(streams)
        self.check(len(joined), joined[0].class_names)
        scores = np.stack([stream.scores for stream in joined])
        return self.fuse(scores, multi_label=joined[0].multi_label)

    def check(self, num_streams: int, class_names: tuple[str, ...]) -> None:
        """Checks that scores are of as many streams and of the same classes, in their order.

        Raises:
            FusionError: If they are not.
        """
        # Another order of the classes has the same shape, and would give wrong decisions.
        if (num_streams, class_names) != (len(self.streams), self.class_names):
            rule = f"A fusion of {', '.join(self.streams)} must get these and its classes, in order"
            given = f"{num_streams} streams of {', '.join(class_names[:10])}"
            raise FusionError(f"{rule}. Received: {given}.")

    def check_streams(self, streams: Sequence[str]) -> None:
        """Checks that streams, by their names and in any order, are those of the fusion.

        Raises:
            FusionError: If they are not.
        """
        if sorted(streams) != sorted(self.streams):
            rule = f"A fusion must get the streams it was made for, {', '.join(self.streams)}"
            raise FusionError(f"{rule}. Received: {', '.join(streams)}.")


def mean(
    streams: Sequence[str],
    class_names: Sequence[str],
    *,
    weights: Sequence[float] = (),
    temperatures: Sequence[float] = (),
) -> Fusion:
    """Makes a fusion by a weighted mean; that of the paper by default.

    Args:
        streams: S names.
        class_names: K names.
        weights: One per stream, not negative, counting relative to each other; all equal if there
            are none.
        temperatures: One per stream; all 1 if there are none.

    Raises:
        ValueError: If the weights are not one per stream, or make no mean.
    """
    count = len(streams)
    shares = np.asarray(weights or [1.0] * count, np.float64)
    valid = len(shares) == count and np.isfinite(shares).all() and (shares >= 0).all()
    if not valid or shares.sum() == 0:
        rule = f"{count} streams must have {count} weights, not negative and not all 0"
        raise ValueError(f"{rule}. Received: {', '.join(f'{share:g}' for share in shares)}.")
    return Fusion(
        tuple(streams),
        tuple(class_names),
        np.asarray(temperatures or [1.0] * count, np.float64),
        shares / shares.sum(),  # So that softmax scores sum to 1 again.
        np.zeros((0, 0)),
        np.zeros(0),
    )


def average(streams: Sequence[Scores], *, weights: Sequence[float] = ()) -> Scores:
    """Averages the scores of the streams (paper, Sect. 2).

    Args:
        streams: Scores of the same videos, in any order of rows.
        weights: One per stream, not negative; all equal if there are none, as in the paper.

    Returns:
        Scores of the same kind, rows in the order of the first stream.

    Raises:
        ScoresError: If the streams do not belong together.
        ValueError: If the weights are not one per stream, or make no average.
    """
    joined = score_files.join(streams)
    names = [str(number) for number in range(len(joined))]
    fused = mean(names, joined[0].class_names, weights=weights).apply(joined)
    return dataclasses.replace(joined[0], scores=fused, stream="")


def soften(scores: np.ndarray, temperature: float, *, multi_label: bool = False) -> np.ndarray:
    """Changes how sure scores are, but not which is the highest.

    Args:
        scores: `[N, K]` softmax scores, or sigmoids where a video may show several classes.
        temperature: Above 1 makes them less sure, below 1 more.
        multi_label: Whether they are sigmoids.

    Returns:
        `[N, K]` float64 scores of the same kind.
    """
    known = np.maximum(np.asarray(scores, np.float64), LEAST)
    if temperature == 1:
        return np.asarray(scores, np.float64)
    if multi_label:
        odds = np.maximum(1 - known, LEAST) / known
        with np.errstate(over="ignore"):  # Of a tiny temperature: infinite odds, a score of 0.
            return 1 / (1 + odds ** (1 / temperature))
    # The greatest is 1, so that no temperature makes all of them 0.
    powers = (known / known.max(axis=-1, keepdims=True)) ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def features(scores: np.ndarray) -> np.ndarray:
    """Stacks the L2-normalised scores `[S, N, K]` of the streams: `[N, S * K]` float64."""
    # A row of softmax scores sums to 1, so that its norm is never 0.
    rows = np.asarray(scores, np.float64)
    return np.concatenate([*(rows / np.linalg.norm(rows, axis=2, keepdims=True))], axis=1)


def save(path: str | os.PathLike[str], fusion: Fusion) -> None:
    """Writes a fusion as npz, an array per attribute (no pickle), atomically."""
    score_files.save_arrays(path, vars(fusion))


def load(path: str | os.PathLike[str]) -> Fusion:
    """Reads a fusion that `save` wrote.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it holds anything else.
    """
    arrays = score_files.load_arrays(path, Fusion)
    try:
        return Fusion(**arrays)
    except FusionError as error:
        raise FusionError(f"{os.fspath(path)}: {error}") from None
