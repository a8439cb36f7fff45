"""Reads and writes the curves of a training: RUN_DIR/training.json and RUN_DIR/validation.json.

Both hold `{"points": [{"iteration": 20, "accuracy": 0.5, "loss": 1.3}, ...]}` in the order of the
iterations. A point of the training is the mean since the point before, with dropout, of the samples
that were drawn; one of the validation part is of whole videos at that iteration.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal

from tf_twostream.processes import files, typed
from tf_twostream.runs import folder
from tf_twostream.runs.folder import Run

Part = Literal["training", "validation"]


@dataclasses.dataclass(frozen=True, order=True)
class Point:
    """What was measured at one iteration; the greater of two points is the better one.

    Attributes:
        accuracy: The share of right frames, or volumes, in [0, 1]; the mean over tasks.
        gain: The negative loss, summed over tasks, which decides between equal accuracies.
        iteration: Iterations done; not compared.
    """

    accuracy: float
    gain: float
    iteration: int = dataclasses.field(compare=False)


def read(run: Run, until: int | None = None, *, part: Part = "validation") -> list[Point]:
    """Reads the points of a run.

    Args:
        run: The run.
        until: The last iteration to look at; None for all.
        part: Whose points.

    Returns:
        The points in the order of the iterations; none where nothing was measured.
    """
    path = run.path / f"{part}.json"
    if not path.exists():
        return []
    with folder.described(path):
        points = [
            Point(kept["accuracy"], -kept["loss"], kept["iteration"])
            for kept in files.read_json(path)["points"]
        ]
        for point in points:
            typed.check(point)
    return [point for point in points if until is None or point.iteration <= until]


def write(run: Run, points: Iterable[Point], *, part: Part = "validation") -> None:
    """Writes the points of a run."""
    kept = [
        {"iteration": point.iteration, "accuracy": point.accuracy, "loss": -point.gain}
        for point in points
    ]
    files.write_json(run.path / f"{part}.json", {"points": kept}, indent=1)


def waited(points: Sequence[Point]) -> int:
    """Counts the points since the best one, the first of several equal ones."""
    return len(points) - 1 - points.index(max(points)) if points else 0
