"""Batches that are made in parts are those that one stream makes."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from read_back import arrays, assert_same

from tf_twostream import inputs
from tf_twostream.inputs import parts, streams
from tf_twostream.paper import recipes

# Frames of the store differ in size, so that parts are padded differently.
SPATIAL = recipes.SpatialRecipe(crop_size=41, batch_size=8, seed=5)
TEMPORAL = recipes.TemporalRecipe(crop_size=41, stack_length=10, batch_size=8, seed=5)
BOTH = pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])


def unsplit(windows, *, rows):
    """The batches of some rows of each iteration, made by one stream alone."""
    places = streams._places(streams._drawer(windows), 0, rows)
    return windows.batch(places.map(windows.read), len(rows))


@pytest.fixture(autouse=True)
def many_cores(monkeypatch):
    monkeypatch.setattr(parts, "MOST", 4)


@BOTH
@pytest.mark.parametrize("batch_size", [8, 5])  # In four parts, and in one.
def test_parts_joined_are_the_batches_of_one_stream(reader, split, recipe, batch_size):
    recipe = dataclasses.replace(recipe, batch_size=batch_size)
    windows = inputs.Windows(reader, split.train, recipe)
    found = list(inputs.training_in_parts(windows).take(3))
    assert {len(batch) for batch in found} == {math.gcd(batch_size, parts.MOST)}
    wanted = unsplit(windows, rows=np.arange(batch_size))
    for batch, usual in zip(found, wanted.as_numpy_iterator()):
        assert_same(arrays(inputs.join(batch)), usual)


def test_parts_of_a_replica_are_those_of_its_share(reader, split):
    windows = inputs.Windows(reader, split.train, SPATIAL)
    where = {"shard": 1, "num_shards": 2, "num_replicas": 4}
    found = list(inputs.training_in_parts(windows, **where).take(4))
    shares = [unsplit(windows, rows=rows) for rows in (np.array([4, 5]), np.array([6, 7]))]
    wanted = itertools.chain.from_iterable(zip(*(share.as_numpy_iterator() for share in shares)))
    for batch, usual in zip(found, wanted):
        assert_same(arrays(inputs.join(batch)), usual)
