"""The list of changes keeps up with the formats."""

import re

import tf_twostream
from tf_twostream.store import layout


def test_the_version_and_the_schema_of_the_store_are_those_of_the_code(root):
    text = (root / "CHANGELOG.md").read_text()
    assert f"\n## {tf_twostream.__version__} " in text
    assert re.search(r"\| store \| (\d+) \|", text)[1] == str(layout.SCHEMA_VERSION)
