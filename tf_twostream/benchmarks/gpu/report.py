"""The results: kept as they come, as JSON for programs and as Markdown for people."""

import os
import pathlib
from typing import Any

from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.figures import reports
from tf_twostream.processes import files

NAME = "gpu"  # Of the files in the output folder, without suffix.


class Report:
    """What is known so far; each addition is written at once, so that a kill loses none.

    Attributes:
        content: What the JSON file holds: "machine", a row; and "parts", a list with the "title",
            the "state", the "seconds" and the "tables" of each, rows by the title of their table.
    """

    def __init__(self, output_dir: str | os.PathLike[str], machine: dict[str, Any]):
        """Begins a report on a machine."""
        self._stem = pathlib.Path(output_dir, NAME)
        self.content: dict[str, Any] = {"machine": machine, "parts": []}
        self._write()

    def begin(self, title: str) -> None:
        """Begins a part."""
        self.content["parts"].append({"title": title, "state": "begun", "tables": {}})
        self._write()

    def add(self, finding: Finding) -> None:
        """Adds a row to a table of the part that was begun last."""
        table, row = finding
        self.content["parts"][-1]["tables"].setdefault(table, []).append(row)
        self._write()

    def end(self, state: str, seconds: float) -> None:
        """Ends the part that was begun last."""
        self.content["parts"][-1] |= {"state": state, "seconds": round(seconds, 1)}
        self._write()

    def markdown(self) -> str:
        """Returns all as Markdown."""
        machine = [f"* {name}: {value}" for name, value in self.content["machine"].items()]
        lines = ["# What the machine does", "", *machine]
        for part in self.content["parts"]:
            took = f", {part['seconds']:.0f} s" if "seconds" in part else ""
            lines += ["", f"## {part['title']} ({part['state']}{took})"]
            for title, rows in part["tables"].items():
                # In the order in which they first appear, for rows may lack some.
                header = list(dict.fromkeys(name for row in rows for name in row))
                cells = [[_cell(row.get(name, "")) for name in header] for row in rows]
                lines += ["", f"{title}:", "", reports.markdown_table(header, cells).rstrip()]
        return "\n".join(lines) + "\n"

    def _write(self) -> None:
        files.write_json(self._stem.with_suffix(".json"), self.content, indent=1)
        files.write_text(self._stem.with_suffix(".md"), self.markdown())


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value).replace("|", "/").replace("\n", " ")
