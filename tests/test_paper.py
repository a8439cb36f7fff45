"""The paper's numbers, as a table."""

import subprocess
import sys

import pytest

from tf_twostream import paper


def test_from_scratch_the_rate_drops_after_50k_and_70k_and_training_ends_at_80k():
    recipe = paper.TemporalRecipe()
    rates = [recipe.learning_rate_at(i) for i in (0, 49_999, 50_000, 69_999, 70_000, 79_999)]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4])
    assert recipe.iterations == 80_000


def test_fine_tuning_drops_after_14k_and_ends_at_20k():
    recipe = paper.SpatialRecipe(init_from="run")
    assert recipe.drops == (14_000,)
    assert recipe.iterations == 20_000
    assert recipe.learning_rate_at(14_000) == pytest.approx(1e-3)


def test_a_shorter_training_keeps_the_schedules_proportions():
    assert paper.SpatialRecipe(num_iterations=800).drops == (500, 700)


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
    assert paper.SpatialRecipe(**knobs).dropout == rate


def test_defaults_are_the_papers():
    recipe = paper.TemporalRecipe()
    assert (recipe.batch_size, recipe.momentum, recipe.learning_rate) == (256, 0.9, 1e-2)
    assert (recipe.crop_size, recipe.stack_length, recipe.mean_subtraction) == (224, 10, True)
    assert (recipe.stacking, recipe.bidirectional) == ("flow", False)
    assert not recipe.second_normalisation
    assert (paper.SHORTER_SIDE, paper.TEST_FRAMES, paper.TEST_VIEWS) == (256, 25, 10)


@pytest.mark.parametrize(
    "recipe",
    [
        paper.SpatialRecipe(width=0.5),
        paper.TemporalRecipe(seed=3),
        paper.TemporalRecipe(stacking="trajectory", bidirectional=True),
        paper.TemporalRecipe(second_normalisation=True),
        paper.SlowFusionRecipe(num_frames=10),
    ],
)
def test_a_recipe_survives_json(recipe):
    assert paper.recipe_from_json(recipe.to_json()) == recipe


def test_a_recipe_from_before_there_was_a_choice_is_the_papers():
    values = paper.TemporalRecipe(seed=3).to_json()
    del values["stacking"], values["bidirectional"], values["second_normalisation"]
    assert paper.recipe_from_json(values) == paper.TemporalRecipe(seed=3)


SCRIPT = """
from tf_twostream import cli, paper
cli.define(paper.TemporalRecipe)
cli.run(lambda: print(cli.parse(paper.TemporalRecipe)))
"""


def test_each_input_configuration_is_a_flag(tmp_path, root):
    (tmp_path / "script.py").write_text(SCRIPT)
    flags = ["--stack_length=6", "--stacking=trajectory", "--bidirectional", "--nomean_subtraction"]
    flags.append("--second_normalisation")
    result = subprocess.run(
        [sys.executable, tmp_path / "script.py", *flags],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": str(root)},
    )  # fmt: skip
    for knob in (
        "stack_length=6", "stacking='trajectory'", "bidirectional=True", "mean_subtraction=False",
        "second_normalisation=True",
    ):  # fmt: skip
        assert knob in result.stdout


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"train_last_layer_only": True}, "--init_from"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"dropout_rate": 1.0}, "dropout_rate=1.0"),
        ({"stack_length": 0}, "stack_length=0"),
        ({"num_iterations": -1}, "num_iterations=-1"),
        ({"stacking": "warped"}, "stacking='warped'"),
        ({"bidirectional": True, "stack_length": 5}, "even.*stack_length=5.*--bidirectional"),
    ],
)
def test_impossible_recipes_are_refused(knobs, message):
    with pytest.raises(ValueError, match=message):
        paper.TemporalRecipe(**knobs)


def test_a_network_starts_from_one_with_as_many_normalisations():
    one, two = (paper.TemporalRecipe(second_normalisation=chosen) for chosen in (False, True))
    with pytest.raises(ValueError, match="=False, and an --init_from with True. Say --second_"):
        one.check_start(two)
    with pytest.raises(ValueError, match="=True, and an --init_from with False. Leave out --sec"):
        two.check_start(one)
    for recipe in (one, two):
        recipe.check_start(recipe)
        recipe.check_start(paper.SpatialRecipe())


@pytest.mark.parametrize(("num_frames", "extent"), [(11, 5), (10, 4), (8, 2)])
def test_slow_fusion_has_four_windows_two_frames_apart_that_hold_all_frames(num_frames, extent):
    assert paper.SlowFusionRecipe(num_frames=num_frames).temporal_extent == extent
    seen = {first + n for first in (0, 2, 4, 6) for n in range(extent)}
    assert seen == set(range(num_frames))


def test_slow_fusion_has_the_papers_11_frames_and_refuses_too_few():
    assert paper.SlowFusionRecipe().num_frames == 11
    with pytest.raises(ValueError, match="at least 8.*num_frames=7.*--num_frames=11"):
        paper.SlowFusionRecipe(num_frames=7)
