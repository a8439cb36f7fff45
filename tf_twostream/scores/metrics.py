"""Measures of video classification, in NumPy.

The paper reports video accuracy (Sect. 6). Other projects print mean class recall, which they call
mean class accuracy; the two differ where the classes have different numbers of videos. Where a
video may show several classes (Charades), the measure is mean average precision. `measure` chooses
by the shape of the labels.
"""

import numpy as np
import numpy.typing as npt

TOP = 5  # As in most papers after this one, beside the accuracy.


def measure(scores: npt.ArrayLike, labels: npt.ArrayLike) -> dict[str, float]:
    """Computes the measures that are reported for some videos.

    Args:
        scores: `[N, K]`, as for `accuracy`.
        labels: `[N]`, as for `accuracy`; or `[N, K]`, as for `mean_average_precision`.

    Returns:
        `video_accuracy`, `top_5_accuracy` of more than five classes and `mean_class_recall`, or
        `mean_average_precision`, in [0, 1].

    Raises:
        ValueError: As `accuracy` and `mean_average_precision`.
    """
    if np.ndim(labels) == 2:
        return {"mean_average_precision": mean_average_precision(scores, labels)}
    found = {"video_accuracy": accuracy(scores, labels)}
    if np.shape(scores)[1] > TOP:  # Else it is 1, whatever the scores.
        found[f"top_{TOP}_accuracy"] = 1 - top_k_error(scores, labels, TOP)
    return found | {"mean_class_recall": mean_class_recall(scores, labels)}


def measure_per_class(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[str, np.ndarray]:
    """Computes the measure that is reported for each class (paper, Fig. 6).

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
        scores: `[N, K]`, higher for likelier classes. Of equal scores the first counts.
        labels: `[N]` integers in [0, K), the true classes.

    Returns:
        Video accuracy in [0, 1].

    Raises:
        ValueError: If there is no video, or shapes or values do not fit.
    """
    scores, labels = _check(scores, labels)
    return float(np.mean(scores.argmax(axis=1) == labels))


def top_k_error(scores: npt.ArrayLike, labels: npt.ArrayLike, k: int) -> float:
    """Computes the share of samples whose class is not among the k of highest score.

    Args:
        scores: `[N, K]`, as for `accuracy`.
        labels: `[N]`, as for `accuracy`.
        k: How many guesses count, at least 1. With K or more of them no sample is wrong.

    Returns:
        The error in [0, 1]; for k = 1 it is 1 minus `accuracy`.

    Raises:
        ValueError: As `accuracy`, or if `k` is less than 1.
    """
    scores, labels = _check(scores, labels)
    if k < 1:
        raise ValueError(f"`k` must be at least 1. Received: k={k}.")
    own = np.take_along_axis(scores, labels[:, np.newaxis], axis=1)
    # Of equal scores those before the class's own rank higher, as `argmax` has it: a network that
    # gives all classes the same score must not count as right.
    earlier = np.arange(scores.shape[1]) < labels[:, np.newaxis]
    rank = ((scores > own) | ((scores == own) & earlier)).sum(axis=1)
    return float(np.mean(rank >= k))


def confusion_matrix(scores: npt.ArrayLike, labels: npt.ArrayLike) -> np.ndarray:
    """Counts the videos of each true and predicted class (paper, Fig. 5).

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
    # Not `matrix[...] += 1`, which counts a pair of classes once however often it occurs.
    np.add.at(matrix, (labels, scores.argmax(axis=1)), 1)
    return matrix


def recall_per_class(scores: npt.ArrayLike, labels: npt.ArrayLike) -> np.ndarray:
    """Computes for each class the share of its videos that are recognised (paper, Fig. 6).

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
    """Computes how well each class's scores rank the videos that show it before the others.

    For each video that shows the class, precision is the share of such videos among all that rank
    as high or higher. The average precision is the mean of these, as in `Charades_v1_classify.m`.
    Of equal scores the first ranks higher.

    Args:
        scores: `[N, K]`, higher for likelier classes.
        labels: `[N, K]` bool, or integers 0 and 1: whether the video shows the class.

    Returns:
        `[K]` float64 in [0, 1]; NaN for a class that no video shows.

    Raises:
        ValueError: If there is no video, or shapes or values do not fit.
    """
    scores, labels = _check(scores, labels, multi_label=True)
    # Float, because unsigned integers cannot be negated; stable, for the order of equal scores.
    order = np.argsort(-scores.astype(np.float64), axis=0, kind="stable")
    shows = np.take_along_axis(labels, order, axis=0)
    precision = np.cumsum(shows, axis=0) / np.arange(1, len(shows) + 1)[:, np.newaxis]
    videos = labels.sum(axis=0)
    result = np.full(len(videos), np.nan)
    return np.divide((precision * shows).sum(axis=0), videos, out=result, where=videos > 0)


def mean_average_precision(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Computes the mean average precision (mAP) of the classes that have videos.

    On the test set of Charades, where each class has videos, this is the official measure. That
    one leaves out videos that show no class at all, which is why `datasets.charades` does not list
    them. Where a class has no video it gives NaN; its authors then leave the class out, as is done
    here (github.com/gsig/charades-algorithms/issues/17).

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


def check_labels(labels: np.ndarray, num_classes: int) -> None:
    """Checks the labels of videos that show one class each.

    Args:
        labels: `[N]`, the true classes.
        num_classes: K.

    Raises:
        ValueError: If they are not integers in [0, K).
    """
    integers = labels.dtype.kind in "iu"  # Texts, for example, have no smallest one.
    if not integers or labels.min() < 0 or labels.max() >= num_classes:
        given = f"{labels.dtype}" + (f" from {labels.min()} to {labels.max()}" if integers else "")
        raise ValueError(f"Labels must be integers in [0, {num_classes}). Received: {given}.")


def _check(
    scores: npt.ArrayLike, labels: npt.ArrayLike, *, multi_label: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Checks scores and labels and returns them as arrays; labels `[N, K]` as bool."""
    scores, labels = np.asarray(scores), np.asarray(labels)
    fitting = scores.shape if multi_label else scores.shape[:1]
    if scores.ndim != 2 or labels.shape != fitting or 0 in scores.shape:
        rule = (
            f"Scores [N, K] must come with labels [N{', K' if multi_label else ''}] of N > 0 videos"
        )
        raise ValueError(f"{rule}. Received: {list(scores.shape)} and {list(labels.shape)}.")
    # NumPy takes NaN for the maximum and sorts it last: wrong measures, which look like results.
    finite = np.isfinite(scores).all(axis=1)
    if not finite.all():
        raise ValueError(f"Scores must be finite. Received: NaN or inf in row {finite.argmin()}.")
    if not multi_label:
        check_labels(labels, scores.shape[1])
    elif not np.isin(labels, (0, 1)).all():
        raise ValueError(f"Labels must be 0 or 1. Received: {labels.min()} to {labels.max()}.")
    return scores, labels.astype(bool) if multi_label else labels
