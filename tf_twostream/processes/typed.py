"""Checks that what was read from a file has the types that a dataclass declares.

Python does not: a text in the place of a number would be met much later, far from its file.
"""

import dataclasses
import functools
import types
import typing
from typing import Any, Literal


def check(instance: Any) -> None:
    """Checks the fields of a dataclass, and of those within it, against their annotations.

    Args:
        instance: The instance.

    Raises:
        ValueError: If a value is of another type, or a number that no 64 bits hold.
    """
    kind: Any = type(instance)
    for name, hint in _fields(kind).items():
        if not _fits(value := getattr(instance, name), hint):
            words = hint.__name__ if isinstance(hint, type) else str(hint)
            raise ValueError(f"`{name}` must be {words}. Received: {value!r}.")


@functools.lru_cache
def _fields(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _fits(value: Any, hint: Any) -> bool:
    kind, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if kind in (types.UnionType, typing.Union):
        return any(_fits(value, one) for one in inner)
    if kind is Literal:
        return value in inner
    if kind in (tuple, list):
        return isinstance(value, kind) and all(_fits(item, inner[0]) for item in value)
    if kind is dict:
        return isinstance(value, dict) and all(
            _fits(key, inner[0]) and _fits(item, inner[1]) for key, item in value.items()
        )
    if hint in (int, float):
        return _is_number(value, hint)
    if dataclasses.is_dataclass(hint) and isinstance(value, hint):  # type: ignore[arg-type]
        return all(_fits(getattr(value, name), one) for name, one in _fields(hint).items())  # type: ignore[arg-type]
    return isinstance(value, hint)


def _is_number(value: Any, kind: type) -> bool:
    # Of Python's types bool is an int; JSON writes 1.0 as 1.
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else int):
        return False
    return isinstance(value, float) or abs(value) < 1 << 63
