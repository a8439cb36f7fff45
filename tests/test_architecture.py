"""The order of the package's parts: each imports only from those above it."""

import ast
import pathlib
import subprocess
import sys

import pytest

WINGS = (
    "__init__", "processes", "cli", "paper", "datasets", "flow", "store", "precompute", "inputs",
    "models", "runs", "foreign_weights", "scores", "figures", "training", "evaluation",
    "experiments", "benchmarks",
)  # fmt: skip
WITHOUT_TENSORFLOW = (
    "cli", "datasets", "experiments", "figures.reports", "flow", "paper", "precompute.extraction",
    "precompute.frames", "processes.locks", "processes.workers", "scores.fusion", "scores.metrics",
)  # fmt: skip
ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "tf_twostream"
MODULES = sorted(PACKAGE.rglob("*.py"))
CODE = [*MODULES, *sorted((ROOT / "scripts").glob("*.py")), *(ROOT / "data_tools").glob("*.py")]


def wing(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_wings(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tf_twostream"):
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_wing_imports_only_from_those_above_it(path):
    own = wing(path)
    for other in imported_wings(path):
        if (own, other) != ("training", "evaluation"):  # Until pre-training measures there.
            assert WINGS.index(other) <= WINGS.index(own), f"{own} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_flags_live_only_at_the_doors(path):
    assert wing(path) == "cli" or "absl import flags" not in path.read_text()


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
        own = ROOT / "tests" / name.with_name(f"test_{path.name}")
        # A small package may have one for all.
        shared = own.parent.parent / f"test_{path.parent.name}.py"
        assert path.name == "__init__.py" or own.exists() or shared.exists(), path


def test_workers_do_not_pay_for_tensorflow(root):
    imports = "; ".join(f"import tf_twostream.{name}" for name in WITHOUT_TENSORFLOW)
    check = "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    code = f"import sys; {imports}; {check}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
