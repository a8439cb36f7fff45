"""Lists and stores of data sets, opened and checked before TensorFlow is there."""

import subprocess
import sys

import pytest

from tf_twostream import store
from tf_twostream.paper import recipes
from tf_twostream.training import data_sets


@pytest.fixture
def data_set(tiny_store, tiny_source):
    return data_sets.DataSet(source=tiny_source, store=tiny_store[0])


def test_what_does_not_fit_is_said_before_tensorflow_is_there(data_set):
    check = f"""
import sys
from tf_twostream import datasets
from tf_twostream.paper import recipes
from tf_twostream.training import data_sets
try:
    data_sets.DataSet(source={data_set.source!r}, store={data_set.store!r}).check(
        recipes.SpatialRecipe(crop_size=224)
    )
except recipes.CropError:
    print("said", not {{"tensorflow", "keras"}} & set(sys.modules))
""".replace("Source(", "datasets.Source(")
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.stdout == "said True\n", done.stderr


def test_lists_and_stores_are_read_once(data_set, monkeypatch):
    data_set.check(recipes.SpatialRecipe(crop_size=41))
    monkeypatch.setattr(store, "Reader", None)
    with pytest.raises(store.MissingVideoError, match="Received: backward"):
        data_set.check(recipes.TemporalRecipe(crop_size=41, stack_length=4, bidirectional=True))
    assert len(data_set.opened[2].train) == 7


def test_videos_that_could_not_be_read_are_named_before_they_are_missed(
    tiny_store, tiny_source, monkeypatch, caplog
):
    reader = store.Reader(tiny_store[0])
    lost = tiny_store[1].train[0].id
    monkeypatch.setattr(store, "read_failed", lambda path: {lost: "no frame", "other": "x"})
    with caplog.at_level("WARNING", "absl"):
        data_sets.read_split(tiny_source, reader, where="here")
    assert "1 video of tiny.csv could not be read when the store was filled" in caplog.text
    assert f"{lost}: no frame" in caplog.text
