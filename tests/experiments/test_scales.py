"""The two scales: the paper's, and one for two cores."""

import dataclasses

import pytest

from tf_twostream import datasets, paper
from tf_twostream.experiments import rows, scales
from tf_twostream.paper import recipes


def test_the_papers_scale_has_its_data_sets_and_changes_no_flag():
    assert tuple(scales.PAPER.data_sets) == rows.DATASETS
    assert scales.PAPER.training == scales.PAPER.fine_tuning == scales.PAPER.precomputing == {}
    assert scales.PAPER.fusing == {}


@pytest.mark.parametrize("scale", scales.SCALES.values())
def test_the_lists_of_a_data_set_are_named_by_flags_that_its_kind_takes(scale):
    for own in scale.data_sets.values():
        source = datasets.Source(**own.source)
        has_lists = datasets.source.KINDS[source.dataset].has_lists
        assert own.lists == (source.annotations if has_lists else source.videos_dir)


def test_small_fine_tuning_is_as_much_shorter_as_the_papers():
    small = scales.SMALL
    ratio = small.fine_tuning["num_iterations"] / small.training["num_iterations"]
    scratch, tuned = recipes.SpatialRecipe(), recipes.SpatialRecipe(init_from="imagenet")
    assert ratio == tuned.iterations / scratch.iterations


def test_small_crops_are_as_large_a_part_of_the_frame_as_the_papers():
    small = scales.SMALL
    part = small.training["crop_size"] / small.precomputing["shorter_side"]
    assert part == paper.CROP_SIZE / paper.SHORTER_SIDE


def test_small_towers_are_joined_by_flags_of_that_command():
    assert set(scales.SMALL.fusing) <= {
        f.name for f in dataclasses.fields(recipes.ConvFusionRecipe)
    }


def test_a_small_table_says_every_number_in_which_it_departs():
    small = scales.SMALL
    for flags in (small.training, small.fine_tuning, small.fusing):
        assert all(str(value) in small.note for value in flags.values())
    assert scales.PAPER.note == ""
