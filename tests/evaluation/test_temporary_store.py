"""Frames and flow of video files, for one use."""

import os

import made_up_clips
import numpy as np
import pytest
import read_back
import trained

from tf_twostream import store
from tf_twostream.evaluation import temporary_store
from tf_twostream.paper import recipes, testing
from tf_twostream.precompute.resources import Resources

KNOBS = {"crop_size": 41, "width": 0.05}
FARNEBACK = store.Settings.of("farneback", shorter_side=48)


@pytest.fixture
def clip(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    return str(made_up_clips.write(tmp_path / "a.avi", [noise] * 8))


def fill(videos, recipe, tiny_store, settings=FARNEBACK, protocol=None):
    run = trained.run_of("run", recipe, tiny_store[1], settings)
    ids = temporary_store.number(videos)
    return temporary_store.fill(ids, [run], Resources(num_workers=1), protocol=protocol)


def test_the_store_goes_at_the_end_and_has_no_flow_that_nobody_sees(clip, tiny_store):
    with fill([clip, "absent.avi"], recipes.SpatialRecipe(**KNOBS), tiny_store) as (reader, failed):
        assert reader.video_ids == ("000000",) and reader.settings.kinds == ("rgb",)
        assert list(failed) == ["absent.avi"]
        path = reader.path
    assert not os.path.exists(path)


def test_only_records_that_are_read_are_kept(clip, tiny_store):
    recipe = recipes.TemporalRecipe(stack_length=2, **KNOBS)
    sizes = {}
    for count in (0, 1):
        seen = testing.Testing(num_frames=count) if count else None
        with fill([clip], recipe, tiny_store, protocol=seen) as (reader, _):
            offsets = read_back.offsets(reader.table(["000000"], "rgb"))
            sizes[count] = int((np.diff(offsets) > 200).sum())
    assert sizes == {0: 7, 1: 0}


def test_other_flow_than_in_training_is_refused(clip, tiny_store):
    other = store.Settings.from_json(
        {**FARNEBACK.to_json(), "parameters": {"levels": 99}}, "run.json"
    )
    temporal = recipes.TemporalRecipe(**KNOBS)
    with (
        pytest.raises(temporary_store.OtherFlowError, match="the flow that is computed now"),
        fill([clip], temporal, tiny_store, settings=other),
    ):
        pass


def test_flow_is_coded_as_in_the_training(clip, tiny_store):
    raw = store.Settings.of("farneback", shorter_side=48, flow_coding="raw")
    recipe = recipes.TemporalRecipe(stack_length=2, **KNOBS)
    with fill([clip], recipe, tiny_store, settings=raw) as (reader, _):
        assert reader.settings == raw
        assert next(reader.coded_fields("000000"))[0].shape == (2, *reader.size("000000"))


def test_the_rate_is_that_of_the_training(clip, tiny_store):
    slow = store.Settings.of("farneback", shorter_side=48, fps=12.5)
    recipe = recipes.TemporalRecipe(stack_length=2, **KNOBS)
    with fill([clip], recipe, tiny_store, settings=slow) as (reader, _):
        assert reader.num_frames("000000") == 4 and reader.fps("000000") == 12.5
