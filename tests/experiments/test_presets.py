"""Presets: the paper's is the paper; the small ones know what to do without their package."""

import pytest

from tf_twostream import cli
from tf_twostream.experiments import command_lines, presets
from tf_twostream.paper import recipes, testing

SMALL = presets.PRESETS["small"]


def recipe_of(stream, preset, num_videos=100):
    flags = getattr(preset, stream).training(num_videos)
    return cli.read(recipes.RECIPES[stream], command_lines.as_arguments(flags))


@pytest.mark.parametrize("stream", ["spatial", "temporal"])
def test_the_papers_preset_changes_nothing_of_the_paper(stream):
    paper = presets.PRESETS["paper"]
    assert recipe_of(stream, paper) == recipes.RECIPES[stream]()
    assert not paper.storing and not paper.testing and not paper.validation_share


@pytest.mark.parametrize("name", presets.PRESETS)
@pytest.mark.parametrize("stream", ["spatial", "temporal"])
def test_flags_of_presets_are_flags(name, stream):
    preset = presets.PRESETS[name]
    known = {"num_iterations", *recipes.RECIPES[stream].__dataclass_fields__}
    assert set(getattr(preset, stream).training(10)) <= known
    assert set(preset.testing) <= set(testing.Testing.__dataclass_fields__)


def test_more_videos_mean_more_iterations():
    assert recipe_of("spatial", SMALL, 44).iterations == 200
    assert recipe_of("spatial", SMALL, 3200).iterations == 20 * 100


def test_without_the_package_networks_start_from_random_weights_and_learn_longer():
    preset = presets.without_package(SMALL)
    for stream in ("spatial", "temporal"):
        recipe = recipe_of(stream, preset)
        assert (recipe.init_from, recipe.architecture, recipe.iterations) == ("", "cnn_m", 600)
    assert presets.without_package(presets.PRESETS["paper"]) == presets.PRESETS["paper"]
