"""Which records a window holds."""

import numpy as np
import pytest
from read_back import fields_of

from tf_twostream import datasets, inputs, paper, store
from tf_twostream.inputs import windows

TEMPORAL = paper.TemporalRecipe(crop_size=41, stack_length=10)


@pytest.fixture(scope="module")
def reader(tiny_store):
    return store.Reader(tiny_store[0])


@pytest.fixture(scope="module")
def split(tiny_store):
    return tiny_store[1]


def test_a_window_is_the_l_successive_fields_from_its_start(reader, split):
    videos = split.train
    for element in inputs.evaluation(reader, videos, TEMPORAL, batch_size=1).unbatch().take(30):
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
    element = next(iter(inputs.evaluation(reader, short, TEMPORAL).unbatch()))
    codes, ranges, _ = fields_of(reader, short[0].id)
    np.testing.assert_array_equal(element["codes"], codes[[0, 1, 2, 3] + [3] * 6])
    np.testing.assert_array_equal(element["ranges"], ranges[[0, 1, 2, 3] + [3] * 6])


def test_a_video_has_a_start_for_each_whole_window_and_at_least_one(reader, split):
    fields = np.array([reader.num_frames(video.id) - 1 for video in split.train])
    assert fields.min() < 10 < fields.max()
    starts = windows.Windows(reader, split.train, TEMPORAL).num_starts()
    np.testing.assert_array_equal(starts, np.where(fields < 10, 1, fields - 9))


def test_a_place_has_all_labels_of_its_video(reader, split):
    videos = [datasets.Video(split.train[0].id, 0, other_labels=(2,)), split.train[1]]
    source = windows.Windows(reader, videos, TEMPORAL, several_of=4)
    labels = source.locate([1, 0, 1], [0, 0, 0])["label"].numpy().tolist()
    assert labels == [[False, True, False, False], [True, False, True, False],
                      [False, True, False, False]]  # fmt: skip
