"""The recipes of networks of one stream."""

import pytest
from absl import flags

from tf_twostream import cli, paper
from tf_twostream.paper import recipes


def test_defaults_are_the_papers():
    recipe = recipes.TemporalRecipe()
    assert (recipe.batch_size, recipe.momentum, recipe.initial_rate) == (256, 0.9, 1e-2)
    assert (recipe.crop_size, recipe.stack_length, recipe.mean_subtraction) == (224, 10, True)
    assert (recipe.stacking, recipe.bidirectional) == ("flow", False)
    assert not recipe.second_normalisation
    assert (paper.SHORTER_SIDE, paper.TEST_FRAMES, paper.TEST_VIEWS) == (256, 25, 10)


def configured(recipe: recipes.TemporalRecipe) -> None:
    """Takes the place of the `main` of a command."""
    parsed.append(recipe)


parsed: list = []


def test_each_input_configuration_is_a_flag():
    arguments = ["--stack_length=6", "--stacking=trajectory", "--bidirectional"]
    arguments += ["--nomean_subtraction", "--second_normalisation"]
    cli.parse(configured, ["program", *arguments], flags.FlagValues())()
    assert parsed.pop() == recipes.TemporalRecipe(
        stack_length=6,
        stacking="trajectory",
        bidirectional=True,
        mean_subtraction=False,
        second_normalisation=True,
    )


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"train_last_layer_only": True}, "a run to start from"),
        ({"cross_modality": True}, "a run to start from"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"dropout_rate": 1.0}, "dropout_rate=1.0"),
        ({"stack_length": 0}, "stack_length=0"),
        ({"num_iterations": -1}, "num_iterations=-1"),
        ({"stacking": "warped"}, "stacking='warped'"),
        ({"bidirectional": True, "stack_length": 5}, "each direction.*stack_length=5"),
    ],
)
def test_impossible_recipes_are_refused(knobs, message):
    with pytest.raises(ValueError, match=message):
        recipes.TemporalRecipe(**knobs)


def test_a_network_starts_from_one_with_as_many_normalisations():
    one, two = (recipes.TemporalRecipe(second_normalisation=chosen) for chosen in (False, True))
    with pytest.raises(ValueError, match="second_normalisation=False, unlike"):
        one.check_start(two)
    with pytest.raises(ValueError, match="second_normalisation=True, unlike"):
        two.check_start(one)
    for recipe in (one, two):
        recipe.check_start(recipe)
        recipe.check_start(recipes.SpatialRecipe())


@pytest.mark.parametrize(("num_frames", "extent"), [(11, 5), (10, 4), (8, 2)])
def test_slow_fusion_has_four_windows_two_frames_apart_that_hold_all_frames(num_frames, extent):
    assert recipes.SlowFusionRecipe(num_frames=num_frames).temporal_extent == extent
    seen = {first + n for first in (0, 2, 4, 6) for n in range(extent)}
    assert seen == set(range(num_frames))


def test_slow_fusion_has_the_papers_11_frames_and_refuses_too_few():
    assert recipes.SlowFusionRecipe().num_frames == 11
    with pytest.raises(ValueError, match="at least 8. Received: num_frames=7"):
        recipes.SlowFusionRecipe(num_frames=7)


@pytest.mark.parametrize(
    ("recipe", "kinds", "length", "channels"),
    [
        (recipes.SpatialRecipe(), ("rgb",), 1, 3),
        (recipes.TemporalRecipe(), ("forward",), 10, 20),
        (recipes.TemporalRecipe(bidirectional=True), ("forward", "backward"), 10, 20),
        (recipes.SlowFusionRecipe(), ("rgb",), 11, 33),
    ],
)
def test_a_recipe_says_what_its_network_sees(recipe, kinds, length, channels):
    assert (recipe.kinds, recipe.window_length, recipe.input_channels) == (kinds, length, channels)
    assert recipe.sees_flow == (recipe.stream == "temporal")


def test_colours_are_those_of_a_spatial_network():
    recipe = recipes.TemporalRecipe(init_from="run", cross_modality=True)
    recipe.check_start(recipes.SpatialRecipe())
    with pytest.raises(recipes.StartError, match="Received: temporal"):
        recipe.check_start(recipes.TemporalRecipe())


def test_a_fine_tuned_efficientnet_has_a_rate_of_its_own():
    """Under 0.01 all four fine-tuned ones of Table 1a ended at chance."""
    lite = {"architecture": "efficientnet_lite0"}
    tuned = recipes.SpatialRecipe(init_from="imagenet", **lite)
    assert (tuned.initial_rate, tuned.learning_rate_at(14_000)) == pytest.approx((3e-3, 3e-4))
    last = recipes.SpatialRecipe(init_from="imagenet", train_last_layer_only=True, **lite)
    others = [last, recipes.SpatialRecipe(**lite), recipes.SpatialRecipe(init_from="runs/cnn_m")]
    assert {other.initial_rate for other in others} == {1e-2}
    assert recipes.SpatialRecipe(learning_rate=0.5, **lite).initial_rate == 0.5
