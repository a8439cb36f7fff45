"""What a training says of itself: in words, in curves, and when it has gone astray."""

import dataclasses
import time

import numpy as np
import tensorflow as tf

from tf_twostream import devices, paper, runs


class NotFiniteError(ValueError):
    """The loss is no longer a number."""


def not_finite_advice(recipe: paper.Recipe, iteration: int) -> str:
    """What to do about it."""
    return (
        f"The learning rate was {recipe.learning_rate_at(iteration):g}; the last checkpoint is "
        "from before. Begin a new run with a smaller --learning_rate, or check the flow with "
        "data_tools/verify_store.py."
    )


@dataclasses.dataclass
class Meter:
    """Collects what TensorBoard shows, without waiting for the device at every iteration."""

    losses: list[tf.Tensor] = dataclasses.field(default_factory=list)
    hits: list[tf.Tensor] = dataclasses.field(default_factory=list)
    waited: float = 0.0
    since: float = dataclasses.field(default_factory=time.perf_counter)

    def read(self, iteration: int, recipe: paper.Recipe) -> dict[str, float]:
        """Means since the last reading.

        Raises:
            NotFiniteError: If a loss is NaN or infinite.
        """
        losses = np.array([float(loss) for loss in self.losses])
        if not np.isfinite(losses).all():
            first = iteration - len(losses) + int(np.argmax(~np.isfinite(losses)))
            raise NotFiniteError(
                f"The loss became {losses[~np.isfinite(losses)][0]} at iteration {first}. "
                + not_finite_advice(recipe, first)
            )
        seconds = time.perf_counter() - self.since
        samples = recipe.batch_size * len(losses)
        return {
            "loss": float(losses.mean()),
            "accuracy": sum(int(hit) for hit in self.hits) / samples,
            "learning_rate": recipe.learning_rate_at(iteration - 1),
            "samples_per_second": samples / seconds,
            "share_waiting_for_input": self.waited / seconds,
        }


def describe(run: runs.Run, *, num_weights: int, replicas: int, chunk_size: int) -> str:
    """Says in the paper's words what a training does."""
    recipe, split = run.recipe, run.split
    settings = run.store_settings
    drops = " ".join(f"{recipe.learning_rate_at(at):g} from {at:,};" for at in recipe.drops)
    lines = [
        f"data:       {split.name}: {len(split.train)} training videos of "
        f"{len(split.class_names)} classes, drawn uniformly across the classes",
        f"network:    CNN-M-2048, {recipe.stream} stream, width {recipe.width:g}, "
        f"{num_weights:,} trainable weights, dropout {recipe.dropout:g}, {recipe.precision}",
    ]
    if isinstance(recipe, paper.TemporalRecipe):
        lines.append(
            f"input:      {recipe.crop_size}x{recipe.crop_size}x{2 * recipe.stack_length} volumes "
            f"of {settings['method']} flow, channels u1 v1 ... u{recipe.stack_length} "
            f"v{recipe.stack_length} in pixels per frame, each field restored from its own range, "
            f"mean vector {'subtracted' if recipe.mean_subtraction else 'left in'}"
        )
    else:
        lines.append(
            f"input:      {recipe.crop_size}x{recipe.crop_size} RGB from the whole frame "
            f"(shorter side {settings['shorter_side']}), mirrored at random, colours jittered"
        )
    lines += [
        f"batch:      {recipe.batch_size} on {replicas} {devices.kind()}{'s' * (replicas > 1)}"
        + (f", in chunks of {chunk_size}" if chunk_size else ""),
        f"schedule:   {recipe.iterations:,} iterations, momentum {recipe.momentum:g}, weight decay "
        f"{recipe.weight_decay:g}, learning rate {recipe.learning_rate:g}; {drops}".rstrip("; "),
        f"curves:     tensorboard --logdir {run.path}",
    ]
    return "\n".join(lines)
