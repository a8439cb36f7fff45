"""The training loop of both streams, on one device or several (paper, Sect. 5, "Training")."""

import atexit
import contextlib
import dataclasses
import pathlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tqdm

from tf_twostream import (
    cli,
    datasets,
    devices,
    inputs,
    monitoring,
    paper,
    pictures,
    runs,
    steps,
    store,
)
from tf_twostream.models import cnn_m


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loop:
    """How a training is carried out; none of it changes what is computed."""

    run_dir: str = cli.knob(cli.REQUIRED, "Folder of this run; an interrupted run continues in it.")
    store: str = cli.knob(cli.REQUIRED, "Store written by data_tools/precompute_flow.py.")
    chunk_size: int = cli.knob(
        0, "Samples a device holds at once; gradients of a batch are summed over chunks. 0: all."
    )
    log_every: int = cli.knob(20, "Iterations between two points of the curves in TensorBoard.")
    checkpoint_every: int = cli.knob(
        500, "Iterations between two checkpoints. Ctrl-C and SIGTERM write one, too."
    )
    jit_compile: bool = cli.knob(False, "Compile the network with XLA.")
    deterministic: bool = cli.knob(
        False, "Ops that give the same bits in every run on the same machine; slower."
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        for name in ("log_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` counts iterations, at least 1. Received: {getattr(self, name)}."
                )


@dataclasses.dataclass
class Trainer:
    """A network in training: what a checkpoint holds, and the step that changes it."""

    run: runs.Run
    strategy: tf.distribute.Strategy
    model: keras.Model
    iteration: tf.Variable
    manager: tf.train.CheckpointManager
    step: steps.Step


def _freeze_all_but_last(model: keras.Model, fresh: list[str]) -> None:
    if fresh not in ([], [cnn_m.LAST_LAYER]):
        raise ValueError(
            "--train_last_layer_only needs all other layers from --init_from, which has another "
            f"shape of {', '.join(fresh)}. Choose the same --width, --crop_size and input."
        )
    for layer in model.layers:
        layer.trainable = layer.name == cnn_m.LAST_LAYER


def make_trainer(run: runs.Run, loop: Loop, strategy: tf.distribute.Strategy) -> Trainer:
    """Builds network, optimizer and step, and restores the newest checkpoint if there is one."""
    recipe = run.recipe
    newest = tf.train.latest_checkpoint(run.checkpoints)
    with strategy.scope():
        model = cnn_m.build(recipe, len(run.split.class_names))
    fresh: list[str] = []
    if recipe.init_from and newest is None:
        fresh = runs.initialise(model, runs.load(recipe.init_from), run.split.class_names)
        print(f"weights:    from {recipe.init_from}; afresh: {', '.join(fresh) or 'none'}")
    if recipe.train_last_layer_only:
        _freeze_all_but_last(model, fresh)
    with strategy.scope():
        optimizer = steps.make_optimizer(recipe)
        optimizer.build(model.trainable_variables)
    iteration = tf.Variable(0, dtype=tf.int64, trainable=False)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, iteration=iteration)
    # All hosts must take part in saving, but only the first one's files count.
    folder = run.checkpoints
    if not devices.is_first_host(strategy):
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
    if newest is not None:
        checkpoint.restore(newest).assert_consumed()
    replica_step = steps.make_step(
        model, optimizer, recipe, chunk_size=loop.chunk_size, jit_compile=loop.jit_compile
    )

    @tf.function(reduce_retracing=True)  # Batches are padded to sizes that vary.
    def step(batch: inputs.Element) -> tuple[tf.Tensor, tf.Tensor]:
        loss, hits = strategy.run(replica_step, (batch,))
        total = tf.distribute.ReduceOp.SUM
        return strategy.reduce(total, loss, None), strategy.reduce(total, hits, None)

    return Trainer(run, strategy, model, iteration, manager, step)


def batches(trainer: Trainer, reader: store.Reader) -> Iterator[inputs.Element]:
    """Starts the stream of training batches where the trainer stands, spread over its devices."""
    recipe, split = trainer.run.recipe, trainer.run.split
    devices.check_alike(trainer.strategy)

    def stream(context: tf.distribute.InputContext) -> tf.data.Dataset:
        return inputs.training(
            reader,
            split.train,
            recipe,
            first_iteration=int(trainer.iteration),
            shard=context.input_pipeline_id,
            num_shards=context.num_input_pipelines,
            num_replicas=context.num_replicas_in_sync,
        )

    return iter(trainer.strategy.distribute_datasets_from_function(stream))


