"""The protocol of testing."""

import pytest

from tf_twostream import paper
from tf_twostream.paper import recipes, testing


def test_by_default_it_is_the_papers():
    assert testing.PAPER.checkpoint == "last"
    for recipe in (recipes.SpatialRecipe(), recipes.TemporalRecipe()):
        assert testing.PAPER.of(recipe) == testing.Protocol(
            num_windows=paper.TEST_FRAMES, views="ten_views", average="scores", at_once=25
        )
    assert paper.TEST_FRAMES == 25


def test_a_fusion_is_tested_as_its_authors_do_clips_of_whole_frames_by_class_values():
    fused = recipes.ConvFusionRecipe(spatial_run="s", temporal_run="t")
    assert testing.PAPER.of(fused) == testing.Protocol(
        num_windows=10, views="dense", average="logits", at_once=5
    )
    asked = testing.Testing(test_clips=3, test="ten_views", average="scores", frames_per_batch=2)
    assert asked.of(fused) == testing.Protocol(
        num_windows=3, views="ten_views", average="scores", at_once=2
    )


@pytest.mark.parametrize(
    "knobs",
    [
        {"num_frames": 0},
        {"test_clips": 0},
        {"test": "eleven"},
        {"average": "max"},
        {"checkpoint": "first"},
    ],
)
def test_other_values_are_refused(knobs):
    with pytest.raises(ValueError, match=f"`{next(iter(knobs))}` must be"):
        testing.Testing(**knobs)
