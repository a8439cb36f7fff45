"""What a training says of itself: in words, in curves, and when it has gone astray."""

import time
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tf_twostream import datasets, models, paper, runs, store
from tf_twostream.models import conv_fusion
from tf_twostream.paper import recipes
from tf_twostream.processes import printing, progress
from tf_twostream.runs import history
from tf_twostream.training import devices


class NotFiniteError(ValueError):
    """A loss or a weight is no longer a number."""

    def __init__(self, what: str, recipe: recipes.Recipe, iteration: int):
        """Adds the numbers that most likely caused it.

        Args:
            what: The rule that is broken, and by what.
            recipe: The recipe of the network.
            iteration: The iteration after which it was seen, counted from 1.
        """
        rate = recipe.learning_rate_at(iteration - 1)
        super().__init__(
            f"{what}. The learning rate was {rate:g}, the dropout {recipe.dropout:g}; a "
            "checkpoint, if there is one, is from before."
        )


class Meter:
    """Collects losses and hits without waiting for the device at every iteration.

    Attributes:
        waited: Seconds that passed until batches were there.
    """

    def __init__(self) -> None:
        """Starts the clock."""
        self.waited = 0.0
        self._losses: list[tf.Tensor] = []
        self._hits: list[tf.Tensor] = []
        self._since = time.perf_counter()

    def add(self, losses: tf.Tensor, hits: tf.Tensor) -> None:
        """Takes what a step returns: `[number of tasks, or of towers]` losses, and hits."""
        self._losses.append(losses)
        self._hits.append(hits)

    def read(self, iteration: int, run: runs.Run) -> dict[str, float]:
        """Computes the means since the meter was made.

        Args:
            iteration: Iterations done.
            run: The run in training.

        Returns:
            By the names of TensorBoard's curves: the loss, summed over tasks, the accuracy, the
            learning rate of the last iteration, samples per second, and the share of the time that
            passed in waiting for batches; with several tasks loss and accuracy of each as well, and
            with two towers the loss of each.

        Raises:
            NotFiniteError: If a loss is NaN or infinite.
        """
        # Here the host waits for the device, once for many iterations and not at each.
        losses, hits = (np.array([t.numpy() for t in kept]) for kept in (self._losses, self._hits))
        total = losses.sum(axis=1)
        if not np.isfinite(total).all():
            # The first bad one is named, because NaN weights make all later losses NaN.
            wrong = int(np.argmax(~np.isfinite(total)))
            first = iteration - len(total) + wrong + 1
            rule = f"The loss became {total[wrong]} at iteration {first}"
            raise NotFiniteError(rule, run.recipe, first)
        seconds = time.perf_counter() - self._since
        samples = sum(task.batch_size for task in run.tasks) * len(total)
        point = {
            "loss": float(total.mean()),
            "accuracy": int(hits.sum()) / samples,
            # Of the iteration just done, which is the one before `iteration` when counted from 0.
            "learning_rate": run.recipe.learning_rate_at(iteration - 1),
            "samples_per_second": samples / seconds,
            "share_waiting_for_input": self.waited / seconds,
        }
        if losses.shape[1] > len(run.tasks):  # Of a task, the losses of both towers.
            towers = zip(conv_fusion.TOWERS, losses.mean(axis=0))
            point |= {f"loss/{name}": float(loss) for name, loss in towers}
        for number, task in enumerate(run.tasks):
            if task.name:
                point[f"loss/{task.name}"] = float(losses[:, number].mean())
                point[f"accuracy/{task.name}"] = float(hits[:, number].mean()) / task.batch_size
        return point


