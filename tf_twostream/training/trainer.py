"""A network in training: its step, its checkpoints and the batches that it learns from."""

import atexit
import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from tf_twostream import cli, inputs, paper, runs
from tf_twostream.models import cnn_m, multitask
from tf_twostream.training import devices, steps


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How a training is carried out; what is computed stays the same, up to dropout masks."""

    run_dir: str = cli.knob(cli.REQUIRED, "Folder of this run; an interrupted run continues in it.")
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
        if self.chunk_size < 0:
            raise ValueError(
                f"`chunk_size` counts samples, or is 0 for all. Received: {self.chunk_size}."
            )
        if self.deterministic and self.jit_compile:
            raise ValueError(
                "XLA has no deterministic gradient of max-pooling. Received: --deterministic and "
                "--jit_compile. Leave out one of them."
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


def _is_last(name: str) -> bool:
    return name.startswith(cnn_m.LAST_LAYER)  # Each task has its own.


def _freeze_all_but_last(model: keras.Model, fresh: list[str]) -> None:
    if not all(map(_is_last, fresh)):
        raise ValueError(
            "--train_last_layer_only needs all other layers from --init_from, which has another "
            f"shape of {', '.join(fresh)}. Choose the same --width, --crop_size and input."
        )
    for layer in model.layers:
        layer.trainable = _is_last(layer.name)


def make_trainer(run: runs.Run, loop: Effort, strategy: tf.distribute.Strategy) -> Trainer:
    """Builds network, optimizer and step, and restores the newest checkpoint if there is one."""
    recipe = run.recipe
    newest = tf.train.latest_checkpoint(run.checkpoints)
    with strategy.scope():
        model = runs.build_model(run)
        heads = [
            steps.Head(multitask.of_task(model, task.name), task.divisor) for task in run.tasks
        ]
    fresh: list[str] = []
    if recipe.init_from and newest is None:
        source = runs.load(recipe.init_from)
        across = isinstance(recipe, paper.TemporalRecipe) and recipe.cross_modality
        fresh = runs.initialise(model, source, run, cross_modality=across)
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
        model,
        optimizer,
        recipe,
        heads=heads,
        chunk_size=loop.chunk_size,
        jit_compile=loop.jit_compile,
    )

    @tf.function(reduce_retracing=True)  # Batches are padded to sizes that vary.
    def step(batch: steps.Batch) -> tuple[tf.Tensor, tf.Tensor]:
        loss, hits = strategy.run(replica_step, (batch,))
        total = tf.distribute.ReduceOp.SUM
        return strategy.reduce(total, loss, None), strategy.reduce(total, hits, None)

    return Trainer(run, strategy, model, iteration, manager, step)


def batches(trainer: Trainer, readers: Sequence[inputs.Reader]) -> Iterator[steps.Batch]:
    """Starts the stream of training batches where the trainer stands, spread over its devices.

    Args:
        trainer: The network in training.
        readers: The store of each task, or the only one.

    Returns:
        Batches; tuples of batches, one per task, if there are several.
    """
    run = trainer.run
    parts = [(run.split, run.recipe)]
    if run.tasks:  # Each draws from its own stream of random numbers.
        parts = [
            (
                task.split,
                dataclasses.replace(
                    run.recipe, batch_size=task.batch_size, seed=run.recipe.seed + (number << 32)
                ),
            )
            for number, task in enumerate(run.tasks)
        ]

    def stream(context: tf.distribute.InputContext) -> tf.data.Dataset:
        streams = tuple(
            inputs.training(
                reader,
                split.train,
                recipe,
                first_iteration=int(trainer.iteration),
                shard=context.input_pipeline_id,
                num_shards=context.num_input_pipelines,
                num_replicas=context.num_replicas_in_sync,
                several_of=split.several_of,
            )
            for reader, (split, recipe) in zip(readers, parts, strict=True)
        )
        return tf.data.Dataset.zip(streams) if run.tasks else streams[0]

    return distribute(trainer, stream)


def distribute(
    trainer: Trainer, stream: Callable[[tf.distribute.InputContext], tf.data.Dataset]
) -> Iterator[steps.Batch]:
    """Spreads a stream of batches over the devices of a trainer.

    Args:
        trainer: The network in training.
        stream: A function from a host's place among the hosts to the batches of its devices.

    Returns:
        Batches, one for each device at a time.
    """
    devices.check_alike(trainer.strategy)
    return iter(trainer.strategy.distribute_datasets_from_function(stream))
