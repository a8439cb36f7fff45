"""Weights of classes."""

import numpy as np
import pytest

from tf_twostream import datasets
from tf_twostream.paper import recipes
from tf_twostream.training import balance

WEIGHTS = recipes.SpatialRecipe(class_balance="weights")


def split_of(labels, **knobs):
    videos = tuple(datasets.Video(f"{n}.avi", label) for n, label in enumerate(labels))
    return datasets.Split("few", ("a", "b", "c"), videos, (), **knobs)


def test_the_weighted_mean_is_the_mean_over_classes():
    labels = np.array([0, 0, 0, 0, 1, 2, 2])
    weights = balance.class_weights(split_of(labels), WEIGHTS)
    losses = np.random.default_rng(0).random(7)
    by_class = [losses[labels == k].mean() for k in range(3)]
    assert np.mean(weights[labels] * losses) == pytest.approx(np.mean(by_class))


@pytest.mark.parametrize("balanced", ["sampling", "none"])
def test_otherwise_all_samples_count_alike(balanced):
    recipe = recipes.SpatialRecipe(class_balance=balanced)
    assert balance.class_weights(split_of([0, 0, 1, 2]), recipe) is None


def test_weights_are_of_videos_of_one_class():
    with pytest.raises(ValueError, match="one class each"):
        balance.class_weights(split_of([0, 1, 2], multi_label=True), WEIGHTS)
    with pytest.raises(ValueError, match="weights for still images"):
        balance.class_weights(split_of([]), WEIGHTS)
