"""One iteration: the paper's stochastic gradient descent, and nothing else (Sect. 5)."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_twostream import inputs, paper

Batch = inputs.Element | tuple[inputs.Element, ...]  # A tuple where there are several tasks.
Step = Callable[[Batch], tuple[tf.Tensor, tf.Tensor]]


def make_optimizer(recipe: paper.Recipe) -> keras.optimizers.Optimizer:
    """Builds SGD with momentum and the paper's schedule.

    The weight decay is part of the gradient, as in Caffe, and added in the step.
    """
    rates = [recipe.learning_rate_at(0), *(recipe.learning_rate_at(at) for at in recipe.drops)]
    schedule: Any = rates[0]
    if recipe.drops:  # Keras changes the rate one iteration after the boundary.
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
            [drop - 1 for drop in recipe.drops], rates
        )
    return keras.optimizers.SGD(schedule, momentum=recipe.momentum)


@dataclasses.dataclass(frozen=True)
class Head:
    """A task of a network.

    Attributes:
        model: From the network's input to the logits of this task.
        divisor: What the sum of its samples' losses, over all replicas, is divided by.
    """

    model: keras.Model
    divisor: int


def make_step(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    recipe: paper.Recipe,
    *,
    heads: Sequence[Head] = (),
    chunk_size: int = 0,
    jit_compile: bool = False,
) -> Step:
    """Builds one iteration for one replica.

    The loss is the cross-entropy (`losses`), averaged over the whole batch of all replicas, plus
    the weight decay on kernels: gradients of replicas and of chunks add up. With several heads it
    is the sum of their losses, each on the videos of its own data set (Sect. 4).

    Args:
        model: The network.
        optimizer: Its optimizer.
        recipe: Its recipe.
        heads: The tasks of a network that has several; none for `model` as it is.
        chunk_size: Samples to run through the network at once; 0 for the replica's whole batch.
        jit_compile: Whether to compile forward and backward pass with XLA.

    Returns:
        A function from a batch, or with `heads` a tuple of batches, to, by head, (this replica's
        share of the cross-entropy, number of correctly classified samples), which updates the
        weights.
    """
    variables = model.trainable_variables
    heads = heads or (Head(model, recipe.batch_size),)
    functions = [_gradients(head, variables, jit_compile) for head in heads]

    def step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        batches = batch if isinstance(batch, tuple) else (batch,)
        results = [
            _over_chunks(function, part, recipe, chunk_size)
            for function, part in zip(functions, batches, strict=True)
        ]
        decay = recipe.weight_decay / tf.distribute.get_strategy().num_replicas_in_sync
        summed = [tf.add_n(parts) for parts in zip(*(gradients for gradients, _, _ in results))]
        decayed = [
            gradient + decay * variable if variable.name == "kernel" else gradient
            for gradient, variable in zip(summed, variables)
        ]
        optimizer.apply(decayed, variables)
        _, losses, hits = zip(*results)
        return tf.stack(losses), tf.stack(hits)

    return step


def losses(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Computes the loss of each sample.

    Where a video may show several classes, each class is a question of its own: a sigmoid instead
    of the softmax, and the sum of the K binary cross-entropies, so that each class pulls at the
    network as strongly as in the softmax (ours; Charades is younger than the paper).

    Args:
        logits: `[B, K]` float32.
        labels: `[B]` int32, or `[B, K]` bool where a video may show several classes.

    Returns:
        `[B]` cross-entropy in nats.
    """
    if labels.shape.rank == 1:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    shows = tf.cast(labels, logits.dtype)
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(shows, logits), axis=1)


def _hits(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """`[B]` bool: whether the class with the highest score is the label, or one of them."""
    best = tf.argmax(logits, axis=1, output_type=tf.int32)
    return best == labels if labels.shape.rank == 1 else tf.gather(labels, best, batch_dims=1)


def _gradients(head: Head, variables: list[Any], jit_compile: bool) -> Callable[..., Any]:
    """Builds forward and backward pass: (gradients of all variables, loss, hits) of a chunk."""

    @tf.function(jit_compile=jit_compile, autograph=False)
    def gradients(x: tf.Tensor, labels: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits = head.model(x, training=True)
            loss = tf.reduce_sum(losses(logits, labels)) / head.divisor
        others = tf.UnconnectedGradients.ZERO  # The last layers of other tasks.
        values = [variable.value for variable in variables]
        return (
            tape.gradient(loss, values, unconnected_gradients=others),
            loss,
            tf.reduce_sum(tf.cast(_hits(logits, labels), tf.int32)),
        )

    return gradients


def _over_chunks(
    gradients: Callable[..., Any], batch: inputs.Element, recipe: paper.Recipe, chunk_size: int
) -> Any:
    """Sums (gradients, loss, hits) over the chunks of a batch; the last one may be smaller."""

    def chunk(first: tf.Tensor | int, count: int) -> Any:
        # The static size spares XLA to compile a chunk inside and another outside of the loop.
        part = {
            name: tf.ensure_shape(tensor[first : first + count], [count, *tensor.shape[1:]])
            for name, tensor in batch.items()
        }
        return gradients(inputs.prepare(part, recipe), part["label"])

    size = batch["label"].shape[0]
    if not chunk_size or chunk_size >= size:
        return gradients(inputs.prepare(batch, recipe), batch["label"])
    whole = size // chunk_size
    add = functools.partial(tf.nest.map_structure, tf.add)
    _, total = tf.while_loop(
        lambda number, _: number < whole,
        lambda number, sums: (
            number + 1,
            add(sums, chunk(number * chunk_size, chunk_size)),
        ),
        (1, chunk(0, chunk_size)),
        parallel_iterations=1,
    )
    rest = size % chunk_size
    return add(total, chunk(size - rest, rest)) if rest else total
