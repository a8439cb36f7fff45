"""Scores of videos: what is kept of them, in which files, and how those of streams are joined.

They are joined by the ids of the videos; the order of the rows is never trusted.
"""

import dataclasses
import os
import pathlib
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

_SUM_TOLERANCE = 1e-3  # Averaging in float16 or bfloat16 may lose this much.


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """Scores of some videos: softmax scores, or sigmoids where a video may show several classes.

    Attributes:
        video_ids: N distinct ids.
        labels: `[N]` int64, the true classes; or `[N, K]` bool, whether a video shows a class.
        class_names: K names.
        scores: `[N, K]` float32 in [0, 1]; each row of softmax scores sums to 1.
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
        if self.multi_label:
            _check_probabilities(self)
        else:
            object.__setattr__(self, "labels", self.labels.astype(np.int64))
            _check_softmax(self)

    @property
    def multi_label(self) -> bool:
        """Whether a video may show several classes."""
        return self.labels.ndim == 2


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


def save_scores(path: str | os.PathLike[str], scores: Scores) -> None:
    """Writes scores as npz (video_ids, labels, class_names, scores; no pickle), atomically."""
    save_arrays(path, vars(scores))


def load_scores(path: str | os.PathLike[str]) -> Scores:
    """Reads scores that `save_scores` wrote.

    Raises:
        ValueError: If the file holds anything else, logits for example.
    """
    arrays = load_arrays(path, Scores)
    try:
        return Scores(**arrays)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def save_arrays(path: str | os.PathLike[str], arrays: dict[str, Any]) -> None:
    """Writes arrays as npz, atomically; the folder is created if need be."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)
    temporary.replace(path)


def load_arrays(path: str | os.PathLike[str], kind: type) -> dict[str, Any]:
    """Reads an npz file with the fields of a dataclass, and nothing else.

    Raises:
        ValueError: If the file holds anything else.
    """
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
    labels_fit = scores.labels.shape in (expected, expected[:1])
    if 0 in expected or scores.scores.shape != expected or not labels_fit:
        raise ValueError(
            "Scores of N > 0 videos and K classes must be [N, K], labels [N], or [N, K] where a "
            "video may show several classes. Received: "
            f"{expected[0]} videos, {expected[1]} classes, scores {list(scores.scores.shape)}, "
            f"labels {list(scores.labels.shape)}."
        )
    if len(set(scores.video_ids)) != len(scores.video_ids):
        twice = next(id for id in scores.video_ids if scores.video_ids.count(id) > 1)
        raise ValueError(f"A video must be scored once. Received twice: {twice!r}.")
    if len(set(scores.class_names)) != len(scores.class_names):
        raise ValueError(f"Class names must be distinct. Received: {scores.class_names}.")
    labels = scores.labels
    if scores.multi_label:
        if labels.dtype != bool:
            raise ValueError(f"Labels [N, K] must be True or False. Received: {labels.dtype}.")
    elif labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= expected[1]:
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


def _check_probabilities(scores: Scores) -> None:
    wrong = ~((scores.scores >= 0) & (scores.scores <= 1)).all(axis=1)
    if wrong.any():  # NaN counts as wrong.
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            "Scores of videos that may show several classes must be probabilities, from 0 to 1. "
            f"Received: {scores.scores[row].min():g} to {scores.scores[row].max():g} for "
            f"{scores.video_ids[row]!r}. Logits are not scores; apply the sigmoid to each frame "
            "and crop before averaging them."
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
    if first.multi_label != other.multi_label:
        kinds = ["several classes" if s.multi_label else "one class" for s in (first, other)]
        raise ValueError(
            "Streams must agree whether a video may show several classes. Received: "
            f"{kinds[0]} per video in stream 1, {kinds[1]} in stream {number}."
        )
    labels = zip(first.labels, other.labels)
    differing = np.flatnonzero([not np.array_equal(*pair) for pair in labels])
    if len(differing):
        row = differing[0]
        raise ValueError(
            f"All streams must give a video the same label. Received: {first.video_ids[row]!r} is "
            f"{_label_words(first, row)} in stream 1 and {_label_words(other, row)} in stream "
            f"{number}."
        )


def _label_words(scores: Scores, row: int) -> str:
    """Names the class or classes of a video."""
    labels = np.flatnonzero(scores.labels[row]) if scores.multi_label else [scores.labels[row]]
    return ", ".join(scores.class_names[label] for label in labels) or "nothing"
