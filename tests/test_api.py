"""The examples of the documentation."""

import contextlib
import doctest
import importlib
import pathlib
import re

import pytest
from absl import flags

from tf_twostream import cli

ROOT = pathlib.Path(__file__).parents[1]
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "tf_twostream").rglob("*.py"))
    if ">>> " in path.read_text()
]


def run_examples(text, names):
    """Runs the examples of a text; fails with what they print otherwise."""
    report = []
    test = doctest.DocTestParser().get_doctest(text, names, "example", None, 0)
    assert test.examples
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert not report, "".join(report)
    return test.globs


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The examples of docs/api.md have been run: the folder into which they wrote."""
    folder = tmp_path_factory.mktemp("examples")
    text = (ROOT / "docs" / "api.md").read_text()
    [shell] = re.findall(r"^```bash\ntwostream (.*)\n```$", text, re.M)
    examples = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S))
    with contextlib.chdir(folder):
        name, *arguments = shell.split()
        main = importlib.import_module(f"tf_twostream.commands.{name.replace('-', '_')}").main
        cli.parse(main, [name, *arguments], flags.FlagValues())()
        run_examples(examples, {})
    return folder


def test_the_page_of_functions_says_what_they_do(page):
    assert (page / "sample" / "exported" / "saved_model.pb").exists()


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_run(module, page):
    clip = next((page / "sample" / "videos").rglob("*.avi"))
    names = {"example_video": str(clip), "example_store": str(page / "sample" / "store")}
    names["example_run"] = str(page / "sample" / "spatial")
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module)):
        if test.examples:
            run_examples(test.docstring, dict(names))