class Journal:
    """The progress bar of a training, and its curves in TensorBoard and in training.json.

    As a context manager it opens them and closes them; other hosts than the first write no curves.
    """

    def __init__(self, run: runs.Run, first_iteration: int, strategy: tf.distribute.Strategy):
        """Remembers where the training stands."""
        self._run, self._first = run, first_iteration
        self._writes = devices.is_first_host(strategy)
        self._writer = self._open()
        self._validation: Any = None  # No folder as long as there is nothing to show.
        self._points = history.read(run, first_iteration, part="training")
        self._validated = history.read(run, first_iteration)
        self._meter = Meter()

    def _open(self, folder: str = "") -> Any:
        # On other hosts a writer that writes nothing, so that nobody has to ask which host it is.
        if not self._writes:
            return tf.summary.create_noop_writer()
        return tf.summary.create_file_writer(str(self._run.path / "tensorboard" / folder))

    def __enter__(self) -> "Journal":
        self._context = self._writer.as_default()
        self._context.__enter__()
        # The time left is that of the mean iteration so far, checkpoints and validations included.
        total, form = self._run.recipe.iterations, progress.SHORT_FORM
        self._bar = progress.bar(
            total, "it", "training", initial=self._first, smoothing=0, bar_format=form
        )
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.close()
        self._context.__exit__(*error)
        if self._validation is not None:
            self._validation.close()

    def next(self, stream: Iterator[Any]) -> Any:
        """Takes the next batch of a stream, and notes how long it takes."""
        start = time.perf_counter()
        batch = next(stream)
        self._meter.waited += time.perf_counter() - start
        return batch

    def add(self, losses: tf.Tensor, hits: tf.Tensor) -> None:
        """Takes what a step returns."""
        self._meter.add(losses, hits)
        if self._bar.n == self._first:
            # Most of the first iteration is compiling, which the time left must not be made of.
            self._bar.unpause()
            self._bar.initial += 1
        self._bar.update()

    def write(self, iteration: int) -> None:
        """Adds a point to each curve.

        Raises:
            NotFiniteError: If a loss is NaN or infinite.
        """
        point = self._meter.read(iteration, self._run)
        for name, value in point.items():
            tf.summary.scalar(name, value, step=iteration)
        self._points.append(history.Point(point["accuracy"], -point["loss"], iteration))
        self._show()
        self.restart()

    def keep(self) -> None:
        """Writes the points so far into the run folder.

        That is done before a checkpoint: who continues from it finds all points before it.
        """
        if self._writes:
            history.write(self._run, self._points, part="training")

    def write_validation(self, iteration: int, curves: dict[str, float]) -> None:
        """Adds a point to each curve of the validation part.

        They have the names of the training's curves in a folder of their own: TensorBoard shows
        one beside the other.
        """
        if self._validation is None:
            self._validation = self._open("validation")
        with self._validation.as_default():
            for name, value in curves.items():
                tf.summary.scalar(name, value, step=iteration)
        self._validated.append(history.Point(curves["accuracy"], -curves["loss"], iteration))
        self._show()

    def _show(self) -> None:
        """Says the newest points beside the progress bar."""
        words = []
        if self._points:
            last = self._points[-1]
            words.append(f"loss {-last.gain:.2f}, accuracy {last.accuracy:.2f}")
        if self._validated:
            words.append(f"validation {self._validated[-1].accuracy:.2f}")
        self._bar.set_postfix_str(", ".join(words), refresh=False)

    def restart(self) -> None:
        """Forgets the time until now, for example that of a checkpoint."""
        self._meter = Meter()


def describe(run: runs.Run, *, num_weights: int, replicas: int, chunk_size: int) -> str:
    """Says in the paper's words what a training does.

    Args:
        run: The run.
        num_weights: Trainable weights of its network.
        replicas: Devices, over all hosts.
        chunk_size: Samples that a device holds at once; 0 for all of a batch.

    Returns:
        The start lines of a training.
    """
    recipe = run.recipe
    drops = " ".join(f"{recipe.learning_rate_at(at):g} from {at:,};" for at in recipe.drops)
    in_tf32 = recipe.precision == "float32" and devices.uses_tf32()
    tf32 = " (products in TF32: NVIDIA_TF32_OVERRIDE=0 switches it off)" if in_tf32 else ""
    mirrored = "half of the samples mirrored" if recipe.mirroring else "no sample mirrored"
    lines = [
        *(_describe_task(task, recipe) for task in run.tasks),
        *_describe_added(run),
        f"network:    {_describe_network(recipe)}, {num_weights:,} trainable weights, "
        f"dropout {recipe.dropout:g}, {recipe.precision}{tf32}",
        *_describe_fusion(recipe),
        f"input:      {_describe_input(recipe, run.task.settings)}",
        *_describe_cache(recipe),
        f"batch:      {recipe.batch_size} on {replicas} {devices.device_name()}"
        f"{'s' * (replicas > 1)}, "
        f"{f'in chunks of {chunk_size}, ' if chunk_size else ''}{mirrored}",
        f"schedule:   {printing.count(recipe.iterations, 'iteration')}, "
        f"momentum {recipe.momentum:g}, weight decay {recipe.weight_decay:g}, "
        f"learning rate {recipe.initial_rate:g}; {drops}".rstrip("; "),
        f"curves:     tensorboard --logdir {run.path}",
    ]
    return "\n".join(lines)


def _describe_network(recipe: recipes.Recipe) -> str:
    if isinstance(recipe, recipes.ConvFusionRecipe):
        towers = [f"{_describe_network(tower)}" for tower in recipe.towers]
        return f"two towers ({'; '.join(towers)})"
    tower = cast(recipes.TowerRecipe, recipe)
    name = models.architecture_of(tower).name
    return f"{name}, {recipe.stream} stream, width {tower.width:g}"


