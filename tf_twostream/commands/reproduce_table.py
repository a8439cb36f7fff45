r"""Runs the rows of the papers' tables and writes our numbers beside the paper's.

    twostream reproduce-table --table=1b,3 --data_root=data --output_dir=results
    twostream reproduce-table --table=all --data_root=data --output_dir=small --scale=small

`all` are the tables of the paper; `other` has Charades and VIVA, which its results page names.
`all_2016` are those of the second paper, whose Table 1 is 2016_1 (Feichtenhofer, 2016).
Each row is a chain of this project's own commands; --dry_run prints them. Rows share networks,
which are trained once. Whenever it is interrupted, the same command goes on from there. Tables are
in OUTPUT_DIR/tables, as Markdown and CSV, and grow while the rows are run; a row that cannot be run
says why. The exit code is 1 if a command failed, or a store or a list is missing.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import ClassVar

from tf_twostream import cli, experiments
from tf_twostream.commands import advice
from tf_twostream.experiments import needs, plans, results, running
from tf_twostream.experiments.knobs import Setup
from tf_twostream.processes import files, locks


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableFlags(cli.Knobs):
    """Which tables to reproduce."""

    group: ClassVar[str] = "output"

    table: tuple[str, ...] = cli.knob(
        cli.REQUIRED,
        f"Tables, separated by commas: {', '.join(experiments.TABLES)}; or all, the tables of the "
        "paper, and all_2016, those of the second paper. other is in neither: Charades and VIVA, "
        "from the paper's results page.",
    )
    dry_run: bool = cli.knob(False, "Print the commands, done or not, as a script; run nothing.")

    def __post_init__(self) -> None:
        """Checks the names of the tables."""
        super().__post_init__()
        known = (*experiments.TABLES, "all", "all_2016")
        if not self.table or not set(self.table) <= set(known):
            given = ",".join(self.table) or "none"
            raise ValueError(f"--table must name tables: {', '.join(known)}. Received: {given}.")

    @property
    def tables(self) -> list[str]:
        """The tables asked for, in the order of the papers."""
        return [
            name
            for name, table in experiments.TABLES.items()
            if name in self.table or table.group in self.table
        ]


def _rows_of(tables: Sequence[str]) -> list[experiments.Row]:
    return [row for name in tables for row in experiments.TABLES[name].rows]


def write_table(name: str, setup: Setup, runner: running.Runner, reasons: dict[str, str]) -> str:
    """Writes a table as it stands.

    Args:
        name: The table.
        setup: Where data and results lie.
        runner: Knows what is done.
        reasons: Why rows could not be run, by their setting.

    Returns:
        The table as Markdown.
    """
    lines = []
    for row in experiments.TABLES[name].rows:
        steps = plans.plan(row, setup)
        done = [runner.is_done(step) for step in steps]
        reason = reasons.get(row.setting, "")
        lines.append(results.make_line(row, steps, done, reason, num_seeds=len(setup.seeds)))
    return results.write(name, lines, setup)


def run_row(row: experiments.Row, setup: Setup, runner: running.Runner) -> str:
    """Runs what is missing of a row; returns why it could not be run, or nothing."""
    # Asked anew for each row: a store may have been finished while the rows before it ran.
    if reason := needs.missing(row, setup):
        return reason
    failures = []
    for step in plans.plan(row, setup):
        try:
            runner.run(step)
        except running.StepError as error:  # The other splits and seeds are worth having.
            failures.append(str(error))
            print(f"error: {error}. {advice.advise(error)}", file=sys.stderr)
    return "; ".join(dict.fromkeys(failures))  # Splits may fail for one and the same step.


def reproduce(tables: Sequence[str], setup: Setup, runner: running.Runner) -> None:
    """Runs the rows of tables one after the other."""
    for name in tables:
        rows = experiments.TABLES[name].rows
        reasons = {row.setting: needs.missing(row, setup) for row in rows}
        # Before the first row, which may take days, and after each: a table can be read meanwhile.
        text = write_table(name, setup, runner, reasons)
        script = pathlib.Path(setup.output_dir, "tables", f"table_{name}.sh")
        files.write_text(script, as_script([name], setup))
        for row in rows:
            reasons[row.setting] = run_row(row, setup, runner)
            text = write_table(name, setup, runner, reasons)
        print(f"\n{text}\n{script.with_suffix('.md')}", flush=True)


def as_script(tables: Sequence[str], setup: Setup) -> str:
    """Returns all commands of tables as a shell script."""
    rows = _rows_of(tables)
    lists = needs.lists_to_write(rows, setup)
    notes = [f"{path} is a list that reproduce-table writes." for path in lists]
    lines = [(row, plans.plan(row, setup), needs.missing(row, setup)) for row in rows]
    return results.script(lines, notes)


def main(given: TableFlags, setup: Setup) -> int:
    """Reproduces the tables; returns 1 if a command failed, or a store or a list is missing."""
    if given.dry_run:
        print(as_script(given.tables, setup), end="")
        return 0
    rows = _rows_of(given.tables)
    for row in rows:  # A mistake must not show when the tables before it have run for days.
        plans.plan(row, setup)
    # What is missing is said first and does not keep other rows from being run.
    stores, lists = needs.stores_missing(rows, setup), needs.lists_missing(rows, setup)
    for dataset in stores:
        words = "does not exist. Make it, VIDEOS being the folder of the videos"
        store, command = setup.data_set(dataset).store, needs.how_to_make(dataset, setup)
        print(f"error: {store} {words}:\n  {command}", file=sys.stderr)
    for path in lists:
        print(f"error: {path} does not exist; --help says what it holds.", file=sys.stderr)
    runner = running.Runner(setup.output_dir)
    # Inherited, because a training goes on for a while if this process is killed.
    with locks.exclusive(setup.output_dir, inherited=True):
        # Not the seeds, which are runs of their own, nor --test_flags, which decide no number.
        names = ("scale", "data_root", "imagenet_run", "train_flags")
        running.keep_flags(setup.output_dir, {name: getattr(setup, name) for name in names})
        for path, text in needs.lists_to_write(rows, setup).items():
            files.write_text(path, text)
        reproduce(given.tables, setup, runner)
    return 1 if runner.failed or stores or lists else 0
