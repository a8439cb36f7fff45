"""Tables of our numbers beside the paper's: Markdown, CSV, and the commands as a script."""

import csv
import dataclasses
import json
import pathlib
import statistics
from collections.abc import Iterable, Sequence

from tf_twostream import experiments
from tf_twostream.experiments import plans
from tf_twostream.figures import reports
from tf_twostream.scores import metrics, score_files

_HEADER = ("setting", "measure", "ours", "published", "difference", "test videos", "command")
_CSV_HEADER = (
    *_HEADER[:3], "standard deviation", "splits", "seeds", *_HEADER[3:], "not run"
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a table.

    Attributes:
        row: The row.
        command: The command that sets the row apart, for its first split and seed.
        values: Ours in percent, for each split one per seed; empty if the row was not run.
        num_videos: Test videos of each.
        reason: Why it was not run.
    """

    row: experiments.Row
    command: str = ""
    values: tuple[tuple[float, ...], ...] = ()
    num_videos: tuple[int, ...] = ()
    reason: str = ""

    @property
    def mean(self) -> float:
        """Mean over splits and seeds in percent."""
        return statistics.fmean(map(statistics.fmean, self.values))

    @property
    def deviation(self) -> float | None:
        """Standard deviation, from n - 1, over splits, or else over seeds; None for one number.

        A split counts once, with the mean of its seeds: they say nothing about other splits.
        """
        one_split = len(self.values) == 1
        values = self.values[0] if one_split else [*map(statistics.fmean, self.values)]
        return statistics.stdev(values) if len(values) > 1 else None


def read(step: plans.Step, measure: experiments.Measure) -> tuple[float, int]:
    """Reads what a row's last step has found: the measure in percent, number of videos."""
    if step.result:
        results = json.loads(step.output.read_text(encoding="utf-8"))
        found, num_videos = results["results"][step.result], results["num_videos"]
    else:
        scores = score_files.load_scores(step.output)
        found, num_videos = metrics.measure(scores.scores, scores.labels), len(scores.labels)
    return 100 * found[measure.replace(" ", "_")], num_videos


def make_line(
    row: experiments.Row,
    steps: Sequence[plans.Step],
    done: Sequence[bool],
    reason: str,
    *,
    num_seeds: int = 1,
) -> Line:
    """Makes the line of a row.

    Args:
        row: The row.
        steps: The last step for each split and seed, as `commands.plan` lists them.
        done: Whether each is done.
        reason: Why some are not; empty where their turn has not come.
        num_seeds: How many of them a split has.

    Returns:
        The line; values stand in it only when all steps are done.
    """
    if not steps:
        return Line(row, reason=reason)
    shown = steps[0] if steps[0].result else steps[0].after[0]  # Fusing, or else training.
    if not all(done):
        part = f"{sum(done)} of {len(done)} done" if any(done) else ""
        return Line(row, shown.line, reason="; ".join(filter(None, (reason, part))))
    values, numbers = zip(*(read(step, row.measure) for step in steps))
    by_split = [values[n : n + num_seeds] for n in range(0, len(values), num_seeds)]
    return Line(row, shown.line, tuple(by_split), numbers)


def write(name: str, lines: Sequence[Line], setup: plans.Setup) -> str:
    """Writes tables/table_NAME.md, .csv and .sh into the output folder.

    Args:
        name: The table, one of `experiments.TABLES`.
        lines: Its lines.
        setup: Where to, and at what scale the rows were run.

    Returns:
        The text of the Markdown file.
    """
    stem = pathlib.Path(setup.output_dir, "tables", f"table_{name}")
    stem.parent.mkdir(parents=True, exist_ok=True)
    table = experiments.TABLES[name]
    title = f"# Table {name}. {table.title}"
    text = "\n\n".join(filter(None, [title, table.note, _explain(setup), _markdown(lines)]))
    stem.with_suffix(".md").write_text(text, encoding="utf-8")
    with stem.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_CSV_HEADER)
        writer.writerows(_csv_cells(line) for line in lines)
    return text


