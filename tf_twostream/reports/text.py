"""Writes a report as Markdown that is readable on a terminal, without its pictures."""

import re
import textwrap

from tf_twostream.figures import reports
from tf_twostream.processes import printing
from tf_twostream.reports import document

WIDTH = 100  # Characters of a line of text.
_FIXED = "\N{NO-BREAK SPACE}"
_SIGNS = re.compile(r"([\\`*\[\]<])")  # What begins a form, or HTML, within a name.


def write(report: document.Document) -> str:
    """Returns a report as Markdown."""
    parts = [f"# {_escape(report.title)}", _paragraph(report.lead)]
    for section in report.sections:
        parts.append(f"## {_escape(section.title)}")
        parts += filter(None, map(_block, section.blocks))
    return "\n\n".join(parts) + "\n"


def _escape(words: str) -> str:
    return _SIGNS.sub(r"\\\1", printing.escape(words))


def _paragraph(words: str, first: str = "", others: str = "") -> str:
    # Names of files and classes stay whole, and so does "25.0 %".
    return textwrap.fill(
        _escape(words).replace(" %", f"{_FIXED}%"),
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace(_FIXED, " ")


def _block(block: document.Block) -> str:
    match block:
        case document.Text(words):
            return _paragraph(words)
        case document.Items(words):
            return "\n".join(_paragraph(item, "* ", "  ") for item in words)
        case document.Table(header, rows):
            escaped = [[_escape(cell) for cell in row] for row in (header, *rows)]
            return reports.markdown_table(escaped[0], escaped[1:]).rstrip("\n")
        case document.Commands(lines):
            return "\n".join(
                ("```bash", *(printing.escape(line, keep_lines=True) for line in lines), "```")
            )
        case document.Pictures(title, source, _):
            return _paragraph(f"{title}: {source}", "* ", "  ")
        case _:
            return ""
