"""Which runs are the two streams of one model."""

import dataclasses

import pytest
from trained import run_of

from tf_twostream import datasets
from tf_twostream.evaluation import pairs
from tf_twostream.paper import recipes
from tf_twostream.scores import fusion

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


def test_a_fusion_is_of_the_streams_at_hand_in_any_order_and_of_their_classes():
    own = fusion.mean(("temporal", "spatial"), SPLIT.class_names, weights=(2, 1))
    assert pairs.check_fusion(own, (SPATIAL, temporal())) is own
    with pytest.raises(fusion.FusionError, match="Received: spatial"):
        pairs.check_fusion(own, (SPATIAL,))
    other = fusion.mean(("temporal", "spatial"), SPLIT.class_names[::-1])
    with pytest.raises(fusion.FusionError, match="Received: 2 streams of a, b, c"):
        pairs.check_fusion(other, (SPATIAL, temporal()))


def test_without_a_fusion_streams_are_averaged():
    own = pairs.check_fusion(None, (SPATIAL, temporal()))
    assert (own.streams, own.weights.tolist()) == (("spatial", "temporal"), [0.5, 0.5])


def test_a_convolutional_fusion_is_a_run_of_two_towers():
    with pytest.raises(pairs.PairError, match="two joined towers. Received: .*, spatial"):
        pairs.check_conv_fusion(SPATIAL)
