"""Names of files and numbers of things on a terminal."""

import logging
import os
import re
import sys

# Control characters move the cursor, change colours and break lines. Bytes of a name that are no
# UTF-8 reach Python as lone surrogates, which nothing can print.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_EXCEPT_LINES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


# For people, who need no date, no number of a thread and no line of our code.
WARNINGS = logging.Formatter("warning: %(message)s")


def is_printable(text: str) -> bool:
    """Says whether a text holds no control character and no byte that is not UTF-8."""
    return not _UNPRINTABLE.search(text)


def escape(text: str, *, keep_lines: bool = False) -> str:
    r"""Writes what cannot be printed as Python does in a string.

    Example:
        >>> from tf_twostream.processes import printing
        >>> print(printing.escape("red\x1b[31m.avi"), printing.escape("caf\udce9.avi"))
        red\x1b[31m.avi caf\udce9.avi

    Args:
        text: A text, for example the name of a file.
        keep_lines: Whether line breaks stay, as in a message of several lines.
    """
    pattern = _EXCEPT_LINES if keep_lines else _UNPRINTABLE
    return pattern.sub(lambda match: repr(match[0])[1:-1], text)


def count(number: float, noun: str) -> str:
    """Words how many things there are.

    Example:
        >>> from tf_twostream.processes import printing
        >>> print(printing.count(1, "video"), printing.count(13320, "class"))
        1 video 13,320 classes

    Args:
        number: How many; a float is not rounded.
        noun: What, in the singular.
    """
    shown = f"{number:g}" if isinstance(number, float) else f"{number:,}"
    ending = "es" if noun.endswith("s") else "s"
    return f"{shown} {noun}{'' if number == 1 else ending}"


def let_go() -> int:
    """Gives up standard output, whose reader has gone (`| head`); returns what shells report."""
    # Else Python would complain once more when it flushes at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + 13  # SIGPIPE, by which other programs end.


def duration(seconds: float) -> str:
    """Words a time in seconds as exactly as a forecast is: "20 s", "4 min", "2.5 h", "3 days"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{round(seconds / 86400)} days"


def size(num_bytes: float) -> str:
    """Words a number of bytes: "20 MB", "1.5 GB"."""
    megabytes = max(1, round(num_bytes / 1e6))
    return f"{num_bytes / 1e9:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"
