"""Writes a report as one HTML file, without scripts, which needs no other file and no network."""

import base64
import html
import re
from collections.abc import Sequence

from tf_twostream.reports import document

# A browser that is told so asks nobody for anything, whatever a name of the user's may look like.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --soft: #5d646c; --line: #d9dde2;
  --tint: #f4f6f8; --accent: #1a5fb4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6e9; --paper: #16181b; --soft: #9aa2ab;
  --line: #343a41; --tint: #1f2327; --accent: #8ab8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.6rem; padding-bottom: 0.2rem;
  border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; font-weight: 600; margin: 1.5rem 0 0.4rem; }
h3 small { display: block; color: var(--soft); font-weight: 400; }
p, ul { max-width: 46rem; }
ul { padding-left: 1.2rem; }
.lead { font-size: 1.15rem; border-left: 4px solid var(--accent); padding-left: 0.9rem; }
.wide { overflow-x: auto; margin: 0.8rem 0; }
table { border-collapse: collapse; font-size: 0.93rem; }
th, td { padding: 0.3rem 1rem 0.3rem 0; text-align: left; vertical-align: bottom;
  border-bottom: 1px solid var(--line); overflow-wrap: normal; }
td { min-width: 7rem; }
th { color: var(--soft); font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; min-width: 0; }
td.number { white-space: nowrap; }
pre { margin: 0.8rem 0; padding: 0.8rem; overflow-x: auto; background: var(--tint);
  border-radius: 6px; font-size: 0.85rem; white-space: pre-wrap; }
figure { margin: 0.8rem 0; }
figcaption { color: var(--soft); font-size: 0.85rem; line-height: 1.35; }
img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
.drawn { display: inline-block; vertical-align: top; max-width: 100%; margin: 0.8rem 0.6rem 0 0; }
.drawn img { background: #fff; padding: 8px; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 13.5rem));
  gap: 0.6rem; }
.row figure { margin: 0; }
.row img { width: 100%; }
@media (max-width: 40rem) { .row { grid-template-columns: 1fr 1fr; } }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --soft: #444;
  --line: #bbb; --tint: #f4f4f4; --accent: #1a5fb4; } body { max-width: none; padding: 0;
  font-size: 10pt; } h2, h3 { break-after: avoid; } figure, tr, .row { break-inside: avoid; }
  .wide { overflow: visible; } td { min-width: 0; }
  .row { grid-template-columns: repeat(4, 1fr); } }
"""


def write(report: document.Document) -> str:
    """Returns a report as HTML."""
    title = html.escape(report.title)
    sections = "\n".join(map(_section, report.sections))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p class="lead">{html.escape(report.lead)}</p>
{sections}
</body>
</html>
"""


def _section(section: document.Section) -> str:
    blocks = "\n".join(map(_block, section.blocks))
    return f"<section>\n<h2>{html.escape(section.title)}</h2>\n{blocks}\n</section>"


def _block(block: document.Block) -> str:
    match block:
        case document.Text(words):
            return f"<p>{html.escape(words)}</p>"
        case document.Items(words):
            items = "".join(f"<li>{html.escape(item)}</li>" for item in words)
            return f"<ul>{items}</ul>"
        case document.Table(header, rows):
            kinds = [' class="number"' * _is_numeric(column) for column in zip(*rows)]
            head, *body = (
                _row(cell, texts, kinds)
                for cell, texts in (("th", header), *(("td", row) for row in rows))
            )
            table = f"<thead>{head}</thead>\n<tbody>{chr(10).join(body)}</tbody>"
            return f'<div class="wide"><table>{table}</table></div>'
        case document.Commands(lines):
            return f"<pre>{html.escape(chr(10).join(lines))}</pre>"
        case document.Picture():
            return _figure(block, ' class="drawn"')
        case document.Pictures(title, source, pictures):
            head = f"{html.escape(title)}<small>{html.escape(source)}</small>"
            row = "".join(map(_figure, pictures))
            return f'<h3>{head}</h3>\n<div class="row">{row}</div>'


def _is_numeric(column: Sequence[str]) -> bool:
    return all(re.match(r"[-+\d]|$", cell) for cell in column)


def _row(cell: str, texts: Sequence[str], kinds: Sequence[str]) -> str:
    cells = (f"<{cell}{kind}>{html.escape(t)}</{cell}>" for t, kind in zip(texts, kinds))
    return f"<tr>{''.join(cells)}</tr>"


def _figure(picture: document.Picture, attributes: str = "") -> str:
    source = f"data:image/{picture.kind};base64,{base64.b64encode(picture.data).decode()}"
    caption = html.escape(picture.caption)
    image = f'<img src="{source}" alt="{caption}">'
    return f"<figure{attributes}>{image}<figcaption>{caption}</figcaption></figure>"
