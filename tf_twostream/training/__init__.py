"""The training loop of both streams, on one device or several (paper, Sect. 5, "Training")."""

import contextlib
import dataclasses
import pathlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tqdm
from absl import logging

from tf_twostream import cli, datasets, inputs, paper, runs, store
from tf_twostream.datasets import union
from tf_twostream.figures import tensorboard
from tf_twostream.processes import locks
from tf_twostream.training import devices, monitoring, steps
from tf_twostream.training.addition import Addition
from tf_twostream.training.trainer import Effort, Trainer, batches, distribute, make_trainer

__all__ = [
    "Addition",
    "Effort",
    "Loop",
    "Trainer",
    "batches",
    "distribute",
    "make_trainer",
    "read_split",
    "train",
    "train_run",
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loop(Effort):
    """The same with the store that a single data set comes from."""

    store: str = cli.knob(cli.REQUIRED, "Store written by data_tools/precompute_flow.py.")


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
    batch = batch[0] if isinstance(batch, tuple) else batch
    return {name: strategy.experimental_local_results(t)[0][:4] for name, t in batch.items()}


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
    tensorboard.write_filters(trainer.model, trainer.run.recipe, iteration)


def _loop(
    trainer: Trainer, loop: Effort, stream: Iterator[steps.Batch], stopped: list[int]
) -> None:
    recipe = trainer.run.recipe
    first = int(trainer.iteration)
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
            tensorboard.write_filters(trainer.model, recipe, first)
            tensorboard.write_inputs(_first_replica(batch, trainer.strategy), recipe, first)
        loss, hits = trainer.step(batch)
        meter.losses.append(loss)
        meter.hits.append(hits)
        bar.update()
        last = iteration == recipe.iterations or bool(stopped)
        save = last or iteration % loop.checkpoint_every == 0
        if save or iteration % loop.log_every == 0:
            point = meter.read(iteration, trainer.run)
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


def read_split(source: datasets.Source, reader: store.Reader, *, where: str) -> datasets.Split:
    """Reads the lists of a data set and keeps what a store holds.

    Raises:
        ValueError: If the lists are faulty.
        OSError: If videos are missing from the store and may not be.
    """
    split = datasets.load(source)
    failed = store.read_failed(reader.path)
    hopeless = [video.id for video in datasets.all_videos(split) if video.id in failed]
    if hopeless:  # Said once here, for what comes now only says that they are missing.
        logging.warning(
            "%d videos of %s could not be read when the store was filled (failed.csv): %s: %s. "
            "Mend or remove them, or go on without them: --allow_missing.",
            len(hopeless), split.name, hopeless[0], failed[hopeless[0]],
        )  # fmt: skip
    return datasets.keep_available(
        split, reader.video_ids, where=where, allow_missing=source.allow_missing
    )


def train(
    source: datasets.Source, recipe: paper.Recipe, loop: Loop, addition: Addition | None = None
) -> runs.Run:
    """Trains one stream on one data set, or continues a training that was interrupted.

    Args:
        source: The data set.
        recipe: The network and its schedule.
        loop: The run folder, the store, and how to go about it.
        addition: Classes of another data set to learn as well.

    Returns:
        The run, trained to its last iteration.

    Raises:
        ValueError: If flags contradict each other, the store or the run folder.
        OSError: If videos are missing from the store.
        monitoring.NotFiniteError: If the loss is no longer a number.
        KeyboardInterrupt: After a checkpoint has been written, if the user asked to stop.
    """
    main = store.Reader(loop.store)
    split = read_split(source, main, where=f"the store {loop.store}")
    run = runs.Run(pathlib.Path(loop.run_dir), recipe, split, main.settings)
    reader: inputs.Reader = main
    if addition and addition.add_dataset:
        extra = store.Reader(addition.add_store)
        runs.check_store(run, extra.settings, where=addition.add_store)
        added = read_split(
            addition.source(allow_missing=source.allow_missing),
            extra,
            where=f"the store {addition.add_store}",
        )
        run = dataclasses.replace(run, split=union.add_classes(split, added, added.class_names))
        reader = store.JoinedReader([main, extra])
    return train_run(run, lambda trainer: batches(trainer, [reader]), loop, shown=main)


def train_run(
    run: runs.Run,
    start: Callable[[Trainer], Iterator[steps.Batch]],
    loop: Effort,
    *,
    shown: store.Reader | None = None,
) -> runs.Run:
    """Trains the network of a run; see `train`.

    Args:
        run: The run, whose folder need not exist.
        start: Starts the stream of batches where a trainer stands, spread over its devices.
        loop: How to go about it.
        shown: The store of the run's videos, one of which TensorBoard shows; None for none.

    Returns:
        The run, trained to its last iteration.
    """
    if loop.deterministic:
        keras.utils.set_random_seed(run.recipe.seed)
        tf.config.experimental.enable_op_determinism()
    strategy = devices.make_strategy()
    if not devices.is_first_host(strategy):
        return _train_run(run, start, loop, strategy, None)
    with locks.exclusive(str(run.path)):
        return _train_run(runs.create(run), start, loop, strategy, shown)


def _train_run(
    run: runs.Run,
    start: Callable[[Trainer], Iterator[steps.Batch]],
    loop: Effort,
    strategy: tf.distribute.Strategy,
    shown: store.Reader | None,
) -> runs.Run:
    """Trains where nobody else writes."""
    recipe = run.recipe
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
        stream = start(trainer)
        if shown and not done:
            tensorboard.write_clip(run, shown)
        _loop(trainer, loop, stream, stopped)
    if stopped:
        print("A checkpoint is written. The same command continues the training.")
        raise KeyboardInterrupt
    print(f"trained: {run.path}, {recipe.iterations:,} iterations")
    return run
