"""Turns dataclasses of knobs into flags: one field, one flag, one help text.

Knobs are declared as frozen dataclasses below `Knobs`, with fields made by `knob`. A command's
`main` names those it takes as the types of its parameters; `run` makes flags of them, parses the
command line and calls it. The range and the choices of a value are declared at its knob and checked
in one place, wherever the dataclass is made.
"""

from tf_twostream.cli.knobs import GROUPS, REQUIRED, Knobs, flags_of, knob, knob_of
from tf_twostream.cli.parsing import check, describe, parameters_of, parse, read
from tf_twostream.cli.running import run

__all__ = [
    "GROUPS",
    "REQUIRED",
    "Knobs",
    "check",
    "describe",
    "flags_of",
    "knob",
    "knob_of",
    "parameters_of",
    "parse",
    "read",
    "run",
]
