"""Tables of our numbers beside the published ones: Markdown, CSV, and the commands as a script."""

import dataclasses
import pathlib
import statistics
from collections.abc import Iterable, Sequence

from tf_twostream.experiments import chains, rows, tables
from tf_twostream.experiments.knobs import Setup
from tf_twostream.processes import files
from tf_twostream.scores import metrics, score_files

_HEADER = ("setting", "measure", "ours", "published", "difference", "test videos", "command")
_CSV_HEADER = (*_HEADER[:3], "standard deviation", "splits", "seeds", *_HEADER[3:], "not run")
_FLAGS_HEADER = ("more training flags", "more testing flags")
_SIZE_HEADER = ("parameters", "published parameters (M)", "multiply-adds", "why they differ")
_HOW_TO_READ = (
    "In percent. Of several splits or seeds the mean; after ± the standard deviation (from n - 1) "
    "over the splits, each of them the mean of its seeds, or over the seeds of a single split. The "
    "command is the one that sets the row apart, for the first split and seed; all of them are in "
    "the .sh file."
)

_SIZES_IN_WORDS = (
    "Sizes, for 101 classes and at the paper's scale: weights and biases in millions (M), and "
    "multiply-adds of one clip in thousands of millions (G). Of fused scores those of both "
    "networks; of bilinear fusion with the linear SVM."
)


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a table.

    Attributes:
        row: The row.
        command: The command that sets the row apart, for its first split and seed.
        values: Ours in percent, for each split one per seed; empty if the row was not run.
        num_videos: The number of test videos behind each value.
        reason: Why the row was not run.
    """

    row: rows.Row
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
        """Standard deviation, from n - 1, over splits, or else over seeds; None for one number."""
        # A split counts once, with the mean of its seeds: they say nothing about other splits.
        one_split = len(self.values) == 1
        values = self.values[0] if one_split else [*map(statistics.fmean, self.values)]
        return statistics.stdev(values) if len(values) > 1 else None


def read(step: chains.Step, measure: rows.Measure) -> tuple[float, int]:
    """Reads what the last step of a row has found.

    Args:
        step: A step that fuses, or one that scores videos.
        measure: Which of the measures it found.

    Returns:
        The measure in percent, and the number of test videos.
    """
    if step.result:
        results = files.read_json(step.output)
        found, num_videos = results["results"][step.result], results["num_videos"]
    else:
        scores = score_files.load_scores(step.output)
        found, num_videos = metrics.measure(scores.scores, scores.labels), len(scores.labels)
    return 100 * found[measure.replace(" ", "_")], num_videos


def make_line(
    row: rows.Row,
    steps: Sequence[chains.Step],
    done: Sequence[bool],
    reason: str,
    *,
    num_seeds: int = 1,
) -> Line:
    """Makes the line of a row.

    Args:
        row: The row.
        steps: The last step for each split and seed, as `plans.plan` lists them.
        done: Whether each of them is done.
        reason: Why some are not; empty where their turn has not come.
        num_seeds: How many of them a split has.

    Returns:
        The line; it has values only when all steps are done.
    """
    if not steps:
        return Line(row, reason=reason)
    shown = steps[0] if steps[0].result else steps[0].after[0]  # Fusing, or else training.
    if not all(done):
        # The mean over some of the splits would not be the published quantity.
        part = f"{sum(done)} of {len(done)} done" if any(done) else ""
        return Line(row, shown.line, reason="; ".join(filter(None, (reason, part))))
    values, numbers = zip(*(read(step, row.measure) for step in steps))
    # `plans.plan` lists the seeds of a split next to each other.
    by_split = [values[n : n + num_seeds] for n in range(0, len(values), num_seeds)]
    return Line(row, shown.line, tuple(by_split), numbers)


def write(name: str, lines: Sequence[Line], setup: Setup) -> str:
    """Writes tables/table_NAME.md and .csv into the output folder.

    Args:
        name: The table, one of `tables.TABLES`.
        lines: Its lines.
        setup: Where results lie, and at which scale the rows were run.

    Returns:
        The text of the Markdown file.
    """
    stem = pathlib.Path(setup.output_dir, "tables", f"table_{name}")
    table = tables.TABLES[name]
    parts = [f"# Table {name}. {table.title}", table.note, _describe(setup), _markdown(lines)]
    has_sizes = any(row.size for row in table.rows)
    parts += [_SIZES_IN_WORDS, _sizes(table)] if has_sizes else []
    text = "\n\n".join(part.rstrip() for part in parts if part) + "\n"
    # Atomically, for tables are read, and runs are killed, while rows are still being run.
    files.write_text(stem.with_suffix(".md"), text)
    header = [*_CSV_HEADER, *_FLAGS_HEADER]
    cells = [[*_csv_cells(line), setup.train_flags, setup.test_flags] for line in lines]
    if has_sizes:
        header += _SIZE_HEADER
        cells = [own + _size_cells(line.row.size) for own, line in zip(cells, lines)]
    files.write_csv(stem.with_suffix(".csv"), [header, *cells])
    return text


def script(
    lines: Iterable[tuple[rows.Row, Sequence[chains.Step], str]], notes: Iterable[str]
) -> str:
    """Writes the commands of rows as a shell script.

    Args:
        lines: Rows, their last steps, and why a row cannot be run (empty if it can): its
            commands are then comments.
        notes: Comments to begin with.

    Returns:
        The script, in which each command stands once.
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


