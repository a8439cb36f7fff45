"""The progress bar of all long work."""

import contextlib
import io
import os
import sys
from typing import Any

import tqdm

SECONDS_ON_A_TERMINAL = 1  # Between two updates.
SECONDS_IN_A_LOG = 30  # Each update is a line there, and would bury what else is said.
_FORM = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {remaining} left, {rate_fmt}{postfix}]"
# Where much is said behind the bar, which is to keep some of 100 columns.
SHORT_FORM = "{desc} |{bar}| {n_fmt}/{total_fmt}, {remaining} left, {rate_fmt}{postfix}"


class Stream(io.TextIOBase):
    """Standard error for logs: what is written stands above a bar, not at its end."""

    def write(self, text: str) -> int:
        """Writes a text, and the bars anew below it."""
        tqdm.tqdm.write(text, file=sys.stderr, end="")
        return len(text)

    def flush(self) -> None:
        """Hands on what was written."""
        sys.stderr.flush()


def bar(total: int | None, unit: str, description: str = "", **options: Any) -> tqdm.tqdm:
    """Opens a progress bar on standard error; close it, or use it as a context.

    Args:
        total: How many units there are; None if it is not known.
        unit: What is counted, in the singular.
        description: What is done to them; empty for no word.
        **options: More options of `tqdm.tqdm`.

    Returns:
        The bar, whose `update` counts.
    """
    # A notebook writes a line again, as a terminal does, but says that it is none.
    rewrites = sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel")
    seconds = SECONDS_ON_A_TERMINAL if rewrites else SECONDS_IN_A_LOG
    if total is not None:
        options.setdefault("bar_format", _FORM)
    # Some terminals say that they have no columns, and would show nothing.
    with contextlib.suppress(OSError, ValueError):
        if not os.get_terminal_size(sys.stderr.fileno()).columns:
            options.setdefault("ncols", 80)
    return tqdm.tqdm(total=total, unit=unit, desc=description, mininterval=seconds, **options)
