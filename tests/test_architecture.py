"""The structure of the package: which part may import which, and how large things may be."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

# In the order in which data flow: each part imports only from those before it.
PARTS = (
    "__init__", "processes", "cli", "paper", "datasets", "flow", "store", "precompute", "inputs",
    "models", "runs", "foreign_weights", "scores", "figures", "training", "evaluation",
    "experiments", "reports", "benchmarks", "commands",
)  # fmt: skip
WITHOUT_TENSORFLOW = (
    "cli", "commands", "datasets", "experiments", "figures", "flow", "paper", "precompute",
    "processes", "scores", "store",
)  # fmt: skip
GRAPHS = (  # Of these, the modules that are imported only where a graph is built.
    "figures.tensorboard", "flow.brox", "flow.pyramid", "flow.refinement", "flow.sor",
    "precompute.solving", "store.records",
)  # fmt: skip
ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "tf_twostream"
MODULES = sorted(PACKAGE.rglob("*.py"))
CODE = [*MODULES, *sorted((ROOT / "scripts").glob("*.py")), *(ROOT / "data_tools").glob("*.py")]


def part(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tf_twostream"):
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_part_imports_only_from_those_before_it(path):
    own = part(path)
    if path == PACKAGE / "__init__.py":  # What it imports is imported when it is asked for.
        return
    for other in imported_parts(path):
        assert PARTS.index(other) <= PARTS.index(own), f"{own} imports {other}"


def test_there_is_no_other_part():
    assert {part(path) for path in MODULES} == set(PARTS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_messages_below_the_commands_name_no_flag(path):
    if part(path) in ("cli", "commands"):
        return
    text = path.read_text()
    assert "absl import flags" not in text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Raise):
            words = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            assert not [word for word in words if re.search(r"--[a-z]|[a-z]\.py", str(word))]


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_modules_and_functions_are_small(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            docstring = len((ast.get_docstring(node) or "").splitlines())
            assert node.end_lineno - node.lineno - docstring <= 60, node.name
            assert len(node.args.args + node.args.kwonlyargs) <= 8, node.name


def test_every_module_has_a_test():
    for path in MODULES:
        name = path.relative_to(PACKAGE)
        if not path.name.startswith("__"):
            assert (ROOT / "tests" / name.with_name(f"test_{path.name}")).exists(), path


def test_workers_do_not_pay_for_tensorflow(root):
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if part(path) in WITHOUT_TENSORFLOW and path.name != "__main__.py"
    ]
    wanted = [name for name in names if not name.endswith(GRAPHS)]
    imports = "; ".join(f"import {name}" for name in wanted)
    check = "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"import sys; {imports}; {check}"], check=True, cwd=root)