def _describe_fusion(recipe: recipes.Recipe) -> list[str]:
    if not isinstance(recipe, recipes.ConvFusionRecipe):
        return []
    where = ", ".join(f"{own} and {other}" for own, other in conv_fusion.points(recipe))
    start = f" from {recipe.fusion_init}" if recipe.fusion == "conv" else ""
    kept = "the temporal tower kept, with a loss of its own" if recipe.keep_temporal_tower else ""
    words = [f"{recipe.fusion}{start} at {where}", recipe.temporal_fusion.replace("_", " "), kept]
    trained = recipe.train_from_layer or "what follows"
    return [
        f"fusion:     {'; '.join(filter(None, words)).replace('none', 'no temporal fusion')}; "
        f"trained: {trained}"
    ]


def _describe_cache(recipe: recipes.Recipe) -> list[str]:
    if not recipe.cache_features:
        return []
    words = f"computed first, of {recipes.CACHED_DRAWS} samples of each training video"
    return [f"features:   {words}; no dropout but before the last layer"]


def _describe_task(task: runs.Task, recipe: recipes.Recipe) -> str:
    words = _describe_split(task.split, recipe)
    if not task.name:
        return f"data:       {words}"
    return (
        f"task:       {task.name}: {words}; {printing.count(task.batch_size, 'sample')} "
        f"per iteration, sum of their losses divided by {task.divisor}"
    )


_DRAWN: dict[recipes.Balance, str] = {
    "sampling": "drawn uniformly across the classes",
    "weights": "drawn uniformly, their losses weighted against the number of videos of their class",
    "none": "drawn uniformly, whatever their class",
}


def _describe_split(split: datasets.Split, recipe: recipes.Recipe) -> str:
    if not split.train:  # Images, of which a split lists none.
        return f"{split.name}, {printing.count(len(split.class_names), 'class')}"
    several = (
        "; a video may show several: binary cross-entropies summed over the classes, accuracy: the "
        "likeliest class is one of the video's"
    )
    groups = {video.group for video in split.validation} - {""}
    known = f" of {len(groups)} recordings or groups" if groups else ""
    held_out = f", {len(split.validation)} validation videos{known} not trained on"
    return (
        f"{split.name}: {len(split.train)} training videos of {len(split.class_names)} "
        f"classes, {_DRAWN[recipe.class_balance]}{several if split.multi_label else ''}"
        f"{held_out if split.validation else ''}"
    )


def _describe_added(run: runs.Run) -> list[str]:
    added = sum(store.is_added(video.id) for video in run.split.train)
    if not added:
        return []
    return [
        f"added:      {added} of these videos are of the other data set; in testing the largest "
        f"score of all {len(run.split.class_names)} classes decides (ours)"
    ]


def _describe_input(recipe: recipes.Recipe, settings: store.Settings) -> str:
    side = f"{recipe.crop_size}x{recipe.crop_size}"
    if isinstance(recipe, recipes.ConvFusionRecipe):
        least, most = recipe.strides
        apart = f"{recipe.snippets} snippets, {least} to {most} frames apart"
        apart = apart if recipe.snippets > 1 else "one snippet"
        return (
            f"clips of {apart}, each the RGB "
            f"frame in the middle of {_describe_input(recipe.towers[1], settings)}; sides of crops "
            f"within a quarter of {recipe.crop_size}, resized, one view for a clip"
        )
    if recipe.sees_flow:
        return f"{side}x{2 * recipe.window_length} volumes {_describe_volume(recipe, settings)}"
    what, extent = "RGB", cast(recipes.TowerRecipe, recipe).temporal_extent
    if extent:
        what = (
            f"stacks of {recipe.window_length} RGB frames, {paper.SLOW_FUSION_RESPONSES} windows "
            f"of {extent} to conv1, joined by twos before conv2 and conv3,"
        )
    return (
        f"{side} {what} from the whole frame (shorter side {settings.shorter_side}), "
        "colours jittered"
    )


def _describe_volume(recipe: Any, settings: store.Settings) -> str:
    length, half = recipe.stack_length, recipe.stack_length // 2
    stacking = {"flow": "optical flow stacking (1)", "trajectory": "trajectory stacking (2)"}
    halves = f"bi-directional ({half} forward, {half} backward fields), "
    return (
        f"of {settings.method} flow, {stacking[recipe.stacking]}, L = {length}, "
        f"{halves if recipe.bidirectional else ''}channels u1 v1"
        f"{f' ... u{length} v{length}' if length > 1 else ''} in pixels per frame, each field "
        "restored from its own range, mean vector "
        f"{'subtracted' if recipe.mean_subtraction else 'left in'}"
    )
