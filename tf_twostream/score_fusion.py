"""Late fusion of the streams' softmax scores: averaging, or a linear SVM (paper, section 2).

Scores are joined by the ids of the videos; the order of the rows is never trusted.
"""

import dataclasses
import os
import pathlib
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

# The paper gives no C. 1 is LIBLINEAR's default, and it was the best of 0.03, 0.1, 0.3, 1 and 3
# in a ten-fold cross-validation on the scores of a published pair of HMDB-51 networks.
# The features' norm is the square root of the number of streams, whatever the data set, so that
# C means the same everywhere.
SVM_C = 1.0

_SUM_TOLERANCE = 1e-3  # Averaging in float16 or bfloat16 may lose this much.


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """Softmax scores of some videos.

    Attributes:
        video_ids: N distinct ids.
        labels: `[N]` int64, the true classes.
        class_names: K names.
        scores: `[N, K]` float32, not negative, each row sums to 1.
    """

    video_ids: tuple[str, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    scores: np.ndarray

    def __post_init__(self):
        converted = {
            "video_ids": tuple(str(id) for id in self.video_ids),
            "labels": np.asarray(self.labels),
            "class_names": tuple(str(name) for name in self.class_names),
            "scores": np.asarray(self.scores, np.float32),
        }
        for name, value in converted.items():
            object.__setattr__(self, name, value)
        _check_shapes(self)
        object.__setattr__(self, "labels", self.labels.astype(np.int64))
        _check_softmax(self)


@dataclasses.dataclass(frozen=True, eq=False)
class LinearSVM:
    """A multi-class linear SVM on the stacked, L2-normalised scores of S streams.

    Attributes:
        coefficients: `[K, S * K]` float64.
        intercepts: `[K]` float64.
        class_names: K names.
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    class_names: tuple[str, ...]

    @property
    def num_streams(self) -> int:
        """The number of streams, S."""
        return self.coefficients.shape[1] // len(self.class_names)

    def predict(self, streams: Sequence[Scores]) -> np.ndarray:
        """Computes decision values, which are no softmax scores.

        Args:
            streams: The scores of the S streams, in the order of training.

        Returns:
            `[N, K]` float64, rows in the order of the first stream; the highest value wins.

        Raises:
            ValueError: If number, classes or videos of the streams do not fit.
        """
        streams = join(streams)
        if len(streams) != self.num_streams or streams[0].class_names != self.class_names:
            raise ValueError(
                f"The SVM was trained on {self.num_streams} streams of {len(self.class_names)} "
                f"classes. Received: {len(streams)} streams of {len(streams[0].class_names)} "
                "classes. Streams and classes must be the same, in the same order."
            )
        return _features(streams) @ self.coefficients.T + self.intercepts


def join(streams: Sequence[Scores]) -> list[Scores]:
    """Puts the videos of all streams into the order of the first stream, by their ids.

    Args:
        streams: Scores of the same videos, in any order of rows.

    Returns:
        Scores whose rows belong together.

    Raises:
        ValueError: If videos, labels or classes differ.
    """
    if not streams:
        raise ValueError("Fusion needs the scores of at least one stream. Received: none.")
    first = streams[0]
    joined = [first]
    for number, stream in enumerate(streams[1:], 2):
        _check_same_classes(first, stream, number)
        _check_same_videos(first, stream, number)
        rows = {id: row for row, id in enumerate(stream.video_ids)}
        order = [rows[id] for id in first.video_ids]
        joined.append(
            Scores(first.video_ids, stream.labels[order], stream.class_names, stream.scores[order])
        )
        _check_same_labels(first, joined[-1], number)
    return joined


def average(streams: Sequence[Scores], *, weights: Sequence[float] = ()) -> Scores:
    """Averages the softmax scores of the streams (paper, section 2).

    Args:
        streams: Scores of the same videos, in any order of rows.
        weights: One per stream, not negative; equal when empty.

    Returns:
        Softmax scores, rows in the order of the first stream.

    Raises:
        ValueError: If the streams or the weights do not fit.
    """
    joined = join(streams)
    shares = np.asarray(weights or [1.0] * len(joined), np.float64)
    valid = len(shares) == len(joined) and np.isfinite(shares).all() and (shares >= 0).all()
    if not valid or shares.sum() == 0:
        raise ValueError(
            f"Averaging {len(joined)} streams takes {len(joined)} weights, not negative and not "
            f"all 0. Received: {', '.join(f'{share:g}' for share in shares)}."
        )
    stacked = np.stack([stream.scores for stream in joined])
    fused = np.tensordot(shares / shares.sum(), stacked, axes=1)
    return dataclasses.replace(joined[0], scores=fused)


def train_svm(streams: Sequence[Scores], *, c: float = SVM_C) -> LinearSVM:
    """Trains an SVM to fuse streams (paper, section 2).

    Each stream's score vector is divided by its L2 norm, and the vectors are stacked. The SVM
    is that of Crammer & Singer (JMLR 2001), the paper's [6]: one optimisation over all classes,
    by scikit-learn's `LinearSVC`, with a fixed seed for the order of its steps.

    Args:
        streams: Scores of *training* videos, in any order of rows.
        c: The price of errors against the margin.

    Returns:
        The SVM.

    Raises:
        ValueError: If the streams do not fit, or a class has no video.
    """
    from sklearn import svm  # Takes a second, which only the SVM should cost.

    streams = join(streams)
    class_names, labels = streams[0].class_names, streams[0].labels
    absent = [name for label, name in enumerate(class_names) if label not in labels]
    if absent or len(class_names) < 2:
        raise ValueError(
            "An SVM needs two classes or more and training videos of each. Received: "
            f"{len(class_names)} classes, {len(absent)} without videos {absent[:10]}."
        )
    model = svm.LinearSVC(
        multi_class="crammer_singer", C=c, max_iter=100_000, random_state=0, tol=1e-5
    )
    model.fit(_features(streams), labels)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(class_names) == 2:  # One hyperplane: its negative side is class 0.
        coefficients = np.concatenate([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    return LinearSVM(coefficients, intercepts, class_names)


def save_scores(path: str | os.PathLike[str], scores: Scores) -> None:
    """Writes scores as npz (video_ids, labels, class_names, scores; no pickle), atomically."""
    _save_arrays(path, vars(scores))


def load_scores(path: str | os.PathLike[str]) -> Scores:
    """Reads scores that `save_scores` wrote.

    Raises:
        ValueError: If the file holds anything else, logits for example.
    """
    arrays = _load_arrays(path, Scores)
    try:
        return Scores(**arrays)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def save_svm(path: str | os.PathLike[str], svm: LinearSVM) -> None:
    """Writes an SVM as npz (coefficients, intercepts, class_names; no pickle), atomically."""
    _save_arrays(path, vars(svm))


def load_svm(path: str | os.PathLike[str]) -> LinearSVM:
    """Reads an SVM that `save_svm` wrote.

    Raises:
        ValueError: If the file holds anything else.
    """
    arrays = _load_arrays(path, LinearSVM)
    names = tuple(str(name) for name in arrays["class_names"])
    return LinearSVM(arrays["coefficients"], arrays["intercepts"], names)


def _features(streams: Sequence[Scores]) -> np.ndarray:
    """Stacks the L2-normalised scores of joined streams: `[N, S * K]` float64."""
    scores = [stream.scores.astype(np.float64) for stream in streams]
    return np.concatenate([s / np.linalg.norm(s, axis=1, keepdims=True) for s in scores], axis=1)


def _save_arrays(path: str | os.PathLike[str], arrays: dict[str, Any]) -> None:
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)
    temporary.replace(path)


def _load_arrays(path: str | os.PathLike[str], kind: type) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The file must be an npz file with {', '.join(sorted(names))}. "
            f"Received: {os.fspath(path)}, which cannot be read as such ({error})."
        ) from None
    if set(arrays) != names:
        raise ValueError(
            f"The npz file must hold {', '.join(sorted(names))}. "
            f"Received: {os.fspath(path)} with {', '.join(sorted(arrays)) or 'nothing'}."
        )
    return arrays


def _check_shapes(scores: Scores) -> None:
    expected = (len(scores.video_ids), len(scores.class_names))
    if 0 in expected or scores.scores.shape != expected or scores.labels.shape != expected[:1]:
        raise ValueError(
            "Scores of N > 0 videos and K classes must be [N, K], labels [N]. Received: "
            f"{expected[0]} videos, {expected[1]} classes, scores {list(scores.scores.shape)}, "
            f"labels {list(scores.labels.shape)}."
        )
    if len(set(scores.video_ids)) != len(scores.video_ids):
        twice = next(id for id in scores.video_ids if scores.video_ids.count(id) > 1)
        raise ValueError(f"A video must be scored once. Received twice: {twice!r}.")
    if len(set(scores.class_names)) != len(scores.class_names):
        raise ValueError(f"Class names must be distinct. Received: {scores.class_names}.")
    labels = scores.labels
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= expected[1]:
        raise ValueError(
            f"Labels must be integers in [0, {expected[1]}). "
            f"Received: {labels.dtype} from {labels.min()} to {labels.max()}."
        )


def _check_softmax(scores: Scores) -> None:
    sums = scores.scores.sum(axis=1, dtype=np.float64)
    wrong = ~(np.abs(sums - 1) <= _SUM_TOLERANCE) | (scores.scores < 0).any(axis=1)
    if wrong.any():  # NaN counts as wrong.
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            "Scores must be softmax scores: not negative, each row sums to 1. Received: "
            f"{scores.scores[row].min():g} to {scores.scores[row].max():g}, sum {sums[row]:g}, for "
            f"{scores.video_ids[row]!r}. Logits are not scores; apply softmax to each frame and "
            "crop before averaging them."
        )


def _check_same_classes(first: Scores, other: Scores, number: int) -> None:
    if first.class_names != other.class_names:
        apart = sorted(set(first.class_names) ^ set(other.class_names))
        what = f"not in both: {', '.join(apart[:10])}" if apart else "another order"
        raise ValueError(
            f"All streams must score the same classes. Received: {len(first.class_names)} in "
            f"stream 1, {len(other.class_names)} in stream {number}; {what}."
        )


def _check_same_videos(first: Scores, other: Scores, number: int) -> None:
    apart = sorted(set(first.video_ids) ^ set(other.video_ids))
    if apart:
        more = ", ..." if len(apart) > 10 else ""
        raise ValueError(
            f"All streams must score the same videos. Received: {len(apart)} that are not in both "
            f"stream 1 and stream {number}: {', '.join(apart[:10])}{more}. "
            "Evaluate both on the same split."
        )


def _check_same_labels(first: Scores, other: Scores, number: int) -> None:
    differing = np.flatnonzero(first.labels != other.labels)
    if len(differing):
        row = differing[0]
        raise ValueError(
            f"All streams must give a video the same label. Received: {first.video_ids[row]!r} is "
            f"{first.class_names[first.labels[row]]} in stream 1 and "
            f"{first.class_names[other.labels[row]]} in stream {number}."
        )
