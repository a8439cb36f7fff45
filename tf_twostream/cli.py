"""Turns dataclasses of knobs into flags: one field, one flag, one help text.

Knobs are declared as frozen dataclasses below `Knobs`, with fields made by `knob`. A command's
`main` names those it takes as the types of its parameters; `run` makes flags of them, parses the
command line and calls it. The range and the choices of a value are declared at its knob and checked
in one place, here, wherever the dataclass is made.
"""

import dataclasses
import functools
import operator
import os
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal

from absl import app, flags, logging

from tf_twostream.processes import compiled_code, printing, quiet_import, signals

REQUIRED: Any = object()
GROUPS = ("data", "network", "training", "output", "machine")  # In the order of --help.
BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "at_least": (operator.ge, "at least"),
    "above": (operator.gt, "above"),
    "below": (operator.lt, "below"),
}
_HELP = ("-h", "-help", "--help", "--helpshort")


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
        for field in _flags_of(type(self)):
            name, value = field.name, getattr(self, field.name)
            if value is None:
                continue
            if (choices := _choices(type(self), field)) and value not in choices:
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


def _flags_of(knobs: type) -> Iterator[dataclasses.Field]:
    return (field for field in dataclasses.fields(knobs) if "help" in field.metadata)


@functools.cache
def _types(knobs: type) -> dict[str, Any]:
    """Returns the type of each field; of `X | None`, which is a flag without a default, X."""
    hints = typing.get_type_hints(knobs)
    return {name: _without_none(hint) for name, hint in hints.items()}


def _without_none(hint: Any) -> Any:
    # Of a `Literal` and None, Python makes the older kind of union.
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return hint
    return next(kind for kind in typing.get_args(hint) if kind is not type(None))


def _choices(knobs: type, field: dataclasses.Field) -> tuple[str, ...]:
    kind = _types(knobs)[field.name]
    if typing.get_origin(kind) is Literal:
        return typing.get_args(kind)
    return field.metadata["choices"]


def _define(knobs: type, values: flags.FlagValues) -> None:
    """Defines one absl flag for each field of a dataclass that has a help text."""
    definers = {bool: flags.DEFINE_bool, int: flags.DEFINE_integer, float: flags.DEFINE_float}
    for field in _flags_of(knobs):
        kind = _types(knobs)[field.name]
        default = None if field.default is dataclasses.MISSING else field.default
        given = {"default": default, "help": field.metadata["help"], "flag_values": values}
        if choices := _choices(knobs, field):
            flags.DEFINE_enum(field.name, enum_values=choices, **given)
        elif typing.get_origin(kind) is tuple:
            given["default"] = default and [str(item) for item in default]
            flags.DEFINE_list(field.name, **given)
        else:
            definers.get(kind, flags.DEFINE_string)(field.name, **given)


def _read(knobs: type, values: flags.FlagValues) -> Any:
    """Returns an instance of a dataclass with the values of the parsed flags."""
    read = {}
    for field in _flags_of(knobs):
        value = values[field.name].value
        # Shells do not expand ~ after =.
        value = os.path.expanduser(value) if isinstance(value, str) else value
        if isinstance(value, list):
            kind = typing.get_args(_types(knobs)[field.name])[0]
            try:
                value = tuple(kind(os.path.expanduser(item)) for item in value)
            except ValueError:
                rule = f"--{field.name} must be a comma-separated list of {kind.__name__}"
                raise ValueError(f"{rule}. Received: {','.join(value)}.") from None
        read[field.name] = value
    return knobs(**read)


@dataclasses.dataclass(frozen=True)
class _Parameters:
    """What a `main` takes.

    Attributes:
        knobs: The dataclass of each parameter.
        optional: The parameters that are None where none of their flags is given.
        positional: The parameter that takes all arguments that are no flags; empty if none does.
    """

    knobs: dict[str, type]
    optional: frozenset[str]
    positional: str


