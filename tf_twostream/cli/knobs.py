"""Knobs: fields of dataclasses that are also flags, each with its help text and its limits."""

import dataclasses
import functools
import operator
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal

REQUIRED: Any = object()
GROUPS = ("data", "network", "training", "output", "machine")  # In the order of --help.
BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "at_least": (operator.ge, "at least"),
    "above": (operator.gt, "above"),
    "below": (operator.lt, "below"),
}


def knob(
    default: Any,
    help: str,
    *,
    group: str = "",
    choices: Sequence[str] = (),
    remote: bool = False,
    **bounds: float,
) -> Any:
    """Declares a field that is also a flag.

    Args:
        default: The flag's default; `REQUIRED` if the user has to give it.
        help: The one help text, with the unit and, where there is one, the paper's section.
        group: Heading in --help, one of `GROUPS`; that of the dataclass if empty.
        choices: The values that are allowed; of a `Literal` they are known by themselves.
        remote: Whether a text may be a path with a scheme, such as gs://bucket/folder.
        **bounds: Limits by the names of `BOUNDS`, for example `at_least=1`.

    Returns:
        A `dataclasses.field`.
    """
    metadata: dict[str, Any] = {"help": help, "group": group, "choices": tuple(choices)}
    metadata |= {"bounds": bounds, "remote": remote}
    given = {} if default is REQUIRED else {"default": default}
    return dataclasses.field(**given, metadata=metadata)


def knob_of(knobs: type, name: str, default: Any = None) -> Any:
    """Declares a knob that another dataclass has, with its help text and its limits.

    A `default` of None keeps that of the other one.
    """
    [field] = [field for field in dataclasses.fields(knobs) if field.name == name]
    kept = field.default if default is None else default
    return dataclasses.field(default=kept, metadata=field.metadata)


@dataclasses.dataclass(frozen=True)
class Knobs:
    """What dataclasses of knobs have in common: each value is checked where it enters.

    A field without a help text is not a flag.
    """

    group: ClassVar[str] = "data"

    def __post_init__(self) -> None:
        """Checks the range and the choices of each value.

        Raises:
            ValueError: If a value is none of the choices, or beyond a limit.
        """
        for field in flags_of(type(self)):
            name, value = field.name, getattr(self, field.name)
            if value is None:
                continue
            if (choices := choices_of(type(self), field)) and value not in choices:
                words = " or ".join(filter(None, choices))
                raise ValueError(f"`{name}` must be {words}. Received: {name}={value!r}.")
            texts = value if isinstance(value, tuple) else (value,)
            if not field.metadata["remote"] and (found := [t for t in texts if "://" in str(t)]):
                rule = f"`{name}` must be a path of this machine, for example of a mounted bucket"
                raise ValueError(f"{rule}. Received: {found[0]}.")
            for bound, limit in field.metadata["bounds"].items():
                holds, words = BOUNDS[bound]
                if not holds(value, limit):  # NaN is beyond every limit.
                    rule = f"`{name}` must be {words} {limit:g}"
                    raise ValueError(f"{rule}. Received: {name}={value}.")


def flags_of(knobs: type) -> Iterator[dataclasses.Field]:
    """Returns the fields of a dataclass that are flags."""
    return (field for field in dataclasses.fields(knobs) if "help" in field.metadata)


@functools.cache
def types_of(knobs: type) -> dict[str, Any]:
    """Returns the type of each field; of `X | None`, which is a flag without a default, X."""
    hints = typing.get_type_hints(knobs)
    return {name: without_none(hint) for name, hint in hints.items()}


def without_none(hint: Any) -> Any:
    """Returns X of `X | None`; all other types as they are."""
    # Of a `Literal` and None, Python makes the older kind of union.
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return hint
    return next(kind for kind in typing.get_args(hint) if kind is not type(None))


def choices_of(knobs: type, field: dataclasses.Field) -> tuple[str, ...]:
    """Returns the values that a field allows; nothing if all of its type."""
    kind = types_of(knobs)[field.name]
    if typing.get_origin(kind) is Literal:
        return typing.get_args(kind)
    return field.metadata["choices"]
