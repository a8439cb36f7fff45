"""Keeps what TensorFlow says of itself while it is loaded out of a command's output.

It is said by its C++ parts, before they know of any level of logging: six lines about the CPU and
about GPUs that are not there. An import that fails shows all of it.
"""

import contextlib
import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
import types
from collections.abc import Iterator, Sequence
from typing import Any


def install() -> None:
    """Makes the next import of TensorFlow quiet; nothing is imported yet."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Else CPUs begin with errors about GPUs.
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python does, and loads it quietly, once."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            load = loader.exec_module

            def exec_quietly(module: types.ModuleType) -> None:
                with _stderr_kept():
                    load(module)

            loader.exec_module = exec_quietly
        return spec


@contextlib.contextmanager
def _stderr_kept() -> Iterator[None]:
    """Keeps what the process writes to its standard error, C++ included; shows it if this fails."""
    with tempfile.TemporaryFile() as kept:
        before = os.dup(2)
        sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            if failed:
                kept.seek(0)
                os.write(2, kept.read())
