"""Turns dataclasses of knobs into absl flags, parses them, and words --help."""

import dataclasses
import os
import sys
import textwrap
import typing
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from tf_twostream.cli import knobs as declared


def _define(knobs: type, values: flags.FlagValues) -> None:
    """Defines one absl flag for each field of a dataclass that has a help text."""
    definers = {bool: flags.DEFINE_bool, int: flags.DEFINE_integer, float: flags.DEFINE_float}
    for field in declared.flags_of(knobs):
        kind = declared.types_of(knobs)[field.name]
        default = None if field.default is dataclasses.MISSING else field.default
        given = {"default": default, "help": field.metadata["help"], "flag_values": values}
        if choices := declared.choices_of(knobs, field):
            flags.DEFINE_enum(field.name, enum_values=choices, **given)
        elif typing.get_origin(kind) is tuple:
            given["default"] = default and [str(item) for item in default]
            flags.DEFINE_list(field.name, **given)
        else:
            definers.get(kind, flags.DEFINE_string)(field.name, **given)


def _read(knobs: type, values: flags.FlagValues) -> Any:
    """Returns an instance of a dataclass with the values of the parsed flags."""
    read = {}
    for field in declared.flags_of(knobs):
        value = values[field.name].value
        # Shells do not expand ~ after =.
        value = os.path.expanduser(value) if isinstance(value, str) else value
        if isinstance(value, list):
            kind = typing.get_args(declared.types_of(knobs)[field.name])[0]
            try:
                value = tuple(kind(os.path.expanduser(item)) for item in value)
            except ValueError:
                rule = f"--{field.name} must be a comma-separated list of {kind.__name__}"
                raise ValueError(f"{rule}. Received: {','.join(value)}.") from None
        read[field.name] = value
    return knobs(**read)


@dataclasses.dataclass(frozen=True)
class Parameters:
    """What a `main` takes.

    Attributes:
        knobs: The dataclass of each parameter.
        optional: The parameters that are None where none of their flags is given.
        positional: The parameter that takes all arguments that are no flags; empty if none does.
    """

    knobs: dict[str, type]
    optional: frozenset[str]
    positional: str


def parameters_of(main: Callable[..., Any]) -> Parameters:
    """Finds out by the types of its parameters what a `main` takes."""
    hints = {n: hint for n, hint in typing.get_type_hints(main).items() if n != "return"}
    plain = {name: declared.without_none(hint) for name, hint in hints.items()}
    optional = frozenset(name for name in hints if plain[name] != hints[name])
    positional = "".join(name for name, hint in plain.items() if hint == list[str])
    plain.pop(positional, None)
    return Parameters(plain, optional, positional)


def read(knobs: type, arguments: Sequence[str]) -> Any:
    """Reads the knobs of one dataclass out of the arguments of a command.

    Args:
        knobs: A dataclass of knobs.
        arguments: Flags, for example ["--width=0.5"]; those of other dataclasses are passed over.

    Returns:
        An instance of `knobs`.

    Raises:
        flags.Error: If a value is not understood.
        ValueError: If a value is none of the choices, or beyond a limit.
    """
    values = flags.FlagValues()
    _define(knobs, values)
    values(["", *arguments], known_only=True)
    return _read(knobs, values)


def check(main: Callable[..., Any], argv: Sequence[str]) -> None:
    """Checks a command line without running anything; the arguments are those of `parse`.

    Raises:
        flags.Error: If an argument is not known, or one is missing.
        ValueError: If a value is none of the choices, or beyond a limit.
    """
    parse(main, argv, flags.FlagValues())
    parameters = parameters_of(main)
    for name, knobs in parameters.knobs.items():
        if name not in parameters.optional:
            read(knobs, argv[1:])


def parse(
    main: Callable[..., Any], argv: Sequence[str], values: flags.FlagValues
) -> Callable[[], int | None]:
    """Parses a command line.

    Args:
        main: The function to call: each parameter is a dataclass of knobs, or one is `list[str]`
            and takes all that are not flags. A parameter of type `X | None` is None if no flag of
            X is given.
        argv: The command's name and its arguments.
        values: Where flags are defined; they must not be there yet.

    Returns:
        A call of `main` with what was parsed; values are checked when it is made.

    Raises:
        flags.Error: If an argument is not known, or one is missing.
    """
    parameters = parameters_of(main)
    for knobs in parameters.knobs.values():
        _define(knobs, values)
    others = values(argv)[1:]
    if others and not parameters.positional:
        raise flags.Error(f"Options must be --flags. Received: {others[0]!r}.")
    if parameters.positional and not others and parameters.positional not in parameters.optional:
        raise flags.Error(f"Name at least one {_singular(parameters.positional)}.")
    wanted = {
        name: knobs
        for name, knobs in parameters.knobs.items()
        if name not in parameters.optional
        or any(values[field.name].present for field in declared.flags_of(knobs))
    }
    fields = [field for knobs in wanted.values() for field in declared.flags_of(knobs)]
    needed = [field.name for field in fields if field.default is dataclasses.MISSING]
    if missing := [f"--{name}" for name in needed if values[name].value is None]:
        raise flags.Error(f"{' and '.join(missing)} must be given.")

    def call() -> int | None:
        given: dict[str, Any] = dict.fromkeys(parameters.optional)
        given |= {name: _read(knobs, values) for name, knobs in wanted.items()}
        if parameters.positional:
            given[parameters.positional] = others
        return main(**given)

    return call


def _singular(positional: str) -> str:
    return positional.removesuffix("s").upper()


def describe(main: Callable[..., Any], name: str) -> str:
    """Words --help: how to call a command, what it does, and its flags by group."""
    parameters = parameters_of(main)
    usage = f"usage: {name} [--flag=value ...]"
    if parameters.positional:
        usage += f" {_singular(parameters.positional)} ..."
    by_group: dict[str, list[str]] = {group: [] for group in declared.GROUPS}
    for parameter, knobs in parameters.knobs.items():
        for field in declared.flags_of(knobs):
            group = field.metadata["group"] or knobs.group  # type: ignore[attr-defined]
            words = _describe_flag(knobs, field, required=parameter not in parameters.optional)
            by_group[group].append(words)
    parts = [usage, (sys.modules[main.__module__].__doc__ or "").strip()]
    parts += ["\n".join([f"{group}:", *lines]) for group, lines in by_group.items() if lines]
    return "\n\n".join(parts)


def _describe_flag(knobs: type, field: dataclasses.Field, *, required: bool) -> str:
    kind, default = declared.types_of(knobs)[field.name], field.default
    shown = f"--[no]{field.name}" if kind is bool else f"--{field.name}"
    if choices := declared.choices_of(knobs, field):
        shown += f"=<{'|'.join(filter(None, choices))}>"
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    end = ""
    if default is dataclasses.MISSING:
        end = " (required)" if required else ""
    elif kind is bool:
        end = f" (default: {'on' if default else 'off'})"
    elif default not in (None, ""):
        end = f" (default: {default})"
    indent = " " * 6
    text = textwrap.fill(
        field.metadata["help"] + end, 96, initial_indent=indent, subsequent_indent=indent
    )
    return f"  {shown}\n{text}"
