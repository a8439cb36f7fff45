"""Late fusion of the streams' scores: averaging, or a linear SVM (paper, Sect. 2).

Scores are joined by the ids of the videos; the order of the rows is never trusted.
"""

import dataclasses
import os
import warnings
from collections.abc import Sequence

import numpy as np
from absl import logging

from tf_twostream.scores import score_files
from tf_twostream.scores.score_files import Scores

# The paper gives no C. 1 is LIBLINEAR's default, and it was the best of 0.03, 0.1, 0.3, 1 and 3
# in a ten-fold cross-validation on the scores of a published pair of HMDB-51 networks.
# The features' norm is the square root of the number of streams, whatever the data set, so that
# C means the same everywhere.
SVM_C = 1.0
SVM_STEPS = 100_000  # The most steps of the optimisation; it stops earlier when it has converged.


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
        """Computes decision values, which are not softmax scores and must not be averaged.

        Args:
            streams: The scores of the S streams, in the order of training.

        Returns:
            `[N, K]` float64, rows in the order of the first stream; the highest value wins.

        Raises:
            ScoresError: If the number, the classes or the videos of the streams do not fit.
        """
        streams = score_files.join(streams)
        class_names = streams[0].class_names
        # Another order of the classes has the same shape, and would give wrong decisions.
        if len(streams) != self.num_streams or class_names != self.class_names:
            rule = f"The SVM must get {self.num_streams} streams with its classes, in their order"
            given = f"{len(streams)} streams of {', '.join(class_names[:10])}"
            raise score_files.ScoresError(f"{rule}. Received: {given}.")
        return _features(streams) @ self.coefficients.T + self.intercepts


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
    shares = np.asarray(weights or [1.0] * len(joined), np.float64)
    valid = len(shares) == len(joined) and np.isfinite(shares).all() and (shares >= 0).all()
    if not valid or shares.sum() == 0:
        rule = f"{len(joined)} streams must have {len(joined)} weights, not negative and not all 0"
        raise ValueError(f"{rule}. Received: {', '.join(f'{share:g}' for share in shares)}.")
    stacked = np.stack([stream.scores for stream in joined])
    # Divided by the sum, so that averaged softmax scores sum to 1 again.
    fused = np.tensordot(shares / shares.sum(), stacked, axes=1)
    return dataclasses.replace(joined[0], scores=fused)


def train_svm(streams: Sequence[Scores], *, c: float = SVM_C) -> LinearSVM:
    """Trains an SVM to fuse streams (paper, Sect. 2).

    Each stream's score vector is divided by its L2 norm, and the vectors are stacked. The SVM
    is that of Crammer & Singer (JMLR 2001), the paper's [6]: one optimisation over all classes,
    by scikit-learn's `LinearSVC`, with a fixed seed for the order of its steps.

    Args:
        streams: Scores of *training* videos, in any order of rows.
        c: The weight of errors against the width of the margin.

    Returns:
        The SVM.

    Raises:
        ScoresError: If the streams do not belong together.
        ValueError: If a class has no video, or a video may show several classes.
    """
    from sklearn import exceptions, svm  # Takes a second, which only the SVM should cost.

    streams = score_files.join(streams)
    class_names, labels = streams[0].class_names, streams[0].labels
    if streams[0].multi_label:
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
    model = svm.LinearSVC(
        multi_class="crammer_singer", C=c, max_iter=SVM_STEPS, random_state=0, tol=1e-5
    )
    with warnings.catch_warnings():
        # Scikit-learn advises to raise `max_iter`, which the user of a command cannot.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        model.fit(_features(streams), labels)
    if np.max(model.n_iter_) >= SVM_STEPS:
        words = "The SVM has not converged after %d steps; it may be a little less accurate."
        logging.warning(words, SVM_STEPS)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(class_names) == 2:  # One hyperplane: its negative side is class 0.
        coefficients = np.concatenate([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    return LinearSVM(coefficients, intercepts, class_names)


def save_svm(path: str | os.PathLike[str], svm: LinearSVM) -> None:
    """Writes an SVM as npz (coefficients, intercepts, class_names; no pickle), atomically."""
    score_files.save_arrays(path, vars(svm))


def load_svm(path: str | os.PathLike[str]) -> LinearSVM:
    """Reads an SVM that `save_svm` wrote.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it holds anything else.
    """
    arrays = score_files.load_arrays(path, LinearSVM)
    names = tuple(str(name) for name in arrays["class_names"])
    return LinearSVM(arrays["coefficients"], arrays["intercepts"], names)


def _features(streams: Sequence[Scores]) -> np.ndarray:
    """Stacks the L2-normalised scores of joined streams: `[N, S * K]` float64."""
    # A row of softmax scores sums to 1, so that its norm is never 0.
    scores = [stream.scores.astype(np.float64) for stream in streams]
    return np.concatenate([s / np.linalg.norm(s, axis=1, keepdims=True) for s in scores], axis=1)
