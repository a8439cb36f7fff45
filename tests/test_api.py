"""The examples of the documentation."""

import doctest
import importlib
import pathlib
import re

import cv2
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "tf_twostream").rglob("*.py"))
    if ">>> " in path.read_text()
]
MOTION = {"pan/left": (2, 1), "pan/right": (-2, 1), "still/dark": (0, 0.5), "still/light": (0, 1)}


@pytest.fixture(scope="module")
def videos_dir(tmp_path_factory):
    """Four videos of 64x48 pixels and 12 frames in two classes."""
    folder = tmp_path_factory.mktemp("videos")
    texture = np.random.default_rng(0).integers(0, 255, (48, 120, 3)).astype(np.uint8)
    texture = cv2.GaussianBlur(texture, (0, 0), 1.5)
    for name, (step, level) in MOTION.items():
        path = folder / f"{name}.avi"
        path.parent.mkdir(exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
        for t in range(12):
            left = 28 + step * t
            writer.write(np.uint8(level * texture[:, left : left + 64]))
        writer.release()
    return str(folder)


def run_examples(text, names):
    """Runs the examples of a text; fails with what they print otherwise."""
    report = []
    test = doctest.DocTestParser().get_doctest(text, names, "example", None, 0)
    assert test.examples
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert not report, "".join(report)
    return test.globs


@pytest.fixture(scope="module")
def page(videos_dir, tmp_path_factory):
    """The examples of docs/api.md have been run: the folder into which they wrote."""
    folder = str(tmp_path_factory.mktemp("examples"))
    blocks = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs" / "api.md").read_text(), re.M | re.S
    )
    run_examples("\n".join(blocks), {"videos_dir": videos_dir, "folder": folder})
    return folder


def test_the_page_of_functions_says_what_they_do(page):
    assert (pathlib.Path(page) / "exported" / "saved_model.pb").exists()


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_run(module, videos_dir, page):
    names = {"example_video": f"{videos_dir}/pan/left.avi", "example_store": f"{page}/store"}
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    for test in found:
        if test.examples:
            run_examples(test.docstring, dict(names))
