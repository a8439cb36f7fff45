"""What the user can do about an error."""

import ast
import builtins
import importlib

import pytest
import tensorflow as tf

from tf_twostream.commands import advice


def own_errors(root):
    """The error classes of the package."""
    for path in sorted((root / "tf_twostream").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                module = ".".join(path.relative_to(root).with_suffix("").parts)
                yield getattr(importlib.import_module(module.removesuffix(".__init__")), node.name)


def test_every_entry_is_the_name_of_an_error(root):
    known = {error.__name__ for error in own_errors(root)}
    for name in advice.ADVICE:
        assert name in known or hasattr(builtins, name) or hasattr(tf.errors, name), name


def test_every_error_of_the_package_has_advice(root):
    for error in own_errors(root):
        names = {kind.__name__ for kind in error.__mro__}
        assert names & {*advice.ADVICE}, error


def test_the_closest_class_decides():
    class MissingListError(FileExistsError):
        pass

    assert advice.advise(MissingListError()) != ""
    assert advice.advise(FileExistsError()) == advice.ADVICE["FileExistsError"]
    assert advice.advise(KeyError()) == ""


@pytest.mark.parametrize("name", sorted(advice.ADVICE))
def test_advice_is_a_sentence(name):
    words = advice.ADVICE[name]
    assert words[0].isupper() and words[-1] in ".?)"


def test_a_full_disk_is_not_called_a_lack_of_memory():
    for words in ("No space left on device", "Disk quota exceeded"):
        error = tf.errors.ResourceExhaustedError(None, None, f"x.data: {words} [Op:SaveV2]")
        assert advice.advise(error).startswith("The disk is full")
    memory = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    assert "Memory is short" in advice.advise(memory)
