"""The floors of the house: a room imports only from lower floors."""

import ast
import pathlib
import subprocess
import sys

import pytest

FLOORS = [
    {"__init__", "cli"},
    {"paper"},
    {"datasets", "devices", "flow", "frames", "locks", "metrics", "placement", "sample_scenes",
     "score_fusion", "views", "volumes", "workers"},
    {"extraction", "models", "pictures", "reports", "store"},
    {"experiments", "figures", "flow_comparison", "inputs", "precompute", "raw_frames", "runs",
     "verification"},
    {"foreign_weights", "monitoring", "steps", "summaries"},
    {"evaluation", "training"},
    {"export", "imagenet"},
    {"prediction"},
]  # fmt: skip
WITHOUT_TENSORFLOW = (
    "cli", "datasets", "experiments", "extraction", "flow", "frames", "locks", "metrics", "paper",
    "reports", "score_fusion", "workers",
)  # fmt: skip
ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "tf_twostream"
MODULES = sorted(PACKAGE.rglob("*.py"))
CODE = [*MODULES, *sorted((ROOT / "scripts").glob("*.py")), *(ROOT / "data_tools").glob("*.py")]


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor(name):
    [number] = [n for n, names in enumerate(FLOORS) if name in names]
    return number


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tf_twostream"):
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_lower_floors(path):
    own = room(path)
    for other in imported_rooms(path):
        assert other == own or floor(other) < floor(own), f"{own} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_flags_live_only_at_the_doors(path):
    assert room(path) == "cli" or "absl import flags" not in path.read_text()


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
        rooms = ROOT / "tests" / f"test_{room(path)}.py"  # A small package may have one for all.
        assert path.name == "__init__.py" or own.exists() or rooms.exists(), path


def test_workers_do_not_pay_for_tensorflow(root):
    imports = "; ".join(f"import tf_twostream.{name}" for name in WITHOUT_TENSORFLOW)
    check = "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    code = f"import sys; {imports}; {check}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
