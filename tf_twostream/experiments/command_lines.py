"""Flags as data, and the command lines that they become."""

import shlex
from collections.abc import Mapping

Flags = Mapping[str, object]  # Values by name; None for a switch that is named without a value.


def parse_flags(text: str) -> dict[str, str | None]:
    """Reads flags as they are typed, the inverse of `as_arguments`.

    Args:
        text: For example "--chunk_size=64 --width 0.5 --jit_compile". Of a flag that is given
            twice the last counts.

    Returns:
        The values by name; None for a flag without a value.

    Raises:
        ValueError: If a word is neither a flag nor the value of one, or a quotation has no end.
    """
    flags: dict[str, str | None] = {}
    name = ""
    for word in shlex.split(text):
        bare = word.lstrip("-")
        if word.startswith("-") and bare[:1].isalpha():  # Else a negative number, a value.
            name, has_value, value = bare.partition("=")
            flags.pop(name, None)
            flags[name] = value if has_value else None
        elif name and flags[name] is None:
            flags[name] = word
        else:
            raise ValueError(f"Flags must begin with two dashes. Received: {word!r} in {text!r}.")
    return flags


def as_arguments(flags: Flags) -> list[str]:
    """Writes flags as arguments of a command; a flag whose value is empty is left out.

    Args:
        flags: The values by name.

    Returns:
        For example ["--width=0.5", "--jit_compile"].
    """
    arguments = []
    for name, value in flags.items():
        if isinstance(value, bool):  # Asked by type, since 1 equals True, and L may be 1.
            value = str(value).lower()
        if value != "":
            arguments.append(f"--{name}" if value is None else f"--{name}={value}")
    return arguments


def as_line(command: str, flags: Flags) -> str:
    """Writes a command, such as "train-temporal", with its flags as one types it into a shell."""
    return shlex.join(["twostream", command, *as_arguments(flags)])
