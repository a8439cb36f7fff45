"""The scores of videos: what is kept of them, in which files, and how streams are joined.

Streams are joined by the ids of the videos; the order of the rows is never trusted.
"""

import dataclasses
import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_twostream.processes import files, printing
from tf_twostream.scores import metrics

_SUM_TOLERANCE = 1e-3  # Averaging in float16 or bfloat16 may lose this much.


class ScoresError(ValueError):
    """Scores of streams do not belong together."""


class NoScoresError(FileNotFoundError):
    """A file of scores, or of a fusion, does not exist."""


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """Scores of some videos: softmax scores, or sigmoids where a video may show several classes.

    Attributes:
        video_ids: N distinct ids.
        labels: `[N]` int64, the true classes; or `[N, K]` bool, whether a video shows a class.
        class_names: K names.
        scores: `[N, K]` float32 in [0, 1]; each row of softmax scores sums to 1.
        groups: Of each video its recording, actor or film, empty if unknown; or none at all.
        stream: Which stream they are of, for example "spatial"; empty if that is not known.
        part: Of which part of a split: "train", "validation" or "test"; empty if not known.
    """

    video_ids: tuple[str, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    scores: np.ndarray
    groups: tuple[str, ...] = ()
    stream: str = ""
    part: str = ""

    def __post_init__(self):
        # Files hold arrays of strings, and callers have lists: all become the same here.
        converted = {
            "video_ids": tuple(map(str, self.video_ids)),
            "labels": np.asarray(self.labels),
            "class_names": tuple(map(str, self.class_names)),
            "scores": np.asarray(self.scores, np.float32),
            "groups": tuple(map(str, self.groups)),
            "stream": str(self.stream),
            "part": str(self.part),
        }
        vars(self).update(converted)  # The dataclass is frozen, and this is its constructor.
        _check_shapes(self)
        _check_values(self)
        if not self.multi_label:
            vars(self)["labels"] = self.labels.astype(np.int64)

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
        ScoresError: If there is no stream, or videos, labels or classes differ.
    """
    if not streams:
        raise ScoresError("Fusion must have the scores of at least one stream. Received: none.")
    first = streams[0]
    joined = [first]
    for number, stream in enumerate(streams[1:], 2):
        _check_same("classes", first.class_names, stream.class_names, number)
        _check_same("videos", first.video_ids, stream.video_ids, number)
        # Scores are columns without a name, so that classes cannot be joined as videos are.
        if stream.class_names != first.class_names:
            given = f"another order in stream {number} than in stream 1"
            raise ScoresError(f"All streams must have one order of classes. Received: {given}.")
        rows = {id: row for row, id in enumerate(stream.video_ids)}
        order = [rows[id] for id in first.video_ids]
        ordered = dataclasses.replace(
            stream,
            video_ids=first.video_ids,
            labels=stream.labels[order],
            scores=stream.scores[order],
            groups=tuple(stream.groups[row] for row in order) if stream.groups else (),
        )
        _check_same_labels(first, ordered, number)
        joined.append(ordered)
    return joined


def save_scores(path: str | os.PathLike[str], scores: Scores) -> None:
    """Writes scores as npz, an array per attribute (no pickle), atomically."""
    # An empty tuple would become numbers.
    save_arrays(path, vars(scores) | {"groups": np.array(scores.groups, str)})


def load_scores(path: str | os.PathLike[str]) -> Scores:
    """Reads scores that `save_scores` wrote.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it holds anything else, logits for example.
    """
    arrays = load_arrays(path, Scores)
    try:
        return Scores(**arrays)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def save_arrays(path: str | os.PathLike[str], arrays: dict[str, Any]) -> None:
    """Writes arrays as npz, atomically; the folder is made if need be."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    files.write(path, content.getvalue())


def load_arrays(path: str | os.PathLike[str], kind: type) -> dict[str, Any]:
    """Reads an npz file with the fields of a dataclass, and nothing else.

    Fields that have a default may be missing.

    Args:
        path: The file.
        kind: The dataclass.

    Returns:
        The arrays by the names of the fields.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it holds anything else.
    """
    fields = dataclasses.fields(kind)
    names = {field.name for field in fields}
    needed = sorted(field.name for field in fields if field.default is dataclasses.MISSING)
    rule, given = f"A file must be npz with {', '.join(needed)}", os.fspath(path)
    if not files.exists(path):
        raise NoScoresError(f"{rule}. Received: {given}, which does not exist.")
    try:
        # Without pickle: a scores file may come from someone else, and pickles run code.
        with np.load(io.BytesIO(files.read(path)), allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    # Some of what NumPy says advises to trust pickles, so its words are not repeated.
    except files.DAMAGED_NPZ as error:
        raise ValueError(f"{rule}. Received: {given}, which is none, or damaged.") from error
    if not {*needed} <= {*arrays} <= names:
        raise ValueError(f"{rule}. Received: {given} with {', '.join(arrays) or 'nothing'}.")
    return arrays


def _check_shapes(scores: Scores) -> None:
    num_videos, num_classes = expected = len(scores.video_ids), len(scores.class_names)
    shape, labels = scores.scores.shape, scores.labels
    if 0 in expected or shape != expected or labels.shape not in (expected, expected[:1]):
        given = f"{num_videos} videos, {num_classes} classes, scores {list(shape)}"
        rule = "Scores of N > 0 videos and K classes must be [N, K], with labels [N] or [N, K]"
        raise ValueError(f"{rule}. Received: {given}, labels {list(labels.shape)}.")
    if scores.groups and len(scores.groups) != num_videos:
        rule = f"{printing.count(num_videos, 'video')} must have a group each, or none"
        raise ValueError(f"{rule}. Received: {printing.count(len(scores.groups), 'group')}.")
    for what, names in (("Videos", scores.video_ids), ("Classes", scores.class_names)):
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{what} must be distinct. Received twice: {twice!r}.")
    if not scores.multi_label:
        metrics.check_labels(labels, num_classes)
    elif labels.dtype != bool:
        raise ValueError(f"Labels [N, K] must be True or False. Received: {labels.dtype}.")


def _check_values(scores: Scores) -> None:
    """Checks that scores are probabilities.

    Logits have no such limits. Fused as if they were scores, they give another result than the
    paper's fusion, which nothing else would show.
    """
    values, sums = scores.scores, scores.scores.sum(axis=1, dtype=np.float64)
    if scores.multi_label:
        rule = "at most 1 (sigmoids of frames and crops, averaged)"
        right = (values <= 1).all(axis=1)
    else:
        rule = "of sum 1 (softmax scores of frames and crops, averaged)"
        right = np.abs(sums - 1) <= _SUM_TOLERANCE
    right &= (values >= 0).all(axis=1)  # NaN passes none of these.
    if not right.all():
        row = right.argmin()
        given = f"{values[row].min():g} to {values[row].max():g}, sum {sums[row]:g}"
        id = scores.video_ids[row]
        raise ValueError(f"Scores must be at least 0 and {rule}. Received: {given}, for {id!r}.")


def _check_same(what: str, first: Sequence[str], other: Sequence[str], number: int) -> None:
    if apart := sorted(set(first) ^ set(other)):
        named = ", ".join([*apart[:10], *(["..."] if len(apart) > 10 else [])])
        given = f"{len(apart)} that are not in both stream 1 and stream {number}: {named}"
        raise ScoresError(f"All streams must score the same {what}. Received: {given}.")


def _check_same_labels(first: Scores, other: Scores, number: int) -> None:
    if first.multi_label != other.multi_label:
        kinds = ["several classes" if s.multi_label else "one class" for s in (first, other)]
        given = f"{kinds[0]} per video in stream 1, {kinds[1]} in stream {number}"
        raise ScoresError(
            f"Streams must agree on whether a video may show several classes. Received: {given}."
        )
    for row, pair in enumerate(zip(first.labels, other.labels)):
        if not np.array_equal(*pair):
            words = [_label_words(scores, row) for scores in (first, other)]
            given = f"{words[0]} in stream 1 and {words[1]} in stream {number}"
            id = first.video_ids[row]
            raise ScoresError(f"A video must have one label. Received: {id!r} is {given}.")


def _label_words(scores: Scores, row: int) -> str:
    """Names the class or classes of a video."""
    labels = np.flatnonzero(scores.labels[row]) if scores.multi_label else [scores.labels[row]]
    return ", ".join(scores.class_names[label] for label in labels) or "nothing"