def _lines_of(step: chains.Step, seen: set[str]) -> list[str]:
    if step.name in seen:
        return []
    seen.add(step.name)
    return [line for earlier in step.after for line in _lines_of(earlier, seen)] + [step.line]


def _describe(setup: Setup) -> str:
    """Words what a reader of a table must know before the numbers."""
    parts = [setup.size.note]
    for what, flags in (("training", setup.train_flags), ("evaluation", setup.test_flags)):
        parts += [f"More flags of every {what}: `{flags}`."] if flags else []
    return " ".join(filter(None, [*parts, _HOW_TO_READ]))


def _markdown(lines: Sequence[Line]) -> str:
    from tf_twostream.figures import reports  # Matplotlib takes half a second to import.

    table = reports.markdown_table(_HEADER[:-1], [_cells(line) for line in lines])
    # Commands are long and of any length: padded to the longest, nobody could read the table.
    shown = [line.command.replace("|", r"\|") for line in lines]
    column = [_HEADER[-1], "---", *(f"`{command}`" if command else "" for command in shown)]
    return "".join(f"{cells} {own} |\n" for cells, own in zip(table.splitlines(), column))


def _cells(line: Line) -> list[str]:
    row, difference = line.row, ""
    if line.values:
        spread = "" if line.deviation is None else f" ± {line.deviation:.1f}"
        ours, difference = f"{line.mean:.1f}{spread}", f"{line.mean - row.published:+.1f}"
    else:
        ours = f"not run{f': {line.reason}' if line.reason else ''}"
    return [row.setting, row.measure, ours, str(row.published), difference, _videos(line)]


def _sizes(table: rows.Table) -> str:
    """Writes the sizes of what the rows of a table test."""
    from tf_twostream.figures import reports

    header = ("setting", "parameters", "published", "multiply-adds", "why they differ")
    cells = []
    for row in table.rows:
        if row.size:
            ours, work = row.size.parameters / 1e6, row.size.multiply_adds / 1e9
            published = "" if row.size.published is None else f"{row.size.published:.2f} M"
            cells.append((row.setting, f"{ours:.2f} M", published, f"{work:.2f} G", row.size.why))
    return reports.markdown_table(header, cells)


def _size_cells(size: rows.Size | None) -> list[object]:
    if size is None:
        return [""] * len(_SIZE_HEADER)
    published = "" if size.published is None else size.published
    return [size.parameters, published, size.multiply_adds, size.why]


def _csv_cells(line: Line) -> list[object]:
    row, difference = line.row, ""
    ours: list[object] = ["", "", "", ""]
    if line.values:
        spread = "" if line.deviation is None else f"{line.deviation:.4f}"
        ours = [f"{line.mean:.4f}", spread, len(line.values), len(line.values[0])]
        difference = f"{line.mean - row.published:.4f}"
    reason = "" if line.values else line.reason or "not yet"
    cells = [row.setting, row.measure, *ours, row.published, difference, _videos(line)]
    return [*cells, line.command, reason]


def _videos(line: Line) -> str:
    """Words the numbers of test videos, of which the splits of HMDB-51 have the same: once."""
    return ", ".join(map(str, dict.fromkeys(line.num_videos)))
