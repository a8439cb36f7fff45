"""Scores of streams that do not exist."""

import dataclasses

import numpy as np

from tf_twostream.scores import score_files

NAMES = ("bend", "jack", "wave")


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def make_scores(seed, *, labels=(0, 1, 2, 2), names=NAMES, strength=1.0, prefix="v"):
    """A stream whose logits are noise plus `strength` at the true class."""
    labels = np.array(labels)
    logits = np.random.default_rng(seed).normal(size=(len(labels), len(names)))
    logits += strength * np.eye(len(names))[labels]
    ids = tuple(f"{names[label]}/{prefix}{row}.avi" for row, label in enumerate(labels))
    return score_files.Scores(ids, labels, names, softmax(logits))


def reorder(scores, order):
    ids = tuple(scores.video_ids[row] for row in order)
    return dataclasses.replace(
        scores, video_ids=ids, labels=scores.labels[order], scores=scores.scores[order]
    )


def make_several(seed, *, shows=((1, 1, 0), (0, 0, 1), (0, 1, 1))):
    """A stream of sigmoid scores."""
    shows = np.array(shows, bool)
    noise = np.random.default_rng(seed).random(shows.shape)
    ids = tuple(f"{row}.mp4" for row in range(len(shows)))
    return score_files.Scores(ids, shows, NAMES, (noise + shows) / 2)


def assert_equal(actual, expected):
    assert actual.video_ids == expected.video_ids
    assert actual.class_names == expected.class_names
    np.testing.assert_array_equal(actual.labels, expected.labels)
    np.testing.assert_array_equal(actual.scores, expected.scores)
    assert (actual.labels.dtype, actual.scores.dtype) == (np.int64, np.float32)
