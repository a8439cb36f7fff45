"""Which records a window holds, and what they are turned into."""

import dataclasses

import numpy as np
import pytest
from read_back import arrays, assert_same, fields_of

from tf_twostream import datasets, inputs, store
from tf_twostream.paper import recipes
from tf_twostream.store import tables

TEMPORAL = recipes.TemporalRecipe(crop_size=41, stack_length=10, batch_size=8, seed=5)
SPATIAL = recipes.SpatialRecipe(crop_size=41, batch_size=8, seed=5)
SLOW_FUSION = recipes.SlowFusionRecipe(crop_size=41, batch_size=8, seed=5)


def test_a_window_is_the_l_successive_fields_from_its_start(reader, split):
    videos = split.train
    batches = inputs.evaluation(inputs.Windows(reader, videos, TEMPORAL), batch_size=1)
    for element in batches.unbatch().take(30):
        video = videos[int(element["video"])]
        codes, ranges, means = fields_of(reader, video.id)
        starts = inputs.equally_spaced(np.array([max(len(codes) - 9, 1)]))[0]
        window = element["codes"].numpy()
        matches = [start for start in starts if np.array_equal(codes[start : start + 10], window)]
        assert matches
        start = matches[0]
        np.testing.assert_array_equal(element["ranges"], ranges[start : start + 10])
        np.testing.assert_array_equal(element["means"], means[start : start + 10])
        assert int(element["label"]) == video.label


def test_a_clip_shorter_than_the_stack_repeats_its_last_field(reader, split):
    short = [video for video in split.train if reader.num_frames(video.id) == 5]
    element = next(iter(inputs.evaluation(inputs.Windows(reader, short, TEMPORAL)).unbatch()))
    codes, ranges, _ = fields_of(reader, short[0].id)
    np.testing.assert_array_equal(element["codes"], codes[[0, 1, 2, 3] + [3] * 6])
    np.testing.assert_array_equal(element["ranges"], ranges[[0, 1, 2, 3] + [3] * 6])


def test_a_video_has_a_start_for_each_whole_window_and_at_least_one(reader, split):
    fields = np.array([reader.num_frames(video.id) - 1 for video in split.train])
    assert fields.min() < 10 < fields.max()
    starts = inputs.Windows(reader, split.train, TEMPORAL).num_starts()
    np.testing.assert_array_equal(starts, np.where(fields < 10, 1, fields - 9))


class Numbered:
    """A store of one video."""

    settings = store.Settings(method="", parameters={}, directions=(), shorter_side=48)

    def __init__(self, num_fields):
        self.num_fields = num_fields

    def table(self, video_ids, kind):
        columns = {
            "num_records": self.num_fields, "height": 48, "width": 64, "first": 0, "store": 0
        }  # fmt: skip
        one_video = {name: np.array([value]) for name, value in columns.items()}
        lengths = np.zeros(self.num_fields, np.int32)
        return tables.Table(
            kind=kind, folders=("",), video_ids=video_ids, lengths=lengths, **one_video
        )


@pytest.mark.parametrize(
    ("num_frames", "start", "forward", "backward"),
    [  # Of the records that are read: the first, and how many.
        (12, 3, (5, 2), (3, 2)), (12, 0, (2, 2), (0, 2)), (12, 7, (9, 2), (7, 2)),
        (5, 0, (2, 2), (0, 2)), (4, 0, (1, 2), (0, 1)), (3, 0, (1, 1), (0, 1)),
        (2, 0, (0, 1), (0, 1)),
    ],
)  # fmt: skip
def test_in_both_directions_the_records_of_a_window_lie_around_tau(
    num_frames, start, forward, backward
):
    recipe = dataclasses.replace(TEMPORAL, stack_length=4, bidirectional=True)
    windows = inputs.Windows(Numbered(num_frames - 1), [datasets.Video("v", 0)], recipe)
    place = arrays(windows.locate([0], [start]))
    assert place["path"].tolist() == [[b"v/forward.tfrecord", b"v/backward.tfrecord"]]
    found = np.stack([place["record"][0], place["count"][0]], axis=1)
    np.testing.assert_array_equal(found, [forward, backward])


@pytest.mark.parametrize(
    ("num_frames", "start", "count"), [(12, 3, 4), (12, 7, 4), (5, 0, 4), (4, 0, 3), (2, 0, 1)]
)
def test_in_one_direction_the_records_of_a_window_begin_at_its_start(num_frames, start, count):
    recipe = dataclasses.replace(TEMPORAL, stack_length=4)
    windows = inputs.Windows(Numbered(num_frames - 1), [datasets.Video("v", 0)], recipe)
    place = arrays(windows.locate([0], [start]))
    assert (place["record"].tolist(), place["count"].tolist()) == ([[start]], [[count]])


