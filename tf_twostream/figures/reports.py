"""Tables and figures of results: Markdown, CSV and PNG.

The figures are drawn without pyplot, hence without a display. They grow with the number of
classes, so that the labels stay readable with 3 classes and with 101.
"""

import csv
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib import figure

_DPI = 100
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
    words = f"{measure.replace('_', ' ')} {100 * value:.2f} %, {num_videos} videos"
    return f"{name}: {words}" if name else words


def write_confusion_matrix(
    matrix: np.ndarray,
    class_names: Sequence[str],
    path: str | os.PathLike[str],
    *,
    title: str = "Confusion matrix",
) -> None:
    """Writes a confusion matrix as PATH.png (shares, as in fig. 5) and PATH.csv (counts).

    Args:
        matrix: `[K, K]` counts of videos; row: true class, column: predicted class.
        class_names: K names.
        path: The files without their suffix; the folder is created if need be.
        title: Title of the figure.

    Raises:
        ValueError: If the matrix is not `[K, K]`.
    """
    drawing = draw_confusion_matrix(matrix, class_names, title)
    rows = [[name, *map(int, counts)] for name, counts in zip(class_names, matrix)]
    _write_csv(path, ["true \\ predicted", *class_names], rows)
    _save(drawing, path)


def write_per_class(
    values: np.ndarray,
    class_names: Sequence[str],
    path: str | os.PathLike[str],
    *,
    measure: str = "recall",
    title: str = "",
) -> None:
    """Writes a measure of each class as PATH.png (best first, as bars; fig. 6) and PATH.csv.

    Args:
        values: `[K]` in [0, 1]; NaN for classes without videos, but not for all.
        class_names: K names.
        path: The files without their suffix; the folder is created if need be.
        measure: What the values are: recall, or average precision.
        title: Title of the figure.

    Raises:
        ValueError: If `values` is not `[K]`.
    """
    drawing = draw_per_class(np.asarray(values), class_names, measure=measure, title=title)
    cells = ["" if np.isnan(value) else f"{value:.6f}" for value in values]
    _write_csv(path, ["class", measure], list(zip(class_names, cells)))
    _save(drawing, path)


def draw_confusion_matrix(
    matrix: np.ndarray, class_names: Sequence[str], title: str
) -> figure.Figure:
    """Draws the figure of `write_confusion_matrix`, from the same arguments."""
    num_classes = len(class_names)
    if np.shape(matrix) != (num_classes, num_classes):
        raise ValueError(
            f"The confusion matrix of {num_classes} classes must be [{num_classes}, "
            f"{num_classes}]. Received: {list(np.shape(matrix))}."
        )
    videos = np.sum(matrix, axis=1, keepdims=True)
    shares = np.where(videos > 0, matrix / np.maximum(videos, 1), np.nan)
    numbered = num_classes <= _MAX_CLASSES_WITH_NUMBERS
    side = max(3.0, num_classes * (0.5 if numbered else 0.16))  # Inches.
    size = 9 if numbered else 7
    drawing = figure.Figure(figsize=(side, side))
    axes = drawing.add_axes((0, 0, 1, 1))
    colors = matplotlib.colormaps["Blues"].with_extremes(bad="lightgrey")  # No test video.
    image = axes.imshow(shares, cmap=colors, vmin=0, vmax=1, interpolation="nearest")
    places = range(num_classes)
    axes.set_xticks(places, class_names, rotation=90, fontsize=size, parse_math=False)
    axes.set_yticks(places, class_names, fontsize=size, parse_math=False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(title, parse_math=False)
    bar = drawing.add_axes((1 + 0.15 / side, 0, 0.2 / side, 1))
    drawing.colorbar(image, cax=bar, label="share of the true class's videos")
    if numbered:
        _number_cells(axes, shares, size)
    return drawing


def draw_per_class(
    values: np.ndarray, class_names: Sequence[str], *, measure: str = "recall", title: str
) -> figure.Figure:
    """Draws the figure of `write_per_class`, from the same arguments."""
    if np.shape(values) != (len(class_names),):
        raise ValueError(
            f"The {measure} of {len(class_names)} classes must be [{len(class_names)}]. "
            f"Received: {list(np.shape(values))}."
        )
    order = np.argsort(-values, kind="stable")  # NaN comes last.
    height = max(1.5, 0.18 * len(order))  # Inches.
    drawing = figure.Figure(figsize=(6, height))
    axes = drawing.add_axes((0, 0, 1, 1))
    places = np.arange(len(order))
    axes.barh(places, np.nan_to_num(values[order]), color="tab:blue")
    names = [class_names[index] for index in order]
    axes.set_yticks(places, names, fontsize=8, parse_math=False)
    background = {"color": "white", "pad": 0.5}  # The dashed line must not cross the numbers.
    for place, value in enumerate(values[order].tolist()):
        text, end = ("no test video", 0) if np.isnan(value) else (f"{100 * value:.1f} %", value)
        axes.text(end + 0.01, place, text, va="center", fontsize=7, bbox=background)
    mean = np.nanmean(values)
    axes.axvline(mean, color="black", linewidth=1, linestyle="--")
    axes.set_xlim(0, 1.12)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlabel(f"{measure} (dashed: mean over the classes, {100 * mean:.1f} %)")
    axes.set_title(title, parse_math=False)
    return drawing


def _align(cells: list[str], widths: list[int]) -> list[str]:
    first, *others = cells
    aligned = [cell.rjust(width) for cell, width in zip(others, widths[1:])]
    return [first.ljust(widths[0]), *aligned]


def _write_csv(
    path: str | os.PathLike[str], header: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    file_path = pathlib.Path(f"{os.fspath(path)}.csv")
    file_path.parent.mkdir(parents=True, exist_ok=True)
    with file_path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _save(drawing: figure.Figure, path: str | os.PathLike[str]) -> None:
    drawing.savefig(f"{os.fspath(path)}.png", dpi=_DPI, bbox_inches="tight")


def _number_cells(axes, shares: np.ndarray, size: int) -> None:
    for (row, column), share in np.ndenumerate(shares):
        color = "white" if share > 0.5 else "black"
        text = "" if np.isnan(share) else f"{share:.2f}" if share else "0"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=size)
