"""Turns the scores of windows into segments of time, and compares segments with true ones.

Window n stands for the time around its middle: from half-way to the middle of the window before to
half-way to that of the next one; the first and the last reach to the ends of what they saw.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

UNKNOWN = "unknown"  # The label where no class is likely enough.


@dataclasses.dataclass(frozen=True)
class Segment:
    """A time with one label.

    Attributes:
        start: In seconds.
        end: In seconds.
        label: A class, or `UNKNOWN`.
        score: The mean over its windows of the label's score; of the best class if unknown.
    """

    start: float
    end: float
    label: str
    score: float


def find(
    times: np.ndarray,
    scores: np.ndarray,
    class_names: Sequence[str],
    *,
    smooth: int = 1,
    unknown_below: float = 0.0,
) -> list[Segment]:
    """Labels windows and merges neighbours of one label.

    Args:
        times: `[N, 2]`, start and end of each window in seconds, in their order.
        scores: `[N, K]`.
        class_names: K names.
        smooth: Windows over which scores are averaged first (a moving mean, centred); odd.
        unknown_below: The label is unknown where no (smoothed) score reaches this.

    Returns:
        Segments that cover all windows, in their order.
    """
    if not len(times):
        return []
    smoothed = moving_mean(scores, smooth)
    labels = np.where(smoothed.max(axis=1) < unknown_below, -1, smoothed.argmax(axis=1))
    middles = times.mean(axis=1)
    borders = np.concatenate([times[:1, 0], (middles[1:] + middles[:-1]) / 2, times[-1:, 1]])
    first = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]]))
    found = []
    for begin, end in zip(first, [*first[1:], len(labels)]):
        label = labels[begin]
        own = smoothed[begin:end]
        score = float((own[:, label] if label >= 0 else own.max(axis=1)).mean())
        name = class_names[label] if label >= 0 else UNKNOWN
        found.append(Segment(float(borders[begin]), float(borders[end]), name, score))
    return found


def moving_mean(scores: np.ndarray, count: int) -> np.ndarray:
    """Averages each row with its neighbours; at the ends with those that there are.

    Args:
        scores: `[N, K]`.
        count: Rows to average over, odd.

    Raises:
        ValueError: If `count` is even.
    """
    if count % 2 == 0:
        raise ValueError(f"`count` must be odd, for a mean around each row. Received: {count}.")
    reach = count // 2
    sums = np.concatenate([np.zeros_like(scores[:1]), np.cumsum(scores, axis=0)])
    first = np.maximum(np.arange(len(scores)) - reach, 0)
    last = np.minimum(np.arange(len(scores)) + reach + 1, len(scores))
    return (sums[last] - sums[first]) / (last - first)[:, None]


def accuracy(found: Sequence[Segment], true: Sequence[Segment], *, step: float = 0.04) -> float:
    """Returns the share of the time of true segments that has the true label.

    Args:
        found: What was found.
        true: What is true.
        step: Seconds between the moments that are compared.
    """
    moments = np.arange(true[0].start, true[-1].end, step) + step / 2
    right = [_label_at(found, t) == _label_at(true, t) for t in moments if _label_at(true, t)]
    return float(np.mean(right))


def _label_at(segments: Sequence[Segment], moment: float) -> str:
    return next((s.label for s in segments if s.start <= moment < s.end), "")


def f1(found: Sequence[Segment], true: Sequence[Segment], *, overlap: float = 0.5) -> float:
    """Returns the F1 measure of segments.

    A found segment is right if a true one of its label, which no other has been matched with,
    overlaps with it by at least this share of their union.

    Args:
        found: What was found; unknown segments do not count.
        true: What is true.
        overlap: Intersection over union.
    """
    found = [segment for segment in found if segment.label != UNKNOWN]
    left = list(true)
    right = 0
    for segment in found:
        for other in left:
            if other.label == segment.label and _overlap(segment, other) >= overlap:
                left.remove(other)
                right += 1
                break
    return 2 * right / (len(found) + len(true)) if found or true else 1.0


def _overlap(one: Segment, other: Segment) -> float:
    common = min(one.end, other.end) - max(one.start, other.start)
    return max(0.0, common) / (max(one.end, other.end) - min(one.start, other.start))
