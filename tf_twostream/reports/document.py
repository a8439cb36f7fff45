"""What a report is made of: sections of texts, tables, commands and pictures, without a form.

All texts are plain: `page` and `text` escape them, each in its own way.
"""

import dataclasses
import io
from collections.abc import Iterable, Sequence
from typing import Literal

import cv2
import numpy as np
from matplotlib import figure

from tf_twostream.figures import reports

_JPEG_QUALITY = 85


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph."""

    words: str


@dataclasses.dataclass(frozen=True)
class Items:
    """A list of paragraphs, each of which stands for itself."""

    words: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; its first column is text, the others are mostly numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def filled(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Makes a table of those columns that hold anything."""
    columns = [(name, *cells) for name, *cells in zip(header, *rows) if any(cells)]
    first, *others = zip(*columns)
    return Table(first, tuple(others))


@dataclasses.dataclass(frozen=True)
class Commands:
    """Commands to type, each of one line or of several."""

    lines: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture, of which Markdown on a terminal shows nothing.

    Attributes:
        data: The bytes of an image file.
        kind: Of which kind it is.
        caption: What it shows.
    """

    data: bytes
    kind: Literal["png", "jpeg"]
    caption: str


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Small pictures side by side, as far as there is room.

    Attributes:
        title: What they show.
        source: Of which clip they are.
        pictures: The pictures.
    """

    title: str
    source: str
    pictures: tuple[Picture, ...]


Block = Text | Items | Table | Commands | Picture | Pictures


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report under a heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True)
class Document:
    """A report.

    Attributes:
        title: What it is about.
        lead: Its result, in a sentence or two.
        sections: Its parts.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]


def from_figure(drawing: figure.Figure, caption: str) -> Picture:
    """Renders a figure as PNG."""
    data = io.BytesIO()
    drawing.savefig(data, format="png", dpi=reports.DPI, bbox_inches="tight")
    return Picture(data.getvalue(), "png", caption)


def from_pixels(picture: np.ndarray, caption: str) -> Picture:
    """Encodes a picture `[H, W, 3]` uint8 RGB as JPEG."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)[1]
    return Picture(encoded.tobytes(), "jpeg", caption)
