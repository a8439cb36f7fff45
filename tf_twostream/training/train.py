"""The training of a network, told from the data to the last checkpoint (paper, Sect. 4 and 5)."""

import contextlib
import dataclasses
import pathlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, cast

import keras
import numpy as np
import tensorflow as tf

from tf_twostream import inputs, models, runs
from tf_twostream.figures import tensorboard
from tf_twostream.foreign_weights import pretrained
from tf_twostream.models import conv_fusion
from tf_twostream.paper import recipes
from tf_twostream.processes import printing, signals
from tf_twostream.training import balance, devices, features, monitoring, steps, towers
from tf_twostream.training.checkpoints import Checkpoints
from tf_twostream.training.execution import Execution
from tf_twostream.training.validation import Validation
from tf_twostream.training.videos import Learnt


class Data(Protocol):
    """What a network can learn from: `videos.Videos`, or `imagenet.data.Images`."""

    def read(self, recipe: Any) -> Learnt:
        """Opens lists and stores, or folders of images, for the network of a recipe."""


def train(data: Data, recipe: recipes.Recipe, execution: Execution) -> runs.Run:
    """Trains a network, or continues a training that was interrupted.

    Args:
        data: What to learn from.
        recipe: The network and its schedule.
        execution: The run folder, and how to go about it.

    Returns:
        The run, trained to its last iteration.

    Raises:
        ValueError: If the recipe, the data or the run folder contradict each other.
        OSError: If lists, videos or weights are missing, or another process trains in the folder.
        NotFiniteError: If the loss is no longer a number.
        KeyboardInterrupt: After a checkpoint has been written, if the user asked to stop.
    """
    # Hosts first: TensorFlow lets them find each other only before its first op.
    strategy = devices.make_strategy(
        gpu_memory=execution.gpu_memory, host_timeout=execution.host_timeout
    )
    if execution.deterministic:  # Before anything draws a number or builds a graph.
        keras.utils.set_random_seed(recipe.seed)
        tf.config.experimental.enable_op_determinism()
    # Split and store next: what is wrong with them shows in a second, the network takes several.
    learnt = data.read(recipe)
    run = runs.Run(pathlib.Path(execution.run_dir), recipe, learnt.tasks)
    towers.check(run, "this store")
    class_weights = [balance.class_weights(task.split, recipe) for task in run.tasks]
    # Two processes in one folder would overwrite each other's checkpoints.
    with devices.sole_writer(strategy, run.path), devices.wording_lost_hosts():
        # Before the network is built, which takes seconds: a run begun otherwise is refused.
        if devices.is_first_host(strategy):
            runs.create(run)
        with strategy.scope():
            model = runs.build_model(run)
            heads = [
                steps.Head(models.of_task(model, task.name), task.divisor, weights)
                for task, weights in zip(run.tasks, class_weights)
            ]
        # Layers are frozen before the optimizer counts the weights that it has to train.
        _start_from_another_run(model, run)
        with strategy.scope():
            optimizer = steps.make_optimizer(recipe, model.trainable_variables)
        # After all other weights, because a checkpoint of this run replaces them.
        checkpoints = Checkpoints(run, model, optimizer, strategy)
        done = checkpoints.restore()  # Iterations.
        if recipe.cache_features:
            tower = cast(recipes.TowerRecipe, recipe)
            learning = [features.head(head, tower) for head in heads]
        replica_step = steps.make_step(
            learning if recipe.cache_features else heads,
            model.trainable_variables,
            optimizer,
            recipe,
            chunk_size=execution.chunk_size,
            jit_compile=execution.jit_compile,
        )
        step = steps.on_all_replicas(replica_step, strategy)
        validation = Validation(run, heads, learnt.validation, done)
        validation.check_patience(execution.patience, devices.num_hosts(strategy))
        training = _Training(run, execution, learnt, strategy, model, checkpoints, validation)
        print(training.describe(done))
        if training.is_over(done):  # The same command again is no mistake.
            return run
        if not training.is_over(training.iterate(step, done)):
            print("A checkpoint is written. The same command continues the training.")
            raise KeyboardInterrupt
    done = int(checkpoints.iteration)
    early = "" if done >= recipe.iterations else " (ended early: --patience)"
    print(
        f"trained:    {run.path}, {printing.count(done, 'iteration')}{early}{validation.describe()}"
    )
    return run


def _start_from_another_run(model: keras.Model, run: runs.Run) -> None:
    """Copies the weights that the recipe names, and freezes layers if it says so.

    A run that continues has a checkpoint, whose weights will replace these; its layers are frozen
    all the same.
    """
    recipe, is_new = run.recipe, runs.newest(run) is None
    fresh: list[str] = []
    # Where this run has a checkpoint, the other one may be gone by now.
    if isinstance(recipe, recipes.ConvFusionRecipe):
        if is_new:
            runs.start_towers(model, run)
            print(f"weights:    from {recipe.spatial_run} and {recipe.temporal_run}")
        conv_fusion.freeze(model, recipe)
        return
    recipe = cast(recipes.TowerRecipe, recipe)
    if recipe.init_from and is_new:
        if recipe.init_from == recipes.IMAGENET:
            fresh = pretrained.initialise(model, recipe)
        else:
            fresh = runs.initialise(model, runs.load(recipe.init_from), run)
        print(f"weights:    from {recipe.init_from}; afresh: {', '.join(fresh) or 'none'}")
    if not recipe.train_last_layer_only:
        return
    # A layer that starts afresh and is then frozen would stay what chance made it.
    last = {models.head_name(task.name) for task in run.tasks}
    if others := [name for name in fresh if name not in last]:
        rule = "All layers but the last are kept, so they must have the shapes of the other run's"
        raise recipes.StartError(f"{rule}. Received: another shape of {', '.join(others)}.")
    for layer in model.layers:
        layer.trainable = layer.name in last