def test_a_place_has_all_labels_of_its_video(reader, split):
    videos = [datasets.Video(split.train[0].id, 0, other_labels=(2,)), split.train[1]]
    several = datasets.Split("", tuple("abcd"), tuple(videos), (), multi_label=True)
    labels = datasets.label_array(videos, several)
    source = inputs.Windows(reader, videos, TEMPORAL, labels=labels)
    labels = source.locate([1, 0, 1], [0, 0, 0])["label"].numpy().tolist()
    assert labels == [[False, True, False, False], [True, False, True, False],
                      [False, True, False, False]]  # fmt: skip


def test_videos_of_one_size_are_batched_alike(reader, split):
    alike = [video for video in split.train if reader.size(video.id) == (54, 48)]
    assert len(alike) > 1
    batch = next(iter(inputs.training(inputs.Windows(reader, alike, TEMPORAL))))
    assert batch["codes"].shape == (8, 10, 2, 54, 48)
    assert batch["views"].shape == (8, 1, 3)


def test_a_crop_larger_than_the_frames_is_refused(reader, split):
    with pytest.raises(ValueError, match=r"48 pixels. Received: crop_size=224"):
        inputs.training(inputs.Windows(reader, split.train, recipes.SpatialRecipe()))


def test_no_video_is_refused(reader):
    with pytest.raises(ValueError, match="a video to read"):
        inputs.evaluation(inputs.Windows(reader, [], SPATIAL))


def test_a_video_that_is_not_in_the_store_is_named(reader):
    with pytest.raises(ValueError, match="nowhere.avi"):
        inputs.evaluation(inputs.Windows(reader, [datasets.Video("nowhere.avi", 0)], SPATIAL))


@pytest.mark.parametrize("graph", [inputs.training, inputs.evaluation])
def test_a_store_without_backward_flow_is_refused(reader, split, graph):
    recipe = dataclasses.replace(TEMPORAL, bidirectional=True)
    with pytest.raises(ValueError, match="holds rgb, forward. Received: backward"):
        graph(inputs.Windows(reader, split.train, recipe))


def test_a_stack_is_successive_frames_and_a_short_clip_repeats_its_last(reader, split):
    for video in split.train:
        frames = np.stack(list(reader.frames(video.id)))  # Decoded by OpenCV.
        starts = inputs.equally_spaced(np.array([max(len(frames) - 10, 1)]))[0]
        [batch] = inputs.evaluation(inputs.Windows(reader, [video], SLOW_FUSION))
        for stack, start in zip(batch["rgb"].numpy(), starts, strict=True):
            shown = [min(start + n, len(frames) - 1) for n in range(11)]
            np.testing.assert_array_equal(stack, np.concatenate(frames[shown], axis=-1))


@pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])
def test_videos_of_two_stores_are_read_from_their_own(reader, split, recipe):
    joined = store.JoinedReader([reader, reader])
    added = [
        dataclasses.replace(video, id=store.added_id(video.id), label=video.label + 3)
        for video in split.train
    ]
    both = iter(inputs.training(inputs.Windows(joined, [*split.train, *added], recipe)))
    assert set(next(both)["label"].numpy() // 3) == {0, 1}
    alone = inputs.evaluation(inputs.Windows(reader, split.train, recipe))
    there = inputs.evaluation(inputs.Windows(joined, added, recipe))
    for first, second in zip(map(arrays, alone), map(arrays, there), strict=True):
        np.testing.assert_array_equal(first.pop("label") + 3, second.pop("label"))
        assert_same(first, second)


def test_a_video_of_another_store_is_not_looked_for_in_this_one(reader, split):
    elsewhere = [dataclasses.replace(v, id=store.added_id(v.id)) for v in split.train]
    with pytest.raises(store.MissingVideoError, match="@1/.* is not among"):
        inputs.training(inputs.Windows(reader, elsewhere, SPATIAL))


@pytest.mark.parametrize(
    ("recipe", "num_frames", "first", "last"),
    [
        (SPATIAL, 20, 0, 19),
        (TEMPORAL, 20, 5, 14),  # Ten fields lie between eleven frames.
        (TEMPORAL, 5, 2, 2),
        (dataclasses.replace(TEMPORAL, bidirectional=True), 20, 5, 14),
        (SLOW_FUSION, 20, 5, 14),
        (dataclasses.replace(TEMPORAL, stack_length=5), 6, 2.5, 2.5),
    ],
)
def test_the_middle_of_a_window_is_that_of_the_frames_it_spans(recipe, num_frames, first, last):
    numbered = Numbered(num_frames - recipe.sees_flow)
    windows = inputs.Windows(numbered, [datasets.Video("v", 0)], recipe)
    [middles] = windows.middles_to_test(3)
    assert (middles[0], middles[-1]) == (first, last)
