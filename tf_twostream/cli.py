"""Turns dataclasses of knobs into absl flags: one field, one flag, one help text.

Rooms declare their knobs as frozen dataclasses whose fields are made by `knob`. A script calls
`define(Knobs)` at module level, `parse(Knobs)` in its `main`, and `run(main)` at the end.
"""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import sys
import tempfile
import time
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from absl import app, flags, logging

_KEPT_SECONDS = 30 * 24 * 3600  # Compiled code; nothing else would ever remove it.


def _keep_compiled_code() -> None:
    """Lets XLA keep compiled code from process to process: brox compiles for 10 s and more.

    TensorFlow reads the flag when it is imported. Its cache knows neither versions nor processors,
    so each pair of them gets a folder.
    """
    # Without a place to keep it, it is compiled each time.
    with contextlib.suppress(OSError, RuntimeError, importlib.metadata.PackageNotFoundError):
        processor = platform.machine()
        if os.path.exists("/proc/cpuinfo"):
            with open("/proc/cpuinfo") as file:
                processor += next((line for line in file if line.startswith("flags")), "")
        key = f"{importlib.metadata.version('tensorflow')} {processor}"
        caches = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        folder = caches / "tf_twostream" / hashlib.sha256(key.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:  # XLA gives up where it cannot write.
            probe.write(bytes(1 << 20))
        os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory='{folder}'")
        for kept in folder.parent.rglob("*.pb"):
            with contextlib.suppress(FileNotFoundError):  # Another process was faster.
                status = kept.stat()
                # An empty one is left by a full disk; XLA would stumble over it.
                if not status.st_size or status.st_mtime < time.time() - _KEPT_SECONDS:
                    kept.unlink()


_keep_compiled_code()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Else every door on a CPU begins with errors.
flags.disclaim_key_flags()  # Else the flags would belong to this module and vanish from --help.

REQUIRED: Any = object()
T = TypeVar("T")


def knob(default: Any, help: str) -> Any:
    """Declares a field that is also a flag.

    Args:
        default: The flag's default; `REQUIRED` if the user has to give it.
        help: The one help text, with the unit and, where there is one, the paper's section.

    Returns:
        A `dataclasses.field`.
    """
    if default is REQUIRED:
        return dataclasses.field(metadata={"help": help})
    return dataclasses.field(default=default, metadata={"help": help})


def _define_flag(name: str, kind: Any, default: Any, help: str) -> None:
    if isinstance(kind, types.UnionType):  # X | None: a flag without a default.
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
    origin = typing.get_origin(kind)
    if origin is Literal:
        flags.DEFINE_enum(name, default, typing.get_args(kind), help)
    elif origin is tuple:
        text = None if default is None else [str(item) for item in default]
        flags.DEFINE_list(name, text, help)
    elif kind is bool:
        flags.DEFINE_bool(name, default, help)
    elif kind is int:
        flags.DEFINE_integer(name, default, help)
    elif kind is float:
        flags.DEFINE_float(name, default, help)
    elif kind is str:
        flags.DEFINE_string(name, default, help)
    else:
        raise TypeError(f"A knob is a bool, int, float, str, tuple or Literal. Received: {kind}.")


def define(knobs: type, *, only: tuple[str, ...] = (), **defaults: Any) -> None:
    """Defines one absl flag for each field of a dataclass.

    Args:
        knobs: The dataclass.
        only: The fields to define; all when empty.
        **defaults: Defaults of this script where they differ from the dataclass.
    """
    kinds = typing.get_type_hints(knobs)
    for field in dataclasses.fields(knobs):
        if only and field.name not in only:
            continue
        default = defaults.get(field.name, field.default)
        required = default is dataclasses.MISSING
        _define_flag(
            field.name, kinds[field.name], None if required else default, field.metadata["help"]
        )
        if required:
            flags.mark_flag_as_required(field.name)


def parse(knobs: type[T]) -> T:
    """Returns an instance of a dataclass that holds the values of the parsed flags.

    Raises:
        ValueError: If an item of a list is not of the field's type, or a knob refuses its value.
    """
    kinds = typing.get_type_hints(knobs)
    values = {}
    for field in dataclasses.fields(knobs):  # type: ignore[arg-type]
        if field.name not in flags.FLAGS:
            continue  # Not a flag of this script: the field keeps its default.
        value = flags.FLAGS[field.name].value
        if isinstance(value, list):
            kind = typing.get_args(kinds[field.name])[0]
            try:
                value = tuple(kind(item) for item in value)
            except ValueError:
                raise ValueError(
                    f"--{field.name} is a comma-separated list of {kind.__name__}. "
                    f"Received: {','.join(value)}."
                ) from None
        values[field.name] = value
    return knobs(**values)


def _op_errors() -> tuple[type[Exception], ...]:
    tensorflow = sys.modules.get("tensorflow")  # Doors that need none do not import it.
    return (tensorflow.errors.OpError,) if tensorflow else ()


def _of_the_user() -> tuple[type[Exception], ...]:
    """What is reported in one line; anything else is a bug of ours and keeps its traceback."""
    return (ValueError, OSError, *_op_errors())


def _in_one_line(error: Exception) -> str:
    if not isinstance(error, _op_errors()):
        return str(error)
    advice = {
        "DataLossError": "A file of the store is damaged: data_tools/verify_store.py names it.",
        "NotFoundError": "A file of the store is missing: data_tools/verify_store.py names it.",
        "ResourceExhaustedError": "Memory is short: try a smaller --chunk_size in training, or "
        "--frames_per_batch in testing.",
    }
    first_line = getattr(error, "message", str(error)).strip().splitlines()[0]
    return f"{first_line} {advice.get(type(error).__name__, '')}".strip()


def run(main: Callable[..., int | None], *, positional: str = "") -> None:
    """Parses the flags and runs `main`; mistakes of the user end in one line, not in a traceback.

    Args:
        main: Called without arguments, or with the list of positional arguments if `positional`
            is given. Returns the exit code (None is 0).
        positional: What the positional arguments are, for example "VIDEO ..."; empty if none.
    """

    def call(argv: list[str]) -> int | None:
        if argv[1:] and not positional:
            print(f"error: unknown argument {argv[1]!r}; all options are --flags.", file=sys.stderr)
            return 2
        if positional and not argv[1:]:
            print(f"usage: {argv[0]} [flags] {positional}   (--help lists them)", file=sys.stderr)
            return 2
        if not flags.FLAGS["verbosity"].present:  # TensorFlow's notes on itself stay out.
            logging.set_verbosity(logging.WARNING)
        try:
            return main(argv[1:]) if positional else main()
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
        except _of_the_user() as error:
            if logging.vlog_is_on(1):
                raise
            print(f"error: {_in_one_line(error)}   (--verbosity=1 shows where)", file=sys.stderr)
            return 1

    app.run(call)
