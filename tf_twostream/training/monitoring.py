"""What a training says of itself: in words, in curves, and when it has gone astray."""

import dataclasses
import time

import numpy as np
import tensorflow as tf

from tf_twostream import datasets, paper, runs
from tf_twostream.training import devices


class NotFiniteError(ValueError):
    """The loss is no longer a number."""


def not_finite_advice(recipe: paper.Recipe, iteration: int) -> str:
    """What to do about it."""
    return (
        f"The learning rate was {recipe.learning_rate_at(iteration):g}, the dropout "
        f"{recipe.dropout:g}; a checkpoint, if there is one, is from before. Begin a new run with "
        "a smaller --learning_rate or, where --width is small, --dropout_rate=0.5, or check the "
        "flow with data_tools/verify_store.py."
    )


@dataclasses.dataclass
class Meter:
    """Collects what TensorBoard shows, without waiting for the device at every iteration."""

    losses: list[tf.Tensor] = dataclasses.field(default_factory=list)
    hits: list[tf.Tensor] = dataclasses.field(default_factory=list)
    waited: float = 0.0
    since: float = dataclasses.field(default_factory=time.perf_counter)

    def read(self, iteration: int, run: runs.Run) -> dict[str, float]:
        """Means since the last reading; with several tasks their sum, and each by name.

        Raises:
            NotFiniteError: If a loss is NaN or infinite.
        """
        recipe = run.recipe
        sizes = {f"/{task.name}": task.batch_size for task in run.tasks} or {"": recipe.batch_size}
        losses, hits = (
            np.array([np.ravel(values) for values in tensors])
            for tensors in (self.losses, self.hits)
        )
        total = losses.sum(axis=1)
        if not np.isfinite(total).all():
            first = iteration - len(total) + int(np.argmax(~np.isfinite(total)))
            raise NotFiniteError(
                f"The loss became {total[~np.isfinite(total)][0]} at iteration {first}. "
                + not_finite_advice(recipe, first)
            )
        seconds = time.perf_counter() - self.since
        samples = sum(sizes.values()) * len(total)
        point = {
            "loss": float(total.mean()),
            "accuracy": int(hits.sum()) / samples,
            "learning_rate": recipe.learning_rate_at(iteration - 1),
            "samples_per_second": samples / seconds,
            "share_waiting_for_input": self.waited / seconds,
        }
        for number, (name, size) in enumerate(sizes.items()):
            point[f"loss{name}"] = float(losses[:, number].mean())
            point[f"accuracy{name}"] = float(hits[:, number].mean()) / size
        return point


def describe(run: runs.Run, *, num_weights: int, replicas: int, chunk_size: int) -> str:
    """Says in the paper's words what a training does."""
    recipe = run.recipe
    settings = run.store_settings
    drops = " ".join(f"{recipe.learning_rate_at(at):g} from {at:,};" for at in recipe.drops)
    lines = [
        *_data(run),
        f"network:    CNN-M-2048, {recipe.stream} stream, width {recipe.width:g}, "
        f"{num_weights:,} trainable weights, dropout {recipe.dropout:g}, {recipe.precision}",
    ]
    if isinstance(recipe, paper.TemporalRecipe):
        length = recipe.stack_length
        stacking = {"flow": "optical flow stacking (1)", "trajectory": "trajectory stacking (2)"}
        halves = f"bi-directional ({length // 2} forward, {length // 2} backward fields), "
        lines.append(
            f"input:      {recipe.crop_size}x{recipe.crop_size}x{2 * length} volumes "
            f"of {settings['method']} flow, {stacking[recipe.stacking]}, L = {length}, "
            f"{halves if recipe.bidirectional else ''}channels u1 v1"
            f"{f' ... u{length} v{length}' if length > 1 else ''} in "
            "pixels per frame, each field restored from its own range, mean vector "
            f"{'subtracted' if recipe.mean_subtraction else 'left in'}"
        )
    else:
        what = "RGB"
        if isinstance(recipe, paper.SlowFusionRecipe):
            what = (
                f"stacks of {recipe.num_frames} RGB frames, {paper.SLOW_FUSION_RESPONSES} windows "
                f"of {recipe.temporal_extent} to conv1, joined by twos before conv2 and conv3,"
            )
        lines.append(
            f"input:      {recipe.crop_size}x{recipe.crop_size} {what} from the whole frame "
            f"(shorter side {settings['shorter_side']}), colours jittered"
        )
    mirrored = "half of the samples mirrored" if recipe.mirroring else "no sample mirrored"
    lines += [
        f"batch:      {recipe.batch_size} on {replicas} {devices.kind()}{'s' * (replicas > 1)}, "
        f"{f'in chunks of {chunk_size}, ' if chunk_size else ''}{mirrored}",
        f"schedule:   {recipe.iterations:,} iterations, momentum {recipe.momentum:g}, weight decay "
        f"{recipe.weight_decay:g}, learning rate {recipe.learning_rate:g}; {drops}".rstrip("; "),
        f"curves:     tensorboard --logdir {run.path}",
    ]
    return "\n".join(lines)


def _data(run: runs.Run) -> list[str]:
    def words(split: datasets.Split) -> str:
        if not split.train:  # Images, of which a split lists none.
            return f"{split.name}, {len(split.class_names)} classes"
        return (
            f"{split.name}: {len(split.train)} training videos of {len(split.class_names)} "
            "classes, drawn uniformly across the classes"
            + (
                "; a video may show several: binary cross-entropies summed over the classes, "
                "accuracy: the likeliest class is one of the video's"
            )
            * split.multi_label
        )

    if not run.tasks:
        lines = [f"data:       {words(run.split)}"]
        if added := sum(video.store > 0 for video in run.split.train):
            lines.append(
                f"added:      {added} of these videos are of the other data set; in testing the "
                f"largest score of all {len(run.split.class_names)} classes decides (ours)"
            )
        return lines
    return [
        f"task:       {task.name}: {words(task.split)}; {task.batch_size} samples per iteration, "
        f"sum of their losses divided by {task.divisor}"
        for task in run.tasks
    ]
