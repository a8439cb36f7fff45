"""Intervals of accuracies, from drawing recordings again (bootstrap)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DRAWS = 10_000
BATCH = 1000  # Draws at once; all of them would take memory for nothing.


def resample(
    values: npt.ArrayLike, groups: Sequence[str] = (), *, seed: int = 0
) -> tuple[float, float]:
    """Computes the 95 % interval of a mean by drawing groups with replacement.

    Clips of one recording resemble each other: as many of them say less than so many recordings.

    Args:
        values: `[N]`, one per video, for example whether it was recognised; or the difference
            between two ways of recognising it.
        groups: N groups; a video with an empty one is a group of its own, as all are without any.
        seed: Of the draws.

    Returns:
        The 2.5th and the 97.5th percentile of the means, each over all videos of the groups drawn.
    """
    numbers = np.asarray(values, np.float64)
    keys = [
        group or f"video {n}"
        for n, group in enumerate(groups if len(groups) else [""] * len(numbers))
    ]
    _, member = np.unique(keys, return_inverse=True)
    sums, counts = np.bincount(member, numbers), np.bincount(member)
    rng, means = np.random.default_rng(seed), []
    for _ in range(DRAWS // BATCH):
        drawn = rng.integers(0, len(counts), (BATCH, len(counts)))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)
