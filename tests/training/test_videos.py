"""What a training learns from: lists and stores, turned into tasks and streams."""

import dataclasses
import itertools
import shutil

import numpy as np
import pytest

from tf_twostream import inputs, runs, store
from tf_twostream.paper import recipes
from tf_twostream.store.settings import write as write_settings
from tf_twostream.training import videos
from tf_twostream.training.sharing import Sharing

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=4, num_iterations=4, dropout_rate=0.0
)


@pytest.fixture
def data_set(tiny_store, tiny_source):
    return videos.DataSet(source=tiny_source, store=tiny_store[0])


def test_one_data_set_is_one_task_without_a_name(data_set, tiny_store):
    [task] = videos.Videos([data_set]).read(RECIPE).tasks
    assert (task.name, task.batch_size, task.divisor) == ("", 4, 4)
    assert task.settings == store.Reader(tiny_store[0]).settings
    assert {video.id for video in task.split.train} == {video.id for video in tiny_store[1].train}


def test_tasks_share_a_batch_and_draw_numbers_of_their_own(data_set):
    both = [dataclasses.replace(data_set, name=name) for name in "ab"]
    learnt = videos.Videos(both, Sharing(loss_divisor="batch")).read(RECIPE)
    assert [(t.name, t.batch_size, t.divisor) for t in learnt.tasks] == [("a", 2, 4), ("b", 2, 4)]
    first, second = (inputs.join(next(iter(stream()))) for stream in learnt.streams)
    assert len(first["label"]) == len(second["label"]) == 2
    assert not np.array_equal(first["views"], second["views"])


def test_a_stream_can_begin_at_any_iteration(data_set):
    [stream] = videos.Videos([data_set]).read(RECIPE).streams
    wanted = itertools.islice(stream(), 2, 4)
    for parts, others in zip(stream(first_iteration=2), wanted):
        batch, other = inputs.join(parts), inputs.join(others)
        for name in other:
            np.testing.assert_array_equal(batch[name], other[name])


def test_data_that_only_help_give_all_their_videos(data_set):
    helping = dataclasses.replace(data_set, name="b", train_on_all=True)
    main = dataclasses.replace(data_set, name="a")
    first, second = videos.Videos([main, helping]).read(RECIPE).tasks
    assert (len(first.split.train), len(first.split.test)) == (7, 3)
    assert (len(second.split.train), len(second.split.test)) == (10, 0)
    assert second.split.name.endswith("all videos")


def test_a_recipe_that_does_not_fit_the_store_is_refused(data_set):
    with pytest.raises(recipes.CropError, match="crop_size=224"):
        videos.Videos([data_set]).read(dataclasses.replace(RECIPE, crop_size=224))
    with pytest.raises(store.MissingVideoError, match="backward"):
        both_ways = dataclasses.replace(RECIPE, bidirectional=True, stack_length=4)
        videos.Videos([data_set]).read(both_ways)


def test_tasks_whose_stores_hold_other_flow_are_refused(data_set, tmp_path):
    other = shutil.copytree(data_set.store, tmp_path / "other")
    settings = dataclasses.replace(store.Reader(data_set.store).settings, method="another")
    write_settings(str(other), settings)
    first = dataclasses.replace(data_set, name="a")
    second = dataclasses.replace(data_set, name="b", store=str(other))
    with pytest.raises(runs.OtherStoreError, match="another"):
        videos.Videos([first, second]).read(RECIPE)


def test_a_share_of_what_the_store_holds_is_held_out(data_set, tiny_store):
    learnt = videos.Videos([dataclasses.replace(data_set, validation_share=0.3)]).read(RECIPE)
    [task], [windows], [held_out] = learnt.tasks, learnt.windows, learnt.validation
    assert windows.videos == task.split.train and held_out.videos == task.split.validation
    parts = {*task.split.train}, {*task.split.validation}
    assert not parts[0] & parts[1]
    assert {video.id for video in parts[0] | parts[1]} == {v.id for v in tiny_store[1].train}


def test_nothing_is_held_out_of_data_that_only_help(data_set):
    helping = dataclasses.replace(data_set, name="b", train_on_all=True, validation_share=0.3)
    main = dataclasses.replace(data_set, name="a")
    learnt = videos.Videos([main, helping]).read(RECIPE)
    assert learnt.validation == (None, None)
