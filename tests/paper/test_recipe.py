"""What the recipes of all streams have in common: the paper's schedule and dropout."""

import pytest

from tf_twostream.paper import recipes


def test_from_scratch_the_rate_drops_after_50k_and_70k_and_training_ends_at_80k():
    recipe = recipes.TemporalRecipe()
    rates = [recipe.learning_rate_at(i) for i in (0, 49_999, 50_000, 69_999, 70_000, 79_999)]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4])
    assert recipe.iterations == 80_000


def test_fine_tuning_drops_after_14k_and_ends_at_20k():
    recipe = recipes.SpatialRecipe(init_from="run")
    assert recipe.drops == (14_000,)
    assert recipe.iterations == 20_000
    assert recipe.learning_rate_at(14_000) == pytest.approx(1e-3)


def test_a_shorter_training_keeps_the_schedules_proportions():
    assert recipes.SpatialRecipe(num_iterations=800).drops == (500, 700)


@pytest.mark.parametrize(
    ("knobs", "rate"),
    [
        ({}, 0.9),
        ({"init_from": "run"}, 0.9),
        ({"init_from": "run", "train_last_layer_only": True}, 0.5),
        ({"dropout_rate": 0.5}, 0.5),
        ({"dropout_rate": 0.0}, 0.0),
    ],
)
def test_dropout_is_as_table_1_sets_it(knobs, rate):
    assert recipes.SpatialRecipe(**knobs).dropout == rate
