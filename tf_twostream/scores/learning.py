"""Learns from scores how to fuse streams: an SVM (paper, Sect. 2), weights, temperatures (ours).

A stream that knows its training videos by heart is sure and right on them, and nothing that is
learnt from their scores shows how far to trust it on others. Weights and temperatures are therefore
learnt from the scores of validation videos.
"""

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
from absl import logging

from tf_twostream.scores import fusion, score_files
from tf_twostream.scores.fusion import Fusion
from tf_twostream.scores.score_files import Scores

# The paper gives no C. 1 is LIBLINEAR's default, and it was the best of 0.03, 0.1, 0.3, 1 and 3
# in a ten-fold cross-validation on the scores of a published pair of HMDB-51 networks.
# The features' norm is the square root of the number of streams, whatever the data set, so that
# C means the same everywhere.
SVM_C = 1.0
SVM_STEPS = 100_000  # The most steps of the optimisation; it stops earlier when it has converged.
# Few videos that are nearly all right would ask for a temperature near 0.
COLDEST, WARMEST = 0.25, 16.0
WEIGHT_STEPS = 1000  # The likelihood is concave in the weights; each step comes nearer to its top.


def train_svm(streams: Sequence[Scores], *, c: float = SVM_C) -> Fusion:
    """Trains an SVM to fuse streams (paper, Sect. 2).

    Each stream's score vector is divided by its L2 norm, and the vectors are stacked. The SVM
    is that of Crammer & Singer (JMLR 2001), the paper's [6]: one optimisation over all classes,
    by scikit-learn's `LinearSVC`, with a fixed seed for the order of its steps.

    Args:
        streams: Scores of videos to learn from, in any order of rows: in the paper those of the
            training videos.
        c: The weight of errors against the width of the margin.

    Returns:
        The fusion by the SVM.

    Raises:
        ScoresError: If the streams do not belong together.
        ValueError: If a class has no video, or a video may show several classes.
    """
    streams = score_files.join(streams)
    scores = np.stack([stream.scores for stream in streams])
    class_names, labels = streams[0].class_names, streams[0].labels
    check_classes(labels, class_names)
    coefficients, intercepts = fit_svm(fusion.features(scores), labels, c=c)
    averaged = fusion.mean(_names(streams), class_names)
    return dataclasses.replace(averaged, coefficients=coefficients, intercepts=intercepts)


def check_classes(labels: np.ndarray, class_names: Sequence[str]) -> None:
    """Checks that an SVM can learn some classes.

    Args:
        labels: `[N]` integers, or `[N, K]` bool where a video may show several classes.
        class_names: K names.

    Raises:
        ValueError: If a class has no video, or a video may show several classes.
    """
    if labels.ndim > 1:
        rule = (
            "An SVM must give each video one class; where it may show several, average the scores"
        )
        raise ValueError(f"{rule}. Received: scores of such videos.")
    absent = [name for label, name in enumerate(class_names) if label not in labels]
    if absent or len(class_names) < 2:
        given = f"{len(class_names)} classes, {len(absent)} without videos {absent[:10]}"
        raise ValueError(
            f"An SVM must learn two classes or more, from videos of each. Received: {given}."
        )


