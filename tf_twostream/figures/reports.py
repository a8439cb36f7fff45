"""Tables and figures of results: Markdown, CSV and PNG.

The figures are drawn without pyplot, hence without a display. They grow with the number of
classes, so that the labels stay readable with 3 classes and with 101.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib import axes, figure

from tf_twostream.processes import files, printing

DPI = 100
_MAX_CLASSES_WITH_NUMBERS = 20  # With more, the shares would not fit into the cells.


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Formats a Markdown table that is also neat as plain text.

    Args:
        header: Names of the columns.
        rows: Cells, formatted; the first column is aligned left, the others right.

    Returns:
        The table, ending with a line break.

    Raises:
        ValueError: If a row is longer or shorter than the header.
    """
    lines = [[cell.replace("|", r"\|") for cell in line] for line in (header, *rows)]
    for line in lines:
        if len(line) != len(header):
            raise ValueError(f"A row must have {len(header)} cells. Received: {line}.")
    widths = [max(3, *map(len, column)) for column in zip(*lines)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines.insert(1, rule)
    return "".join(f"| {' | '.join(_align(line, widths))} |\n" for line in lines)


def title(name: str, measures: Mapping[str, float], num_videos: int) -> str:
    """Words the title of a figure: whose scores, the first of their measures, how many videos."""
    measure, value = next(iter(measures.items()))
    words = (
        f"{measure.replace('_', ' ')} {100 * value:.1f} %, {printing.count(num_videos, 'video')}"
    )
    return f"{name}: {words}" if name else words


def write(
    path: str | os.PathLike[str],
    drawing: figure.Figure,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> str:
    """Writes a figure as PATH.png and its numbers as PATH.csv.

    Args:
        path: The files without their suffix; the folder is made if need be.
        drawing: The figure.
        header: Names of the columns of the CSV file.
        rows: Its rows.

    Returns:
        The path of the picture.
    """
    files.write_csv(f"{os.fspath(path)}.csv", [header, *rows])
    # At its full size, however large: unlike TensorBoard, viewers of files can zoom.
    drawing.savefig(f"{os.fspath(path)}.png", dpi=DPI, bbox_inches="tight")
    return f"{os.fspath(path)}.png"


def draw_confusion_matrix(
    matrix: np.ndarray, class_names: Sequence[str], title: str
) -> figure.Figure:
    """Draws a confusion matrix as shares of each true class's videos (paper, Fig. 5).

    Args:
        matrix: `[K, K]` counts of videos; row: true class, column: predicted class.
        class_names: K names.
        title: Title of the figure.

    Returns:
        The figure; rows of classes without videos are grey.

    Raises:
        ValueError: If the matrix is not `[K, K]`.
    """
    num_classes = len(class_names)
    if np.shape(matrix) != (num_classes, num_classes):
        rule = f"`matrix` must be [{num_classes}, {num_classes}]"
        raise ValueError(f"{rule}. Received: {list(np.shape(matrix))}.")
    videos = np.sum(matrix, axis=1, keepdims=True)
    shares = np.where(videos > 0, matrix / np.maximum(videos, 1), np.nan)
    numbered = num_classes <= _MAX_CLASSES_WITH_NUMBERS
    side = max(3.0, num_classes * (0.5 if numbered else 0.16))  # Inches.
    size = 9 if numbered else 7
    drawing = figure.Figure(figsize=(side, side))
    # All of the figure is matrix; labels, title and colour bar stick out, and saving with
    # bbox_inches="tight" makes room for them: cells keep their size however long names are.
    panel = drawing.add_axes((0, 0, 1, 1))
    colors = matplotlib.colormaps["Blues"].with_extremes(bad="lightgrey")  # No test video.
    image = panel.imshow(shares, cmap=colors, vmin=0, vmax=1, interpolation="nearest")
    places = range(num_classes)
    # Class names are not ours: "$" or "_" in them would else begin a formula.
    panel.set_xticks(places, class_names, rotation=90, fontsize=size, parse_math=False)
    panel.set_yticks(places, class_names, fontsize=size, parse_math=False)
    panel.set_xlabel("predicted class")
    panel.set_ylabel("true class")
    panel.set_title(title, parse_math=False)
    bar = drawing.add_axes((1 + 0.15 / side, 0, 0.2 / side, 1))
    drawing.colorbar(image, cax=bar, label="share of the true class's videos")
    if numbered:
        _number_cells(panel, shares, size)
    return drawing


def draw_per_class(
    values: np.ndarray, class_names: Sequence[str], *, measure: str = "recall", title: str = ""
) -> figure.Figure:
    """Draws a measure of each class as bars, best first (paper, Fig. 6).

    Args:
        values: `[K]` in [0, 1]; NaN for classes without videos, but not for all.
        class_names: K names.
        measure: What the values are: recall, or average precision.
        title: Title of the figure.

    Returns:
        The figure, with a dashed line at the mean over the classes.

    Raises:
        ValueError: If `values` is not `[K]`.
    """
    if np.shape(values) != (len(class_names),):
        rule = f"`values` must be [{len(class_names)}]"
        raise ValueError(f"{rule}. Received: {list(np.shape(values))}.")
    order = np.argsort(-values, kind="stable")  # NaN comes last.
    height = max(1.5, 0.18 * len(order))  # Inches.
    drawing = figure.Figure(figsize=(6, height))
    panel = drawing.add_axes((0, 0, 1, 1))
    places = np.arange(len(order))
    panel.barh(places, np.nan_to_num(values[order]), color="tab:blue")
    names = [class_names[index] for index in order]
    panel.set_yticks(places, names, fontsize=8, parse_math=False)
    background = {"color": "white", "pad": 0.5}  # The dashed line must not cross the numbers.
    for place, value in enumerate(values[order].tolist()):
        text, end = ("no test video", 0) if np.isnan(value) else (f"{100 * value:.1f} %", value)
        panel.text(end + 0.01, place, text, va="center", fontsize=7, bbox=background)
    mean = np.nanmean(values)
    panel.axvline(mean, color="black", linewidth=1, linestyle="--")
    panel.set_xlim(0, 1.12)  # Room for "100.0 %".
    panel.set_ylim(len(order) - 0.4, -0.6)
    panel.set_xlabel(f"{measure} (dashed: mean over the classes, {100 * mean:.1f} %)")
    panel.set_title(title, parse_math=False)
    return drawing


def _align(cells: list[str], widths: list[int]) -> list[str]:
    first, *others = cells
    aligned = [cell.rjust(width) for cell, width in zip(others, widths[1:])]
    return [first.ljust(widths[0]), *aligned]


def _number_cells(panel: axes.Axes, shares: np.ndarray, size: int) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if share > 0:  # Zeros would hide the few numbers that say something; NaN is grey.
            tint = "white" if share > 0.5 else "black"
            panel.text(
                column, row, f"{share:.2f}", ha="center", va="center", color=tint, fontsize=size
            )  # fmt: skip
