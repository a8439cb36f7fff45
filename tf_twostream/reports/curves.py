"""Draws the curves of a training and of its validation part."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import figure

from tf_twostream.runs import history

Curves = dict[history.Part, list[history.Point]]  # Of one stream.

_LINES: dict[history.Part, dict[str, Any]] = {
    "training": {"linestyle": "--", "alpha": 0.6},
    "validation": {"marker": "o", "markersize": 3},
}


def draw(streams: Mapping[str, Curves], measure: str) -> figure.Figure:
    """Draws a curve of each stream and part, a colour for each stream.

    Args:
        streams: The points of each stream, by its name; some may be missing.
        measure: "loss" or "accuracy".
    """
    drawing = figure.Figure(figsize=(4.2, 3.6), layout="constrained")
    panel = drawing.subplots()
    for number, (name, curves) in enumerate(streams.items()):
        for part, points in curves.items():
            if points:
                x, y = [point.iteration for point in points], _values(points, measure)
                label, color = f"{name}, {part}", f"C{number}"
                panel.plot(x, y, color=color, label=label, **_LINES[part])
    panel.set_xlabel("iterations")
    panel.set_title(measure)
    panel.set_ylim(0, 1.02 if measure == "accuracy" else None)
    panel.grid(alpha=0.3)
    drawing.legend(loc="outside lower center", ncols=2, fontsize=8)  # Hides no curve.
    return drawing


def _values(points: Sequence[history.Point], measure: str) -> list[float]:
    return [point.accuracy if measure == "accuracy" else -point.gain for point in points]
