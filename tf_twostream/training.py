"""The training loop of both streams, on one device or several (paper, Sect. 5, "Training")."""

import contextlib
import dataclasses
import signal
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tqdm

from tf_twostream import cli, datasets, inputs, paper, pictures, runs, steps, store
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
        1000, "Iterations between two checkpoints. Ctrl-C and SIGTERM write one, too."
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


class NotFiniteError(ValueError):
    """The loss is no longer a number."""


def make_strategy() -> tf.distribute.Strategy:
    """Chooses how a batch is split: over the hosts in TF_CONFIG, else over this host's GPUs."""
    tf.get_logger().setLevel("WARNING")  # `describe` says it, once.
    cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec()
    if cluster.as_dict():
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus] or ["CPU:0"])


def is_first_host(strategy: tf.distribute.Strategy) -> bool:
    """Says whether this process is the one that writes."""
    resolver = strategy.cluster_resolver
    return not (resolver and resolver.cluster_spec().as_dict()) or resolver.task_id == 0


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


def make_trainer(run: runs.Run, loop: Loop) -> Trainer:
    """Builds network, optimizer and step, and restores the newest checkpoint if there is one."""
    recipe = run.recipe
    strategy = make_strategy()
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
    folder = run.checkpoints if is_first_host(strategy) else tempfile.mkdtemp()
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


def _batches(trainer: Trainer, reader: store.Reader) -> Iterator[inputs.Element]:
    recipe, split = trainer.run.recipe, trainer.run.split

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


def _device_kind() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def describe(run: runs.Run, loop: Loop, trainer: Trainer) -> str:
    """Says in the paper's words what a training does."""
    recipe, split = run.recipe, run.split
    replicas = trainer.strategy.num_replicas_in_sync
    settings = run.store_settings
    drops = " ".join(f"{recipe.learning_rate_at(at):g} from {at:,};" for at in recipe.drops)
    lines = [
        f"data:       {split.name}: {len(split.train)} training videos of "
        f"{len(split.class_names)} classes, drawn uniformly across the classes",
        f"network:    CNN-M-2048, {recipe.stream} stream, width {recipe.width:g}, "
        f"{sum(int(np.prod(v.shape)) for v in trainer.model.trainable_variables):,} trainable "
        f"weights, dropout {recipe.dropout:g}, {recipe.precision}",
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
        f"batch:      {recipe.batch_size} on {replicas} {_device_kind()}{'s' * (replicas > 1)}"
        + (f", in chunks of {loop.chunk_size}" if loop.chunk_size else ""),
        f"schedule:   {recipe.iterations:,} iterations, momentum {recipe.momentum:g}, weight decay "
        f"{recipe.weight_decay:g}, learning rate {recipe.learning_rate:g}; {drops}".rstrip("; "),
        f"curves:     tensorboard --logdir {run.path}",
    ]
    return "\n".join(lines)


@contextlib.contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collects Ctrl-C and SIGTERM instead of dying of them, until the loop can write a checkpoint.

    A second Ctrl-C interrupts at once.
    """
    received: list[int] = []

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


@dataclasses.dataclass
class _Meter:
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
                f"The loss became {losses[~np.isfinite(losses)][0]} at iteration {first}, at "
                f"learning rate {recipe.learning_rate_at(first):g}. The last checkpoint is from "
                "before. Begin a new run with a smaller --learning_rate, or check the flow with "
                "data_tools/verify_store.py."
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


def _loop(trainer: Trainer, loop: Loop, reader: store.Reader, stopped: list[int]) -> None:
    recipe = trainer.run.recipe
    first = int(trainer.iteration)
    batches = _batches(trainer, reader)
    meter = _Meter()
    bar = tqdm.tqdm(total=recipe.iterations, initial=first, unit="it", desc="training")
    for iteration in range(first + 1, recipe.iterations + 1):
        start = time.perf_counter()
        batch = next(batches)
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
            meter = _Meter()
            for name, value in point.items():
                tf.summary.scalar(name, value, step=iteration)
            bar.set_postfix(
                {"loss": f"{point['loss']:.3f}", "accuracy": f"{point['accuracy']:.3f}"}
            )
        if save:
            trainer.iteration.assign(iteration)
            trainer.manager.save(checkpoint_number=iteration)
            _draw(trainer, iteration)
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
        NotFiniteError: If the loss is no longer a number.
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
    run = runs.create(loop.run_dir, recipe, split, reader.settings)
    trainer = make_trainer(run, loop)
    print(describe(run, loop, trainer))
    done = int(trainer.iteration)
    if done >= recipe.iterations:
        print(f"{run.path} is trained to its last iteration, {done:,}; nothing to do.")
        return run
    if done:
        print(f"continues:  after iteration {done:,}")
    writer = tf.summary.create_noop_writer()
    if is_first_host(trainer.strategy):
        writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))
    with writer.as_default(), _stop_signals() as stopped:
        _loop(trainer, loop, reader, stopped)
    if stopped:
        print(f"stopped by signal {stopped[0]}; a checkpoint is written")
        raise KeyboardInterrupt
    print(f"trained: {run.path}, {recipe.iterations:,} iterations")
    return run