def script(
    lines: Iterable[tuple[experiments.Row, Sequence[plans.Step], str]], notes: Iterable[str]
) -> str:
    """Writes the commands of rows as a shell script, each step once.

    Args:
        lines: Rows, their last steps, and why a row cannot be run (empty if it can): its
            commands are then comments.
        notes: Comments to begin with.
    """
    seen: set[str] = set()
    text = ["#!/usr/bin/env bash", "set -euo pipefail", *(f"# {note}" for note in notes)]
    for row, steps, reason in lines:
        published = f"{row.setting} (published: {row.published} %)"
        text += ["", f"# {published}{f': {reason}' if reason else ''}"]
        # What cannot be run is shown as a comment, and does not count as done for other rows.
        before, hidden = (set(), "# ") if reason else (seen, "")
        text += [f"{hidden}{line}" for step in steps for line in _lines_of(step, before)]
    return "\n".join(text) + "\n"


def _lines_of(step: plans.Step, seen: set[str]) -> list[str]:
    if step.name in seen:
        return []
    seen.add(step.name)
    return [line for earlier in step.after for line in _lines_of(earlier, seen)] + [step.line]


def _explain(setup: plans.Setup) -> str:
    repeats = (
        "In percent. Of several splits or seeds the mean; after ± the standard deviation (from "
        "n - 1) over the splits, each of them the mean of its seeds, or over the seeds of a single "
        "split. The command is the one that sets the row apart, for the first split and seed; all "
        "of them are in the .sh file."
    )
    if setup.scale == "paper":
        return repeats
    return (
        f"Scale: small. Two data sets of your own stand for UCF-101 and HMDB-51; "
        f"width {plans.SMALL['width']}, crops of {plans.SMALL['crop_size']} pixels, batches "
        f"of {plans.SMALL['batch_size']}, {plans.SMALL_ITERATIONS} iterations, "
        f"{plans.SMALL_TUNING_ITERATIONS} when fine-tuning; dropout "
        f"{plans.SMALL['dropout_rate']} instead of 0.9, but in Table 1a as it says. Changed by "
        f"--train_flags: {setup.train_flags or 'nothing'}. The differences compare other data, "
        f"other networks and one split: they show what runs, not what is reproduced. {repeats}"
    )


def _markdown(lines: Sequence[Line]) -> str:
    table = reports.markdown_table(_HEADER[:-1], [_cells(line) for line in lines])
    # Commands are long and of any length: padded to the longest, nobody could read the table.
    shown = [line.command.replace("|", r"\|") for line in lines]
    commands_column = [
        _HEADER[-1],
        "---",
        *(f"`{command}`" if command else "" for command in shown),
    ]
    return "".join(f"{cells} {own} |\n" for cells, own in zip(table.splitlines(), commands_column))


def _cells(line: Line) -> list[str]:
    row, difference = line.row, ""
    if line.values:
        spread = "" if line.deviation is None else f" ± {line.deviation:.1f}"
        ours, difference = f"{line.mean:.1f}{spread}", f"{line.mean - row.published:+.1f}"
    else:
        ours = f"not run{f': {line.reason}' if line.reason else ''}"
    return [row.setting, row.measure, ours, f"{row.published:.1f}", difference, _videos(line)]


def _csv_cells(line: Line) -> list[object]:
    row, difference = line.row, ""
    ours: list[object] = ["", "", "", ""]
    if line.values:
        spread = "" if line.deviation is None else f"{line.deviation:.4f}"
        ours = [f"{line.mean:.4f}", spread, len(line.values), len(line.values[0])]
        difference = f"{line.mean - row.published:.4f}"
    reason = "" if line.values else line.reason or "not yet"
    return [
        row.setting, row.measure, *ours, row.published, difference, _videos(line), line.command,
        reason,
    ]  # fmt: skip


def _videos(line: Line) -> str:
    return ", ".join(map(str, dict.fromkeys(line.num_videos)))
