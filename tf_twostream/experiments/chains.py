"""Steps: commands with what they make and what they need."""

import dataclasses
import pathlib
from typing import Any

from tf_twostream.experiments import command_lines


@dataclasses.dataclass(frozen=True)
class Step:
    """A command whose output is needed.

    Attributes:
        name: The path of its output in the output folder, less the suffix.
        command: The name of the command.
        flags: The flags that decide what comes out.
        output: What exists when it is done.
        after: The steps whose outputs it needs.
        result: For a step that fuses, which line of results.json is the row's.
        codes: The exit codes with which it is done.
        clears: A folder that must not exist when it begins, and is removed.
        more: Flags that only decide how it is computed: with others it is the same step.
    """

    name: str
    command: str
    flags: dict[str, Any]
    output: pathlib.Path
    after: tuple["Step", ...] = ()
    result: str = ""
    codes: tuple[int, ...] = (0,)
    clears: pathlib.Path | None = None
    more: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        """The command and all its flags, as a process is started with them."""
        # Of a flag that is in both the row's value counts: `more` must not change what comes out.
        return [self.command, *command_lines.as_arguments(self.more | self.flags)]

    @property
    def line(self) -> str:
        """The command with all its flags, as one types it."""
        return command_lines.as_line(self.command, self.more | self.flags)

    @property
    def record(self) -> str:
        """The command by which the step is known again."""
        return command_lines.as_line(self.command, self.flags)
