"""Measures of video classification, in NumPy.

The paper reports video accuracy (section 6); other projects print mean class recall, which
they call mean class accuracy. They differ where the classes have different numbers of videos.
Where a video may show several classes (Charades), mean average precision is the measure.
`measure` chooses by the labels.
"""

import numpy as np
import numpy.typing as npt


def measure(scores: npt.ArrayLike, labels: npt.ArrayLike) -> dict[str, float]:
    """Computes what is reported of some videos.

    Args:
        scores: `[N, K]`, as for `accuracy`.
        labels: `[N]`, as for `accuracy`; or `[N, K]`, as for `mean_average_precision`.

    Returns:
        `video_accuracy` and `mean_class_recall`, or `mean_average_precision`, in [0, 1].

    Raises:
        ValueError: As `accuracy` and `mean_average_precision`.
    """
    if np.ndim(labels) == 2:
        return {"mean_average_precision": mean_average_precision(scores, labels)}
    return {
        "video_accuracy": accuracy(scores, labels),
        "mean_class_recall": mean_class_recall(scores, labels),
    }


def measure_per_class(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[str, np.ndarray]:
    """Computes what is reported of each class.

    Args:
        scores: `[N, K]`, as for `measure`.
        labels: `[N]` or `[N, K]`, as for `measure`.

    Returns:
        "recall" or "average precision", and its `[K]` float64 values in [0, 1]; NaN for a class
        without videos.

    Raises:
        ValueError: As `measure`.
    """
    if np.ndim(labels) == 2:
        return "average precision", average_precision_per_class(scores, labels)
    return "recall", recall_per_class(scores, labels)


def accuracy(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Computes the share of videos whose class has the highest score.

    Args:
        scores: `[N, K]`, the higher the likelier. Of equal scores the first counts.
        labels: `[N]` integers in [0, K), the true classes.

    Returns:
        Video accuracy in [0, 1].

    Raises:
        ValueError: If there is no video, or shapes or values do not fit.
    """
    scores, labels = _check(scores, labels)
    return float(np.mean(scores.argmax(axis=1) == labels))


def top_k_error(scores: npt.ArrayLike, labels: npt.ArrayLike, k: int) -> float:
    """Computes the share of samples whose class is not among the k with the highest scores.

    Args:
        scores: `[N, K]`, as for `accuracy`.
        labels: `[N]`, as for `accuracy`.
        k: How many guesses count, at least 1; no sample is wrong if there are no more classes.

    Returns:
        Error in [0, 1]; for k = 1 what `accuracy` leaves.

    Raises:
        ValueError: As `accuracy`, or if `k` is less than 1.
    """
    scores, labels = _check(scores, labels)
    if k < 1:
        raise ValueError(f"`k` must be at least 1. Received: {k}.")
    own = np.take_along_axis(scores, labels[:, np.newaxis], axis=1)
    earlier = np.arange(scores.shape[1]) < labels[:, np.newaxis]  # Of equal scores.
    rank = ((scores > own) | ((scores == own) & earlier)).sum(axis=1)
    return float(np.mean(rank >= k))


def confusion_matrix(scores: npt.ArrayLike, labels: npt.ArrayLike) -> np.ndarray:
    """Counts the videos of each true and predicted class (paper, fig. 5).

    Args:
        scores: `[N, K]`, as for `accuracy`.
        labels: `[N]`, as for `accuracy`.

    Returns:
        `[K, K]` int64; row: true class, column: predicted class.

    Raises:
        ValueError: As `accuracy`.
    """
    scores, labels = _check(scores, labels)
    matrix = np.zeros((scores.shape[1], scores.shape[1]), np.int64)
    np.add.at(matrix, (labels, scores.argmax(axis=1)), 1)
    return matrix


def recall_per_class(scores: npt.ArrayLike, labels: npt.ArrayLike) -> np.ndarray:
    """Computes for each class the share of its videos that are recognised (paper, fig. 6).

    Args:
        scores: `[N, K]`, as for `accuracy`.
        labels: `[N]`, as for `accuracy`.

    Returns:
        `[K]` float64 in [0, 1]; NaN for a class without videos.

    Raises:
        ValueError: As `accuracy`.
    """
    matrix = confusion_matrix(scores, labels)
    videos = matrix.sum(axis=1)
    recall = np.full(len(matrix), np.nan)
    return np.divide(matrix.diagonal(), videos, out=recall, where=videos > 0)


def mean_class_recall(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Computes the mean recall of the classes that have videos.

    Args:
        scores: `[N, K]`, as for `accuracy`.
        labels: `[N]`, as for `accuracy`.

    Returns:
        Mean class recall ("mean class accuracy") in [0, 1].

    Raises:
        ValueError: As `accuracy`.
    """
    return float(np.nanmean(recall_per_class(scores, labels)))


def average_precision_per_class(scores: npt.ArrayLike, labels: npt.ArrayLike) -> np.ndarray:
    """Computes for each class how far its videos stand at the top when ranked by score.

    The mean, over the videos that show the class, of the share of such videos among those ranked
    as high or higher, as in `Charades_v1_classify.m`. Of equal scores the first ranks higher.

    Args:
        scores: `[N, K]`, the higher the likelier.
        labels: `[N, K]` bool, or integers 0 and 1: whether the video shows the class.

    Returns:
        `[K]` float64 in [0, 1]; NaN for a class that no video shows.

    Raises:
        ValueError: If there is no video, or shapes or values do not fit.
    """
    scores, labels = _check_multi_label(scores, labels)
    order = np.argsort(-scores.astype(np.float64), axis=0, kind="stable")
    shows = np.take_along_axis(labels, order, axis=0)
    precision = np.cumsum(shows, axis=0) / np.arange(1, len(shows) + 1)[:, np.newaxis]
    videos = labels.sum(axis=0)
    result = np.full(len(videos), np.nan)
    return np.divide((precision * shows).sum(axis=0), videos, out=result, where=videos > 0)


def mean_average_precision(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Computes the mean average precision (mAP) of the classes that have videos.

    On the test set of Charades, where each class has some, this is the official measure. It
    leaves out videos that show no class at all, which is why `datasets.charades` does not list
    them; where a class has no video it gives NaN, and its authors leave the class out as here
    (github.com/gsig/charades-algorithms/issues/17).

    Args:
        scores: `[N, K]`, as for `average_precision_per_class`.
        labels: `[N, K]`, as for `average_precision_per_class`.

    Returns:
        Mean average precision in [0, 1].

    Raises:
        ValueError: As `average_precision_per_class`, or if no video shows any class.
    """
    precision = average_precision_per_class(scores, labels)
    if np.isnan(precision).all():
        raise ValueError("A video must show a class. Received: `labels` without any.")
    return float(np.nanmean(precision))


def _check(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or 0 in scores.shape:
        raise ValueError(
            "`scores` must be [N, K] and `labels` [N], with at least one video. "
            f"Received: {list(scores.shape)} and {list(labels.shape)}."
        )
    _check_finite(scores)
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"`labels` must be integers. Received: {labels.dtype}.")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(
            f"`labels` must be in [0, {scores.shape[1]}). "
            f"Received: {labels.min()} to {labels.max()}."
        )
    return scores, labels


def _check_multi_label(
    scores: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape or 0 in scores.shape:
        raise ValueError(
            "`scores` and `labels` must be [N, K], with at least one video. "
            f"Received: {list(scores.shape)} and {list(labels.shape)}."
        )
    _check_finite(scores)
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"`labels` must be 0 or 1. Received: {labels.min()} to {labels.max()}.")
    return scores, labels.astype(bool)


def _check_finite(scores: np.ndarray) -> None:
    if not np.isfinite(scores).all():
        rows = np.flatnonzero(~np.isfinite(scores).all(axis=1))
        raise ValueError(f"`scores` must be finite. Received: NaN or infinity in row {rows[0]}.")
