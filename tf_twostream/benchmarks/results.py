"""What a benchmark says, for programs: the tables of its text as JSON."""

import re
from typing import Any


def from_text(text: str) -> list[dict[str, Any]]:
    r"""Reads lines and Markdown tables.

    Args:
        text: What a benchmark prints.

    Returns:
        For each table the "title", the lines above it, and its "rows": cells by column, as numbers
        where they are some.

    Example:
        >>> from tf_twostream.benchmarks import results
        >>> results.from_text("two cores\n| | ms |\n| --- | --: |\n| dis | 9.5 |\n")
        [{'title': 'two cores', 'rows': [{'': 'dis', 'ms': 9.5}]}]
    """
    tables: list[dict[str, Any]] = []
    above: list[str] = []
    header: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            header = []
            above += [line] if line else []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not header:
            header = cells
            tables.append({"title": " ".join(above), "rows": []})
            above = []
        elif set(line) - set("|-: "):
            tables[-1]["rows"].append(dict(zip(header, map(_value, cells))))
    return tables


def _value(cell: str) -> float | str:
    try:
        return float(cell.replace(",", ""))
    except ValueError:
        return cell
