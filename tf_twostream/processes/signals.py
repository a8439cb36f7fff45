"""Signals that ask a process to end: SIGINT (Ctrl-C), SIGTERM, and SIGHUP of a closed terminal."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

# Windows has no SIGHUP. Python makes a KeyboardInterrupt of SIGINT by itself.
TERM_AND_HUP = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
ENDING = (signal.SIGINT, *TERM_AND_HUP)


class Ended(KeyboardInterrupt):
    """A signal asked this process to end.

    Attributes:
        number: The signal.
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextlib.contextmanager
def handled(handler: Any, numbers: Sequence[int] = ENDING) -> Iterator[None]:
    """Handles signals, and leaves alone those that are ignored, as `nohup` has it.

    Args:
        handler: What `signal.signal` takes.
        numbers: The signals.
    """
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, kept in before.items():
            signal.signal(number, kept)


def run(call: Callable[[], int | None]) -> int | None:
    """Calls a function that a signal may end, with all that it then has to clean up.

    Args:
        call: The function, which returns an exit code.

    Returns:
        Its code, or what shells report of a signal: 130 of Ctrl-C, 143 of SIGTERM, 129 of SIGHUP.
    """
    ended = []

    def end(number: int, frame: FrameType | None) -> None:
        # A second one must not interrupt the cleaning up: some send SIGTERM to a process and then
        # to its group.
        signal.signal(number, signal.SIG_IGN)
        ended.append(Ended(number))
        raise ended[0]

    try:
        with handled(end, TERM_AND_HUP):
            return call()
    except KeyboardInterrupt as error:
        # Compiled code that waits, such as Ray's, raises one of its own in the place of ours.
        stop = ended[0] if ended else error
        print(f"ended by {stop}" if str(stop) else "interrupted", file=sys.stderr)
        return 128 + getattr(stop, "number", signal.SIGINT)
