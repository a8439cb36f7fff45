"""Which runs are the two streams of one model."""

import dataclasses

import pytest
from trained import run_of

from tf_twostream import datasets
from tf_twostream.evaluation import pairs
from tf_twostream.paper import recipes

SPLIT = datasets.Split("three", ("a", "b", "c"), (), ())
SPATIAL = run_of("runs/spatial", recipes.SpatialRecipe(), SPLIT)


def temporal(**changes):
    split = dataclasses.replace(SPLIT, **changes)
    return run_of("runs/temporal", recipes.TemporalRecipe(), split)


def test_both_streams_of_the_same_classes_are_a_pair():
    pairs.check_pair(SPATIAL, temporal())


@pytest.mark.parametrize(
    ("both", "received"),
    [
        ((temporal(), SPATIAL), "runs/temporal, temporal"),
        ((SPATIAL, SPATIAL), "runs/spatial, spatial"),
        ((SPATIAL, temporal(class_names=("a", "c", "b"))), "runs/temporal with a, c, b"),
        ((SPATIAL, temporal(multi_label=True)), "runs/spatial, trained on three; runs/temporal"),
    ],
)
def test_other_runs_are_no_pair(both, received):
    with pytest.raises(pairs.PairError, match=f"Received: .*{received}"):
        pairs.check_pair(*both)
