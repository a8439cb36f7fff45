"""Runs a command: its flags, its help, its errors in a line, its exit code."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from absl import app, flags, logging

from tf_twostream.cli import parsing
from tf_twostream.processes import compiled_code, printing, progress, quiet_import, signals

_HELP = ("-h", "-help", "--help", "--helpshort")


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
            print(parsing.describe(main, os.path.basename(argv[0])), flush=True)
        except BrokenPipeError:
            printing.let_go()
        sys.exit(0)
    calls = []

    def parse_flags(arguments: Sequence[str]) -> list[str]:
        try:
            calls.append(parsing.parse(main, arguments, flags.FLAGS))
        except flags.Error as error:
            print(f"error: {error}   (--help lists the flags)", file=sys.stderr)
            sys.exit(2)
        return []

    def call(_: list[str]) -> int | None:
        logging.get_absl_handler().python_handler.setStream(progress.Stream())
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