@contextlib.contextmanager
def _stop_signals(strategy: tf.distribute.Strategy) -> Iterator[list[int]]:
    """Collects Ctrl-C and SIGTERM instead of dying of them, until the loop can write a checkpoint.

    A second Ctrl-C interrupts at once. Several hosts cannot agree on an iteration to stop at, so
    there a signal ends the process, and the run continues from its last checkpoint.
    """
    received: list[int] = []
    if devices.num_hosts(strategy) > 1:
        yield received
        return

    def collect(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    before = {number: signal.signal(number, collect) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _first_replica(batch: Any, strategy: tf.distribute.Strategy) -> inputs.Element:
    return {name: strategy.experimental_local_results(t)[0][:4] for name, t in batch.items()}


def _draw(trainer: Trainer, iteration: int, batch: Any = None) -> None:
    """Writes the first-layer filters and, given a batch, the network's inputs to TensorBoard."""
    kernel = trainer.model.get_layer("conv1").kernel.numpy()
    filters = pictures.first_layer_filters(kernel)
    tf.summary.image("first_layer_filters", filters[None], step=iteration)
    if batch is not None:
        seen = inputs.prepare(_first_replica(batch, trainer.strategy), trainer.run.recipe)
        picture = pictures.network_inputs(seen.numpy())
        tf.summary.image("network_inputs", picture[None], step=iteration)


def _save(trainer: Trainer, iteration: int) -> None:
    """Writes a checkpoint, if the weights are worth it.

    Raises:
        monitoring.NotFiniteError: If a weight is NaN or infinite though the last loss was not.
    """
    for variable in trainer.model.trainable_variables:
        if not np.isfinite(variable.numpy()).all():
            raise monitoring.NotFiniteError(
                f"{variable.path} is no longer finite after iteration {iteration}. "
                + monitoring.not_finite_advice(trainer.run.recipe, iteration)
            )
    trainer.iteration.assign(iteration)
    trainer.manager.save(checkpoint_number=iteration)
    _draw(trainer, iteration)


def _loop(trainer: Trainer, loop: Loop, reader: store.Reader, stopped: list[int]) -> None:
    recipe = trainer.run.recipe
    first = int(trainer.iteration)
    stream = batches(trainer, reader)
    meter = monitoring.Meter()
    bar = tqdm.tqdm(
        total=recipe.iterations,
        initial=first,
        unit="it",
        desc="training",
        mininterval=1 if sys.stderr.isatty() else 30,  # Seconds; a log file needs fewer lines.
    )
    for iteration in range(first + 1, recipe.iterations + 1):
        start = time.perf_counter()
        batch = next(stream)
        meter.waited += time.perf_counter() - start
        if iteration == first + 1:
            _draw(trainer, first, batch)
        loss, hits = trainer.step(batch)
        meter.losses.append(loss)
        meter.hits.append(hits)
        bar.update()
        last = iteration == recipe.iterations or bool(stopped)
        save = last or iteration % loop.checkpoint_every == 0
        if save or iteration % loop.log_every == 0:
            point = meter.read(iteration, recipe)
            meter = monitoring.Meter()
            for name, value in point.items():
                tf.summary.scalar(name, value, step=iteration)
            shown = {name: f"{point[name]:.3f}" for name in ("loss", "accuracy")}
            bar.set_postfix(shown, refresh=False)
        if save:
            _save(trainer, iteration)
            meter = monitoring.Meter()  # The time it took is nobody's rate.
        if last:
            break
    bar.close()


def train(source: datasets.Source, recipe: paper.Recipe, loop: Loop) -> runs.Run:
    """Trains one stream, or continues a training that was interrupted.

    Args:
        source: The data set.
        recipe: The network and its schedule.
        loop: The run folder, the store, and how to go about it.

    Returns:
        The run, trained to its last iteration.

    Raises:
        ValueError: If flags contradict each other, the store or the run folder.
        OSError: If videos are missing from the store.
        monitoring.NotFiniteError: If the loss is no longer a number.
        KeyboardInterrupt: After a checkpoint has been written, if the user asked to stop.
    """
    if loop.deterministic:
        keras.utils.set_random_seed(recipe.seed)
        tf.config.experimental.enable_op_determinism()
    reader = store.Reader(loop.store)
    split = datasets.keep_available(
        datasets.load(source),
        reader.video_ids,
        where=f"the store {loop.store}",
        allow_missing=source.allow_missing,
    )
    strategy = devices.make_strategy()
    if devices.is_first_host(strategy):
        run = runs.create(loop.run_dir, recipe, split, reader.settings)
    else:
        run = runs.Run(pathlib.Path(loop.run_dir), recipe, split, reader.settings)
    trainer = make_trainer(run, loop, strategy)
    num_weights = sum(int(np.prod(v.shape)) for v in trainer.model.trainable_variables)
    print(
        monitoring.describe(
            run,
            num_weights=num_weights,
            replicas=strategy.num_replicas_in_sync,
            chunk_size=loop.chunk_size,
        )
    )
    done = int(trainer.iteration)
    if done >= recipe.iterations:
        print(f"{run.path} is trained to its last iteration, {done:,}; nothing to do.")
        return run
    if done:
        print(f"continues:  after iteration {done:,}")
    writer = tf.summary.create_noop_writer()
    if devices.is_first_host(strategy):
        writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))
    with writer.as_default(), _stop_signals(strategy) as stopped:
        _loop(trainer, loop, reader, stopped)
    if stopped:
        print("A checkpoint is written. The same command continues the training.")
        raise KeyboardInterrupt
    print(f"trained: {run.path}, {recipe.iterations:,} iterations")
    return run
