"""Measures a network in training on the validation part, which chooses its best checkpoint."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tf_twostream import inputs, runs
from tf_twostream.paper import recipes
from tf_twostream.processes import progress
from tf_twostream.runs import history
from tf_twostream.training import steps

# Ours: a curve need not be as exact as a test, and costs time again and again.
FRAMES = 5  # Frames, or volumes, of each video, at equal spacing; the centre view of each.
SHOWN_AFTER = 10  # Seconds until a bar comes between those of the training.


class Validation:
    """Measures the network of a run, and remembers the points.

    Attributes:
        points: Of the iterations so far.
    """

    def __init__(
        self,
        run: runs.Run,
        heads: Sequence[steps.Head],
        windows: Sequence[inputs.Windows | inputs.Clips | None],
        done: int = 0,
    ):
        """Reads the points until an iteration, those after which are forgotten.

        Args:
            run: The run in training.
            heads: The network of each task.
            windows: Of each task, the windows of its validation videos; None if it has none.
            done: Iterations done: the training goes on from there.
        """
        self.points = history.read(run, done)
        self._run = run
        self._measured = [
            (task.name, _measure(head.model, run.recipe), own)
            for task, head, own in zip(run.tasks, heads, windows, strict=True)
            if own is not None
        ]

    def __bool__(self) -> bool:
        """Says whether there is anything to measure on."""
        return bool(self._measured)

    def lacks(self, iteration: int) -> bool:
        """Says whether an iteration should have a point and has none."""
        measured = [point.iteration for point in self.points]
        return bool(self) and iteration > 0 and iteration not in measured

    def is_over(self, patience: int) -> bool:
        """Says whether so many points in a row were no better than the best before them."""
        return bool(patience) and history.waited(self.points) >= patience

    def measure(self, iteration: int) -> dict[str, float]:
        """Measures the network as it is.

        Args:
            iteration: Iterations done.

        Returns:
            By the names of the training's curves: the loss, summed over tasks, and the accuracy;
            with several tasks those of each as well. Both are means over single frames,
            volumes or clips, as in training.
        """
        curves: dict[str, float] = {}
        losses, accuracies = [], []
        unit = "clip" if self._run.recipe.sees_clips else "frame"
        for name, measure, windows in self._measured:
            batch_size = self._run.recipe.windows_at_once
            stream = inputs.evaluation(
                windows, batch_size=batch_size, num_windows=FRAMES, kind="center"
            )
            total, hits, count = 0.0, 0, len(windows.videos) * FRAMES
            with progress.bar(count, unit, "validation", leave=False, delay=SHOWN_AFTER) as bar:
                for batch in stream:
                    loss, right = measure(batch)
                    total, hits = total + float(loss), hits + int(right)
                    bar.update(len(batch["label"]))
            losses.append(total / count)
            accuracies.append(hits / count)
            if name:
                curves |= {f"loss/{name}": losses[-1], f"accuracy/{name}": accuracies[-1]}
        curves["loss"] = sum(losses)
        curves["accuracy"] = sum(accuracies) / len(accuracies)
        point = history.Point(curves["accuracy"], -curves["loss"], iteration)
        self.points.append(point)
        return curves

    def check_patience(self, patience: int, num_hosts: int) -> None:
        """Checks that an early stop can be decided.

        Args:
            patience: Points to wait for a better one; 0 for ever.
            num_hosts: Processes that train together.

        Raises:
            ValueError: If there is nothing to measure on, or hosts could decide differently.
        """
        if patience and not self:
            rule = "`patience` must have a validation part to wait for"
            raise ValueError(f"{rule}. Received: patience={patience} without one.")
        if patience and num_hosts > 1:
            rule = "`patience` must be 0 on several hosts, which could not agree when to end"
            raise ValueError(f"{rule}. Received: patience={patience}, {num_hosts} hosts.")

    def describe(self) -> str:
        """Says which iteration was the best; empty where nothing was measured."""
        if not self.points:
            return ""
        best = max(self.points)
        return f"; best on the validation part: {100 * best.accuracy:.1f} % at {best.iteration:,}"

    def is_best(self) -> bool:
        """Says whether the last point is better than all before it."""
        return history.waited(self.points) == 0

    def write(self) -> None:
        """Writes the points into the run folder."""
        history.write(self._run, self.points)


def _measure(
    model: keras.Model, recipe: recipes.Recipe
) -> Callable[[inputs.Element], tuple[tf.Tensor, tf.Tensor]]:
    """Builds the function from a batch to the sum of its losses and the number of hits."""

    @tf.function(reduce_retracing=True, autograph=False)
    def measure(batch: inputs.Element) -> tuple[tf.Tensor, tf.Tensor]:
        logits = steps.outputs(model(inputs.prepare(batch, recipe), training=False))
        hits = steps.hits(tf.add_n(logits), batch["label"])
        losses = tf.add_n([steps.losses(tower, batch["label"]) for tower in logits])
        return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(hits, tf.int32))

    return measure