def fit_svm(
    features: np.ndarray, labels: np.ndarray, *, c: float = SVM_C
) -> tuple[np.ndarray, np.ndarray]:
    """Trains a linear SVM over all classes at once, as `train_svm` describes it.

    Args:
        features: `[N, F]`.
        labels: `[N]` integers, in which each of the K classes occurs.
        c: As for `train_svm`.

    Returns:
        The coefficients `[K, F]` and the intercepts `[K]` of the decision values.
    """
    from sklearn import exceptions, svm  # Takes a second, which only the SVM should cost.

    model = svm.LinearSVC(
        multi_class="crammer_singer", C=c, max_iter=SVM_STEPS, random_state=0, tol=1e-5
    )
    with warnings.catch_warnings():
        # Scikit-learn advises to raise `max_iter`, which the user of a command cannot.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        model.fit(features, labels)
    if np.max(model.n_iter_) >= SVM_STEPS:
        words = "The SVM has not converged after %d steps; it may be a little less accurate."
        logging.warning(words, SVM_STEPS)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(coefficients) == 1:  # Of two classes, one hyperplane: its negative side is class 0.
        coefficients = np.concatenate([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    return coefficients, intercepts


def fit_temperatures(streams: Sequence[Scores]) -> tuple[float, ...]:
    """Finds the temperature of each stream at which its scores are as sure as they are right.

    It minimises the mean cross-entropy (Guo et al., ICML 2017, Sect. 4.2); of scores, because those
    of a video are means over softmax scores, not of logits.

    Args:
        streams: Scores of validation videos.

    Returns:
        A temperature per stream, from 0.25 to 16; 1 for a stream that is right on all videos, of
        which nobody can say how often it will be wrong.
    """
    from scipy import optimize

    def fit(stream: Scores) -> float:
        if _is_always_right(stream):
            return 1.0  # The surer, the better: every limit would be arbitrary.
        limits = (np.log(COLDEST), np.log(WARMEST))
        found = optimize.minimize_scalar(
            lambda x: _loss(
                fusion.soften(stream.scores, np.exp(x), multi_label=stream.multi_label), stream
            ),
            bounds=limits,
            method="bounded",
        )
        return float(np.exp(found.x))

    return tuple(map(fit, streams))


def _is_always_right(stream: Scores) -> bool:
    if stream.multi_label:
        return bool(((stream.scores > 0.5) == stream.labels).all())
    return bool((stream.scores.argmax(axis=1) == stream.labels).all())


def _loss(scores: np.ndarray, truth: Scores) -> float:
    """Computes the mean cross-entropy of `[N, K]` scores."""
    return -float(np.mean(np.log(np.maximum(_likelihoods(scores, truth), fusion.LEAST))))


def _likelihoods(scores: np.ndarray, truth: Scores) -> np.ndarray:
    """Returns the scores of what is true: `[N]`, or `[N * K]` where a video may show several."""
    if truth.multi_label:
        return np.where(truth.labels, scores, 1 - scores).ravel()
    return np.take_along_axis(scores, truth.labels[:, None], axis=1)[:, 0]


def fit_weights(streams: Sequence[Scores]) -> tuple[float, ...]:
    """Finds the weights whose average makes the true classes likeliest, by EM.

    Args:
        streams: Scores of the same validation videos, in any order of rows.

    Returns:
        A weight per stream, of sum 1.

    Raises:
        ScoresError: If the streams do not belong together.
    """
    joined = score_files.join(streams)
    likely = np.stack([_likelihoods(s.scores.astype(np.float64), s) for s in joined])
    likely = np.maximum(likely, fusion.LEAST)
    weights = np.full(len(joined), 1 / len(joined))
    for _ in range(WEIGHT_STEPS):
        shares = weights[:, None] * likely
        weights = np.mean(shares / shares.sum(axis=0), axis=1)
    return tuple(weights.tolist())


def learn_weights(streams: Sequence[Scores]) -> Fusion:
    """Makes a weighted average of the scores of validation videos, see `fit_weights`."""
    return fusion.mean(_names(streams), streams[0].class_names, weights=fit_weights(streams))


def learn_temperatures(streams: Sequence[Scores]) -> Fusion:
    """Makes an average of softened scores from those of validation videos."""
    temperatures = fit_temperatures(streams)
    return fusion.mean(_names(streams), streams[0].class_names, temperatures=temperatures)


def _names(streams: Sequence[Scores]) -> list[str]:
    """Names streams as their files do, or by numbers."""
    names = [stream.stream for stream in streams]
    if all(names) and len(set(names)) == len(names):
        return names
    return [f"stream {number}" for number in range(1, len(streams) + 1)]
