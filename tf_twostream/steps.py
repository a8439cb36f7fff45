"""One iteration: the paper's stochastic gradient descent, and nothing else (Sect. 5)."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tf_twostream import inputs, paper

Step = Callable[[inputs.Element], tuple[tf.Tensor, tf.Tensor]]


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


def make_step(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    recipe: paper.Recipe,
    *,
    chunk_size: int = 0,
    jit_compile: bool = False,
) -> Step:
    """Builds one iteration for one replica.

    The loss is the cross-entropy, averaged over the whole batch of all replicas, plus the weight
    decay on kernels: gradients of replicas and of chunks add up.

    Args:
        model: The network.
        optimizer: Its optimizer.
        recipe: Its recipe.
        chunk_size: Samples to run through the network at once; 0 for the replica's whole batch.
        jit_compile: Whether to compile forward and backward pass with XLA.

    Returns:
        A function from a batch to (this replica's share of the mean cross-entropy, number of
        correctly classified samples), which updates the weights.
    """
    variables = model.trainable_variables

    @tf.function(jit_compile=jit_compile, autograph=False)
    def gradients(x: tf.Tensor, labels: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_sum(losses) / recipe.batch_size
        hits = tf.argmax(logits, axis=1, output_type=tf.int32) == labels
        return (
            tape.gradient(loss, [v.value for v in variables]),
            loss,
            tf.reduce_sum(tf.cast(hits, tf.int32)),
        )

    def chunk(batch: inputs.Element, number: tf.Tensor | int, size: int) -> Any:
        rows = slice(number * size, (number + 1) * size)
        part = {name: tensor[rows] for name, tensor in batch.items()} if size else batch
        return gradients(inputs.prepare(part, recipe), part["label"])

    def total(batch: inputs.Element) -> Any:
        size = batch["label"].shape[0]
        if not chunk_size or chunk_size >= size:
            return chunk(batch, 0, 0)
        if size % chunk_size:
            raise ValueError(
                f"A device's share of the batch, {size}, must be a multiple of `chunk_size`. "
                f"Received: chunk_size={chunk_size}."
            )
        state = chunk(batch, 0, chunk_size)
        _, state = tf.while_loop(
            lambda number, _: number < size // chunk_size,
            lambda number, state: (
                number + 1,
                tf.nest.map_structure(tf.add, state, chunk(batch, number, chunk_size)),
            ),
            (1, state),
            parallel_iterations=1,
        )
        return state

    def step(batch: inputs.Element) -> tuple[tf.Tensor, tf.Tensor]:
        grads, loss, hits = total(batch)
        decay = recipe.weight_decay / tf.distribute.get_strategy().num_replicas_in_sync
        decayed = [
            gradient + decay * variable if variable.name == "kernel" else gradient
            for gradient, variable in zip(grads, variables)
        ]
        optimizer.apply(decayed, variables)
        return loss, hits

    return step
