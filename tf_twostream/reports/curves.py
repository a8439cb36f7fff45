"""The curves of a training and of its validation part."""

import dataclasses

import matplotlib
from matplotlib import figure

from tf_twostream import runs
from tf_twostream.runs import history

Curve = list[tuple[int, float]]  # Iterations done, and what was measured then.
_MEASURES = ("loss", "accuracy")
_PARTS = {"training": ("--", 0.55), "validation": ("-", 1.0)}  # Line, opacity.


@dataclasses.dataclass(frozen=True)
class Curves:
    """What a training measured, by `loss` and `accuracy`.

    Attributes:
        training: Means over the iterations since the last point, under dropout and random views.
        validation: On the validation part; nothing where there is none.
        best: The point of the best checkpoint; None where there is no validation part.
    """

    training: dict[str, Curve]
    validation: dict[str, Curve]
    best: history.Point | None


def read(run: runs.Run) -> Curves:
    """Reads the curves of a run: those of the training from what TensorBoard shows."""
    points = history.read(run)
    validation = {
        "loss": [(point.iteration, -point.gain) for point in points],
        "accuracy": [(point.iteration, point.accuracy) for point in points],
    }
    return Curves(_read_training(run), validation, max(points, default=None))


def _read_training(run: runs.Run) -> dict[str, Curve]:
    from tensorboard.backend.event_processing import event_accumulator
    from tensorboard.util import tensor_util

    folder = run.path / "tensorboard"
    if not folder.is_dir():
        return {name: [] for name in _MEASURES}
    # All points of the curves; what a continued training has done again is passed over.
    kept = event_accumulator.EventAccumulator(
        str(folder), size_guidance={event_accumulator.TENSORS: 0}
    ).Reload()
    there = kept.Tags()["tensors"]
    return {
        name: [
            (event.step, float(tensor_util.make_ndarray(event.tensor_proto)))
            for event in (kept.Tensors(name) if name in there else [])
        ]
        for name in _MEASURES
    }


def draw(curves: dict[str, Curves]) -> figure.Figure:
    """Draws the curves of streams: loss and accuracy side by side, a colour for each stream."""
    drawing = figure.Figure(figsize=(9, 3.4), layout="constrained")
    panels = drawing.subplots(1, len(_MEASURES))
    colors = matplotlib.colormaps["tab10"]
    for panel, measure in zip(panels, _MEASURES):
        for number, (name, own) in enumerate(curves.items()):
            for part, (line, alpha) in _PARTS.items():
                points = getattr(own, part)[measure]
                panel.plot(
                    [iteration for iteration, _ in points],
                    [value for _, value in points],
                    line,
                    color=colors(number),
                    alpha=alpha,
                    marker="o" if part == "validation" else "",
                    markersize=3,
                    label=f"{name}, {part}" if points else None,
                )
        panel.set_xlabel("iterations")
        panel.set_title(measure)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    panels[1].set_ylim(0, 1.02)
    panels[1].legend(fontsize=8, loc="lower right")
    return drawing
