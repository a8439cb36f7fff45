"""The input graph and the bare loops do the same work."""

import itertools

import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.benchmarks import decoding, results
from tf_twostream.paper import recipes


@pytest.fixture
def reader(tiny_store):
    return store.Reader(tiny_store[0])


def test_both_decoders_give_the_same_pixels(reader):
    for jpeg in itertools.chain.from_iterable(decoding._images(reader, "forward", 2)[:5]):
        expected = decoding._opencv(jpeg)
        np.testing.assert_array_equal(decoding._tensorflow(jpeg)[..., 0], expected)


def test_stacks_are_successive_fields_of_the_store_and_short_videos_have_fewer(reader):
    known = {}
    for video_id in reader.video_ids:
        coded = [codes for codes, _ in reader.coded_fields(video_id)]
        known |= {codes.tobytes(): (video_id, t) for t, codes in enumerate(coded)}
    stacks = decoding._images(reader, "forward", 10)
    assert len(stacks) == decoding.STACKS
    assert {len(stack) for stack in stacks} == {10, 4}  # One video has 4 fields.
    for stack in stacks:
        places = [known[decoding._opencv(jpeg).tobytes()] for jpeg in stack]
        assert places == [(places[0][0], places[0][1] + n) for n in range(len(stack))]


def test_the_split_has_all_videos_for_training_and_as_many_classes_as_ucf101(reader):
    split = decoding.made_up_split(reader)
    assert [video.id for video in split.train] == list(reader.video_ids)
    assert (len(split.class_names), split.test) == (101, ())


def test_each_contender_has_a_row_and_the_graph_is_as_fast_as_itself(reader, monkeypatch):
    monkeypatch.setattr(decoding, "ROUNDS", 1)
    monkeypatch.setattr(decoding, "WARM_UP_SECONDS", 0.01)
    monkeypatch.setattr(decoding, "STACKS", 4)
    recipe = recipes.TemporalRecipe(stack_length=2, crop_size=41, batch_size=4)
    text = decoding.measure(reader, recipe, seconds=0.05)
    flow, rgb, stages = results.from_text(text)
    assert [row[""] for row in flow["rows"]] == [
        "input graph", "bare loop of OpenCV", "bare loop of TensorFlow", "loader of image files"
    ]  # fmt: skip
    assert [row[""] for row in rgb["rows"]] == ["input graph", "bare loop of TensorFlow"]
    for table, unit in ((flow, "stacks/s"), (rgb, "frames/s")):
        assert table["rows"][0]["input graph against it"] == 1
        assert all(row[unit] > 0 for row in table["rows"])
    assert [row[""] for row in stages["rows"]] == ["drawing", "batching"]
