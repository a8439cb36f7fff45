"""What the scores of a report amount to, and what they cannot tell."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tf_twostream.scores import intervals, metrics, score_files

Interval = tuple[float, float]
MOST_NEEDY = 5  # Classes to name.


@dataclasses.dataclass(frozen=True)
class Measured:
    """How good the scores of some videos are.

    Attributes:
        value: Video accuracy, or mean average precision, in [0, 1].
        interval: The 95 % interval of an accuracy; None where there is none.
        recall: Mean recall of the classes; None where a video may show several.
    """

    value: float
    interval: Interval | None
    recall: float | None


def measure(videos: score_files.Scores, table: np.ndarray) -> Measured:
    """Measures a table of scores.

    Args:
        videos: Labels and recordings of N videos.
        table: `[N, K]` scores, or decision values.
    """
    if videos.multi_label:
        return Measured(metrics.mean_average_precision(table, videos.labels), None, None)
    return Measured(
        metrics.accuracy(table, videos.labels),
        _interval(hits(videos, table), videos.groups),
        metrics.mean_class_recall(table, videos.labels),
    )


def hits(videos: score_files.Scores, table: np.ndarray) -> np.ndarray:
    """Says of N videos whether the class of the highest score is right, `[N]` bool."""
    best = np.argmax(table, axis=1)
    if videos.multi_label:
        return videos.labels[np.arange(len(best)), best]
    return best == videos.labels


def count_recordings(groups: Sequence[str], num_videos: int) -> int:
    """Counts recordings; a video of none that is known is one of its own, as for intervals."""
    return len({*groups} - {""}) + (groups.count("") if len(groups) else num_videos)


def counted(groups: Sequence[str]) -> str:
    """Says what `count_recordings` counts: recordings, or clips where none is known."""
    return "recording" if any(groups) else "clip"


def compare(
    videos: score_files.Scores, fused: np.ndarray, single: np.ndarray
) -> tuple[float, Interval | None]:
    """Compares two tables of scores of the same videos.

    Returns:
        How much more accurate (or, in mean average precision, better) the first one is, from -1 to
        1, and of an accuracy the interval of that.
    """
    if videos.multi_label:
        both = [metrics.mean_average_precision(t, videos.labels) for t in (fused, single)]
        return both[0] - both[1], None
    first, second = (hits(videos, table).astype(float) for table in (fused, single))
    return float(np.mean(first - second)), _interval(first - second, videos.groups)


def _interval(values: np.ndarray, groups: Sequence[str]) -> Interval | None:
    # One recording, drawn again and again, is always itself: an interval of no width.
    if count_recordings(tuple(groups), len(values)) < 2:
        return None
    return intervals.resample(values, groups)


def chance(videos: score_files.Scores) -> dict[str, float]:
    """Returns the measure of what has learnt nothing, by how it chooses."""
    num_classes = len(videos.class_names)
    if videos.multi_label:
        # Of a random order, the average precision is about the share of videos with the class.
        shares = videos.labels.mean(axis=0)
        return {"chance (random order)": float(shares[shares > 0].mean())}
    found = {f"chance (one of {num_classes})": 1 / num_classes}
    counts = np.bincount(videos.labels, minlength=num_classes)
    if counts.max() > counts.min():
        name = videos.class_names[counts.argmax()]
        found[f"always {name}"] = float(counts.max() / counts.sum())
    return found


def needs(recall: np.ndarray, recordings: Sequence[int]) -> list[int]:
    """Ranks the classes of which more clips would help most, by a rule of thumb.

    Args:
        recall: `[K]` in [0, 1], recall or average precision; NaN for classes without test videos.
        recordings: K numbers of recordings that were learnt from.

    Returns:
        At most `MOST_NEEDY` classes that are recognised less than the mean over classes, first
        those with the largest share of misses per recording learnt from.
    """
    known = np.flatnonzero(~np.isnan(recall))
    mean = recall[known].mean()
    below = [k for k in known.tolist() if recall[k] < mean]
    below.sort(key=lambda k: -(1 - recall[k]) / max(1, recordings[k]))
    return below[:MOST_NEEDY]
