"""The same images for all tests, as folders and as shards."""

import pytest
from made_up_images import write_folders, write_shards


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folders(tmp_path_factory.mktemp("images") / "train")


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards"))
