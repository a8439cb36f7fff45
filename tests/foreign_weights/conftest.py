"""Fixtures of the tests of foreign networks."""

import pathlib

import pytest

TESTS = pathlib.Path(__file__).parents[1]


@pytest.fixture
def files(monkeypatch):
    """The module that writes files of Caffe and MatConvNet."""
    monkeypatch.syspath_prepend(TESTS)
    import foreign_files

    return foreign_files


@pytest.fixture
def net(files):
    """The weights of a small network, as far as reading goes."""
    return files.weights(width=0.01, side=1)