@dataclasses.dataclass(frozen=True)
class _Training:
    """What takes part in the iterations of a training."""

    run: runs.Run
    execution: Execution
    learnt: Learnt
    strategy: tf.distribute.Strategy
    model: keras.Model
    checkpoints: Checkpoints
    validation: Validation

    def is_over(self, done: int) -> bool:
        """Says whether nothing is left to do after an iteration."""
        if self._is_missed(done):
            return False
        ended = self.validation.is_over(self.execution.patience)
        return ended or done >= self.run.recipe.iterations

    def _is_missed(self, done: int) -> bool:
        """Says whether a training was killed between a checkpoint and its validation."""
        return self._saves(done) and self.validation.lacks(done)

    def _saves(self, iteration: int) -> bool:
        length = self.run.recipe.iterations
        return not iteration % self.execution.checkpoint_interval(length) or iteration == length

    def _streams(self) -> Sequence[Callable[..., tf.data.Dataset]]:
        """Returns the streams of batches of all tasks: of samples, or of their features."""
        if not self.run.recipe.cache_features:
            return self.learnt.streams
        recipe = cast(recipes.TowerRecipe, self.run.recipe)
        windows = cast(Sequence[inputs.Windows], self.learnt.windows)
        return features.streams(self.model, recipe, windows)

    def iterate(self, step: steps.Step, done: int) -> int:
        """Goes on after an iteration until the last one, an early end, or a signal.

        Args:
            step: One iteration.
            done: Iterations done.

        Returns:
            The iteration of the last checkpoint.
        """
        run, strategy = self.run, self.strategy
        with monitoring.Journal(run, done, strategy) as journal, _stop_signals(strategy) as stop:
            if self._is_missed(done):
                self._validate(done, journal)
                if self.is_over(done):
                    return done
            # It yields the samples that each iteration would have had without interruption.
            stream = self.learnt.explain(devices.distribute(strategy, self._streams(), done))
            journal.restart()
            for iteration in range(done + 1, run.recipe.iterations + 1):
                batches = journal.next(stream)
                if iteration == done + 1:  # Before the first step changes the filters.
                    self._draw_start(batches[0], done)
                    journal.restart()  # As after saving.
                journal.add(*step(batches))
                save = self._saves(iteration) or bool(stop)
                if save or iteration % self.execution.log_every == 0:
                    journal.write(iteration)  # Before saving, because it refuses a loss of NaN.
                if save:
                    journal.keep()
                    self.checkpoints.save(iteration)
                    tensorboard.write_filters(self.model, run.recipe, iteration)
                    if self.validation.lacks(iteration) and not stop:
                        self._validate(iteration, journal)
                    journal.restart()  # Saving must not count as time of the next iterations.
                if stop or self.validation.is_over(self.execution.patience):
                    break
        return int(self.checkpoints.iteration)

    def _validate(self, iteration: int, journal: monitoring.Journal) -> None:
        """Measures the network after a checkpoint, and keeps the checkpoint if it is the best."""
        journal.write_validation(iteration, self.validation.measure(iteration))
        # The copy first: a point that is written was measured on weights that are there.
        if self.validation.is_best():
            self.checkpoints.keep_as_best()
        if devices.is_first_host(self.strategy):
            self.validation.write()

    def _draw_start(self, batch: Any, done: int) -> None:
        """Shows where a training starts: filters, inputs and, once, flow of a video."""
        run, strategy = self.run, self.strategy
        tensorboard.write_filters(self.model, run.recipe, done)
        if "features" not in batch:
            tensorboard.write_inputs(devices.first_replica(batch, strategy), run.recipe, done)
        if self.learnt.reader and not done and devices.is_first_host(strategy):
            tensorboard.write_clip(run, self.learnt.reader)

    def describe(self, done: int) -> str:
        """Words the start lines."""
        lines = monitoring.describe(
            self.run,
            num_weights=sum(int(np.prod(v.shape)) for v in self.model.trainable_variables),
            replicas=self.strategy.num_replicas_in_sync,
            chunk_size=self.execution.chunk_size,
        )
        if self.is_over(done):
            how = "to its last iteration"
            if done < self.run.recipe.iterations:
                how = "until it was no better on the validation part"
            return f"{lines}\n{self.run.path} is trained {how}, {done:,}; nothing to do."
        return f"{lines}\ncontinues:  after iteration {done:,}" if done else lines


@contextlib.contextmanager
def _stop_signals(strategy: tf.distribute.Strategy) -> Iterator[list[int]]:
    """Collects signals to end instead of dying of them, until the loop can write a checkpoint.

    They are Ctrl-C, SIGTERM, and SIGHUP of a terminal that is closed.

    A second Ctrl-C interrupts at once. Several hosts cannot agree on an iteration to stop at, so
    there a signal ends the process, and the run continues from its last checkpoint.
    """
    received: list[int] = []
    if devices.num_hosts(strategy) > 1:
        # At once, for a handler of Python's would wait until an operation over all hosts ends.
        with signals.handled(signal.SIG_DFL, signals.TERM_AND_HUP):
            yield received
        return

    def collect(number: int, frame: Any) -> None:
        if received:  # Who asks twice does not want to wait for the checkpoint.
            raise KeyboardInterrupt
        received.append(number)
        print("stopping after this iteration ...", file=sys.stderr)

    with signals.handled(collect):
        yield received
