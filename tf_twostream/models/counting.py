"""Counts the weights of a network, and the multiplications that it takes to compute its output."""

import math
from collections.abc import Callable

import keras
import tensorflow as tf


def parameters(model: keras.Model) -> int:
    """Counts the weights of a network, biases and frozen ones included.

    Example:
        >>> from tf_twostream import models
        >>> from tf_twostream.models import counting
        >>> from tf_twostream.paper import recipes
        >>> model = models.build(recipes.SpatialRecipe(width=0.1), 101)
        >>> counting.parameters(model), counting.multiply_adds(model)
        (925146, 32645673)

    Args:
        model: The network.

    Returns:
        The number of weights.
    """
    return model.count_params()


def multiply_adds(model: keras.Model) -> int:
    """Counts the multiply-adds of one sample: those of convolutions and of matrix products.

    They are read from the graph of the network, so that a section of it counts as often as it is
    computed: that of a tower once for each snippet of a clip, what follows a pooling over time once
    for what the pooling leaves. Products with the zeros of a padding count as well.

    Args:
        model: The network, built with inputs of a known size.

    Returns:
        The number of multiply-adds; one is a multiplication and an addition.
    """
    one = tf.nest.map_structure(lambda x: tf.TensorSpec((1, *x.shape[1:]), x.dtype), model.input)
    traced = tf.function(lambda x: model(x, training=False), autograph=False)
    found = traced.get_concrete_function(one).graph.get_operations()
    return sum(_OPERATIONS[op.type](op) for op in found if op.type in _OPERATIONS)


def _convolution(op: tf.Operation) -> int:
    """Every output is a sum over the window and the channels of a filter `[..., C, C_out]`."""
    return _size(op.outputs[0]) * math.prod(op.inputs[1].shape[:-1])


def _depthwise(op: tf.Operation) -> int:
    """Every output is a sum over the window of a filter `[H, W, C, 1]`."""
    return _size(op.outputs[0]) * math.prod(op.inputs[1].shape[:2])


def _product(op: tf.Operation) -> int:
    """Every output is a sum over the columns of the first matrix."""
    return _size(op.outputs[0]) * op.inputs[0].shape[-1]


def _einsum(op: tf.Operation) -> int:
    """Each combination of the indices is one product."""
    operands = op.get_attr("equation").decode().partition("->")[0].split(",")
    sides = {
        index: side
        for indices, x in zip(operands, op.inputs)
        for index, side in zip(indices, x.shape)
    }
    return math.prod(sides.values())


def _size(x: tf.Tensor) -> int:
    return math.prod(x.shape)


_OPERATIONS: dict[str, Callable[[tf.Operation], int]] = {
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise,
    "MatMul": _product,
    "Einsum": _einsum,
}
