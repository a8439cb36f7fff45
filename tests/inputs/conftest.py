"""The tiny store, opened."""

import pytest

from tf_twostream import store


@pytest.fixture(scope="module")
def reader(tiny_store):
    return store.Reader(tiny_store[0])


@pytest.fixture(scope="module")
def split(tiny_store):
    return tiny_store[1]
