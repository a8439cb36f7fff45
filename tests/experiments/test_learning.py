"""The steps of `learn` are commands that people could type."""

import dataclasses
import pathlib

import pytest

from tf_twostream import datasets
from tf_twostream.experiments import learning, presets

SOURCE = datasets.Source(dataset="folders", videos_dir="clips", allow_missing=True)
SMALL = presets.PRESETS["small"]


def make_split(recordings=8):
    videos = tuple(
        datasets.Video(f"{name}/{n}.mp4", label, f"{name}{n}")
        for label, name in enumerate("ab")
        for n in range(recordings)
    )
    return datasets.Split("own", ("a", "b"), videos, (datasets.Video("a/x.mp4", 0),))


def steps_of(preset=SMALL, recordings=8, **more):
    given = learning.Learning(output_dir="out", **more)
    split = learning.with_validation(make_split(recordings), preset)
    return {
        step.name: step for step in learning.in_order(learning.plan(SOURCE, split, given, preset))
    }


def test_each_step_follows_those_whose_outputs_it_needs():
    steps = steps_of()
    assert [*steps][0] == "store" and [*steps][-1] == "report" and len(steps) == 10
    before = set()
    for name, step in steps.items():
        assert {earlier.name for earlier in step.after} <= before
        before.add(name)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_step_is_a_command_with_flags_that_it_has(name, parse):
    for step in steps_of(presets.PRESETS[name]).values():
        parse(step.arguments)


def test_the_fusion_is_learnt_from_validation_videos_where_there_are_some():
    assert "validation_scores" in steps_of()["fused"].flags
    assert steps_of()["runs/spatial"].flags["validation_share"] == SMALL.validation_share
    for without in (steps_of(recordings=1), steps_of(presets.PRESETS["paper"])):
        assert "validation_scores" not in without["fused"].flags
        assert "validation_share" not in without["runs/spatial"].flags


def test_a_validation_part_of_the_data_set_itself_is_used_as_it_is():
    own = dataclasses.replace(make_split(), validation=(datasets.Video("b/v.mp4", 1),))
    assert learning.with_validation(own, SMALL) is own


def test_flags_of_single_steps_go_through():
    more = {"train_flags": "--seed=3", "test_flags": "--test=ten_views"}
    steps = steps_of(**more, flow_flags="--method=brox")
    assert steps["store"].flags["method"] == "brox"
    assert steps["runs/temporal"].flags["seed"] == "3"
    assert steps["scores/spatial.test"].flags["test"] == "ten_views"


def test_a_store_of_another_output_folder_may_be_used():
    assert steps_of(store="other/store")["store"].output == pathlib.Path("other/store/index.npz")


@pytest.mark.parametrize("name", ["flow_flags", "train_flags", "test_flags"])
def test_flags_that_the_steps_share_are_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` must leave `store` to the steps"):
        learning.Learning(output_dir="out", **{name: "--store=x"})


def test_broken_videos_stop_no_one_unless_it_is_wished():
    assert steps_of()["store"].codes == (0, 1)
    strict = dataclasses.replace(SOURCE, allow_missing=False)
    given = learning.Learning(output_dir="out")
    first = learning.in_order(learning.plan(strict, make_split(), given, SMALL))[0]
    assert first.codes == (0,)
