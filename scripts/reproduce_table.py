r"""Runs the rows of the paper's tables that have not been run, and writes ours beside the paper's.

    python scripts/reproduce_table.py --table=1b,3 --data_root=data --output_dir=results
    python scripts/reproduce_table.py --table=all --data_root=data --output_dir=small --scale=small

`all` are the tables of the paper; `other` has Charades and VIVA, which its results page names.
Each row is a chain of this project's own commands; --dry_run prints them. Rows share networks,
which are trained once. Killed at any time, the same command goes on where it was. Tables are in
OUTPUT_DIR/tables, as Markdown and CSV, and grow while the rows are run; a row that cannot be run
says why. The exit code is 1 if a command failed, or a store or a list is missing.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence

from tf_twostream import cli, experiments
from tf_twostream.experiments import needs, plans, results, running
from tf_twostream.processes import locks

ROOT = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to reproduce."""

    table: tuple[str, ...] = cli.knob(
        cli.REQUIRED,
        f"Tables, separated by commas: {', '.join(experiments.TABLES)}; or all, which are the "
        "paper's own: other has the data sets that its results page names besides, Charades and "
        "VIVA.",
    )
    dry_run: bool = cli.knob(False, "Print the commands, done or not, as a script; run nothing.")

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        known = (*experiments.TABLES, "all")
        if not self.table or not set(self.table) <= set(known):
            raise ValueError(
                f"--table names tables: {', '.join(known)}. "
                f"Received: {','.join(self.table) or 'none'}."
            )

    @property
    def tables(self) -> list[str]:
        """The tables asked for, in the paper's order."""
        return [
            name
            for name, table in experiments.TABLES.items()
            if name in self.table or (table.in_paper and "all" in self.table)
        ]


cli.define(Options)
cli.define(plans.Setup)


def table_lines(
    name: str, setup: plans.Setup, runner: running.Runner, reasons: dict[str, str]
) -> list[results.Line]:
    """Returns the lines of a table as they stand.

    Args:
        name: The table.
        setup: Where data and results lie.
        runner: Knows what is done.
        reasons: Why rows could not be run, by their setting.
    """
    lines = []
    for row in experiments.TABLES[name].rows:
        steps = plans.plan(row, setup)
        done = [runner.is_done(step) for step in steps]
        reason = reasons.get(row.setting, "")
        lines.append(results.make_line(row, steps, done, reason, num_seeds=len(setup.seeds)))
    return lines


def run_row(row: experiments.Row, setup: plans.Setup, runner: running.Runner) -> str:
    """Runs what is missing of a row; returns why it could not be run, or nothing."""
    reason = needs.missing(row, setup)
    if reason:
        return reason
    failures = []
    for step in plans.plan(row, setup):
        try:
            runner.run(step)
        except running.StepError as error:  # The other splits and seeds are worth having.
            failures.append(str(error))
            print(f"error: {error}", file=sys.stderr)
    return "; ".join(dict.fromkeys(failures))


def reproduce(tables: Sequence[str], setup: plans.Setup, runner: running.Runner) -> None:
    """Runs the rows of tables one after the other; after each its table is written."""
    for name in tables:
        rows = experiments.TABLES[name].rows
        reasons = {row.setting: needs.missing(row, setup) for row in rows}
        text = results.write(name, table_lines(name, setup, runner, reasons), setup)
        stem = pathlib.Path(setup.output_dir, "tables", f"table_{name}.sh")
        stem.write_text(as_script([name], setup), encoding="utf-8")
        for row in rows:
            reasons[row.setting] = run_row(row, setup, runner)
            text = results.write(name, table_lines(name, setup, runner, reasons), setup)
        print(f"\n{text}\n{stem.with_suffix('.md')}", flush=True)


def as_script(tables: Sequence[str], setup: plans.Setup) -> str:
    """Returns all commands of tables as a shell script."""
    rows = [row for name in tables for row in experiments.TABLES[name].rows]
    notes = [
        f"{path} is a list that reproduce_table.py writes."
        for path in needs.lists_to_write(rows, setup)
    ]
    lines = [(row, plans.plan(row, setup), needs.missing(row, setup)) for row in rows]
    return results.script(lines, notes)


def main() -> int:
    """Reproduces with the parsed flags; 1 if something failed, or a store or a list is missing."""
    tables, setup = cli.parse(Options).tables, cli.parse(plans.Setup)
    if cli.parse(Options).dry_run:
        print(as_script(tables, setup), end="")
        return 0
    rows = [row for name in tables for row in experiments.TABLES[name].rows]
    absent = needs.stores_missing(rows, setup)
    for dataset in absent:
        print(
            f"error: {setup.store(dataset)} does not exist. Make it, VIDEOS being the folder of "
            f"the videos:\n  {needs.how_to_make(dataset, setup)}",
            file=sys.stderr,
        )
    unlisted = needs.lists_missing(rows, setup)
    for path in unlisted:
        print(f"error: {path} does not exist; --help says what it holds.", file=sys.stderr)
    runner = running.Runner(setup.output_dir, ROOT)
    with locks.exclusive(setup.output_dir, inherited=True):
        names = ("scale", "data_root", "imagenet_run", "train_flags")
        running.keep_flags(setup.output_dir, {name: getattr(setup, name) for name in names})
        for path, text in needs.lists_to_write(rows, setup).items():
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(path).write_text(text, encoding="utf-8")
        reproduce(tables, setup, runner)
    return 1 if runner.failed or absent or unlisted else 0


if __name__ == "__main__":
    cli.run(main)