def _parameters(main: Callable[..., Any]) -> _Parameters:
    hints = {n: hint for n, hint in typing.get_type_hints(main).items() if n != "return"}
    plain = {name: _without_none(hint) for name, hint in hints.items()}
    optional = frozenset(name for name in hints if plain[name] != hints[name])
    positional = "".join(name for name, hint in plain.items() if hint == list[str])
    plain.pop(positional, None)
    return _Parameters(plain, optional, positional)


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
    parameters = _parameters(main)
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
        or any(values[field.name].present for field in _flags_of(knobs))
    }
    fields = [field for knobs in wanted.values() for field in _flags_of(knobs)]
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
    parameters = _parameters(main)
    usage = f"usage: {name} [--flag=value ...]"
    if parameters.positional:
        usage += f" {_singular(parameters.positional)} ..."
    by_group: dict[str, list[str]] = {group: [] for group in GROUPS}
    for parameter, knobs in parameters.knobs.items():
        for field in _flags_of(knobs):
            group = field.metadata["group"] or knobs.group  # type: ignore[attr-defined]
            words = _describe_flag(knobs, field, required=parameter not in parameters.optional)
            by_group[group].append(words)
    parts = [usage, (sys.modules[main.__module__].__doc__ or "").strip()]
    parts += ["\n".join([f"{group}:", *lines]) for group, lines in by_group.items() if lines]
    return "\n\n".join(parts)


def _describe_flag(knobs: type, field: dataclasses.Field, *, required: bool) -> str:
    kind, default = _types(knobs)[field.name], field.default
    shown = f"--[no]{field.name}" if kind is bool else f"--{field.name}"
    if choices := _choices(knobs, field):
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


def _op_errors() -> tuple[type[Exception], ...]:
    # Looked up, not imported: a command that has not needed TensorFlow cannot raise its errors.
    tensorflow: Any = sys.modules.get("tensorflow")
    return (tensorflow.errors.OpError,) if tensorflow else ()


def _in_words(error: Exception) -> str:
    """Words an error of the user's; TensorFlow adds lines on where in the graph it arose."""
    if isinstance(error, _op_errors()):
        return str(error.message).strip().splitlines()[0].rpartition("}} ")[2]  # type: ignore[attr-defined]
    return str(error)


def run(
    main: Callable[..., int | None],
    argv: Sequence[str] | None = None,
    *,
    advise: Callable[[Exception], str] = lambda error: "",
) -> None:
    """Parses the command line, calls `main` and exits with the code that it returns (None is 0).

    Mistakes of the user (`ValueError`, `OSError`, errors of TensorFlow's ops) end in one line and
    code 1, those of the command line in 2, signals in 130, 143 and 129. All else is ours.

    Args:
        main: See `parse`. What it imports itself is imported after the flags are parsed, so that
            --help need not wait for TensorFlow.
        argv: The command's name and its arguments; by default those of this process.
        advise: Says what the user can do about an error; empty for nothing.
    """
    argv = list(sys.argv if argv is None else argv)
    # What a terminal cannot show, for example names on one that is not UTF-8, is escaped.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if any(argument in _HELP for argument in argv[1:]):
        try:
            print(describe(main, os.path.basename(argv[0])), flush=True)
        except BrokenPipeError:
            printing.let_go()
        sys.exit(0)
    calls = []

    def parse_flags(arguments: Sequence[str]) -> list[str]:
        try:
            calls.append(parse(main, arguments, flags.FLAGS))
        except flags.Error as error:
            print(f"error: {error}   (--help lists the flags)", file=sys.stderr)
            sys.exit(2)
        return []

    def call(_: list[str]) -> int | None:
        if not flags.FLAGS["verbosity"].present:  # TensorFlow's notes on itself stay out.
            logging.set_verbosity(logging.WARNING)
            logging.get_absl_handler().setFormatter(printing.WARNINGS)
        try:
            return signals.run(calls[0])
        except BrokenPipeError:
            return printing.let_go()
        except Exception as error:
            if not isinstance(error, (ValueError, OSError, *_op_errors())) or logging.vlog_is_on(1):
                raise
            said, advice = printing.escape(_in_words(error), keep_lines=True), advise(error)
            if advice and said[-1:] not in (".", "\n"):  # Python's own have no full stop.
                said += "."
            # Behind a list at the end of a message, advice would look like a part of it.
            words = ("\n" if "\n" in said else " ").join(filter(None, (said, advice)))
            print(f"error: {words}   (--verbosity=1 shows where)", file=sys.stderr)
            return 1

    # Before anything imports TensorFlow, which reads all of them only then.
    compiled_code.keep()
    quiet_import.install()
    # Else the first process takes all the memory of a GPU, and leaves none for a second one.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    app.run(call, argv, flags_parser=parse_flags)
