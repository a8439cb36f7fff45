"""Fixtures of the tests of foreign networks."""

import foreign_files as files
import pytest


@pytest.fixture
def net():
    """The weights of a small network, as far as reading goes."""
    return files.weights(width=0.01, side=1)
