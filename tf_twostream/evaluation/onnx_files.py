"""Writes a network as a file of ONNX, layer by layer.

The general converters of TensorFlow graphs took minutes and 17 GB for CNN-M-2048. Of the layers
that our networks consist of, each is one operator of ONNX, or two.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from tf_twostream import paper
from tf_twostream.models import layers as own_layers
from tf_twostream.processes import files

_OPSET = 17  # Of 2022: runtimes of other programs need not be new.
_IR_VERSION = 8  # That of the same release.


class NoOnnxError(OSError):
    """The package that writes ONNX is not installed."""


class UnsupportedLayerError(ValueError):
    """A network has a layer that cannot be written."""


class _Graph:
    """The nodes and constants of a graph, as they are added; a tensor is known by its name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """Adds an array."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node of one output."""
        from onnx import helper

        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name


def write(model: keras.Model, path: str) -> None:
    """Writes a network.

    Args:
        model: A network of one input `[B, H, W, C]` and one output `[B, K]`, called "scores".
        path: The file. Its tensors have the names and shapes of the network's.

    Raises:
        UnsupportedLayerError: If there is a layer of a kind that is not in `LAYERS`.
        NoOnnxError: If onnx is not installed.
    """
    if importlib.util.find_spec("onnx") is None:
        raise NoOnnxError("Files of ONNX are written by the package onnx. Received: none.")
    import onnx
    from onnx import helper

    graph = _Graph()
    for layer in model.layers:
        if type(layer) not in LAYERS:
            known = ", ".join(kind.__name__ for kind in LAYERS)
            given = f"{layer.name}, {type(layer).__name__}, of {model.name}"
            rule = f"A layer must be one of {known}"
            raise UnsupportedLayerError(f"{rule}. Received: {given}.")
    # ONNX has channels before pixels, and the weights of flattened pixels are in our order.
    names = {id(model.input): graph.add("Transpose", model.input.name, perm=(0, 3, 1, 2))}
    for layer in model.layers[1:]:  # The first is the input.
        terms = layer.input if isinstance(layer.input, list) else [layer.input]
        added = LAYERS[type(layer)](graph, layer, *(names[id(tensor)] for tensor in terms))
        names[id(layer.output)] = added
    graph.nodes[-1].output[0] = "scores"
    float32 = onnx.TensorProto.FLOAT
    made = helper.make_graph(
        graph.nodes,
        model.name,
        [helper.make_tensor_value_info(model.input.name, float32, ("B", *model.input.shape[1:]))],
        [helper.make_tensor_value_info("scores", float32, ("B", *model.output.shape[1:]))],
        graph.constants,
    )
    opset = helper.make_opsetid("", _OPSET)
    own = {"producer_name": "tf_twostream", "ir_version": _IR_VERSION}
    whole = helper.make_model(made, opset_imports=[opset], **own)
    files.write(path, whole.SerializeToString())


def _activate(graph: _Graph, layer: keras.Layer, x: str) -> str:
    name = layer.activation.__name__
    kinds = {"linear": "", "relu": "Relu", "softmax": "Softmax", "sigmoid": "Sigmoid"}
    if name not in kinds:
        rule = f"An activation must be one of {', '.join(kinds)}"
        raise UnsupportedLayerError(f"{rule}. Received: {name}, of {layer.name}.")
    return graph.add(kinds[name], x) if kinds[name] else x


def _rescale(graph: _Graph, layer: layers.Rescaling, x: str) -> str:
    scale, offset = (np.reshape(values, (-1, 1, 1)) for values in (layer.scale, layer.offset))
    scaled = graph.add("Mul", x, graph.constant(scale))
    return graph.add("Add", scaled, graph.constant(offset))


def _pad(graph: _Graph, layer: layers.ZeroPadding2D, x: str) -> str:
    (top, bottom), (left, right) = layer.padding
    pads = graph.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return graph.add("Pad", x, pads)


def _convolve(graph: _Graph, layer: layers.Conv2D, x: str) -> str:
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    # From [H, W, C, C_out], and [H, W, C, 1] of one filter per channel.
    axes = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    kernel = graph.constant(np.transpose(layer.kernel, axes))
    bias = [graph.constant(layer.bias)] if layer.use_bias else []
    added = graph.add(
        "Conv",
        x,
        kernel,
        *bias,
        strides=layer.strides,
        pads=_pads(layer),
        group=layer.input.shape[-1] if depthwise else 1,
    )
    return _activate(graph, layer, added)


def _pads(layer: layers.Conv2D) -> list[int]:
    """Returns the zeros that a convolution adds: at the top, left, bottom, right."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    sides = zip(layer.input.shape[1:3], layer.output.shape[1:3], layer.kernel_size, layer.strides)
    missing = [max((new - 1) * stride + kernel - old, 0) for old, new, kernel, stride in sides]
    first = [number // 2 for number in missing]
    return [*first, *(number - half for number, half in zip(missing, first))]


def _normalise(graph: _Graph, layer: layers.BatchNormalization, x: str) -> str:
    own = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    constants = [graph.constant(variable) for variable in own]
    return graph.add("BatchNormalization", x, *constants, epsilon=layer.epsilon)


def _normalise_locally(graph: _Graph, _: keras.Layer, x: str) -> str:
    size = 2 * paper.LRN["depth_radius"] + 1
    # ONNX divides alpha by the size, as Caffe does.
    own = {"alpha": paper.LRN["alpha"] * size, "beta": paper.LRN["beta"], "bias": paper.LRN["bias"]}
    return graph.add("LRN", x, size=int(size), **own)


def _rectify(graph: _Graph, layer: layers.ReLU, x: str) -> str:
    if layer.max_value is None:
        return graph.add("Relu", x)
    return graph.add("Clip", x, graph.constant(0), graph.constant(layer.max_value))


def _pool(graph: _Graph, layer: layers.MaxPooling2D, x: str) -> str:
    return graph.add("MaxPool", x, kernel_shape=layer.pool_size, strides=layer.strides)


def _flatten(graph: _Graph, _: keras.Layer, x: str) -> str:
    return graph.add("Flatten", graph.add("Transpose", x, perm=(0, 2, 3, 1)))


def _connect(graph: _Graph, layer: layers.Dense, x: str) -> str:
    own = [graph.constant(layer.kernel), graph.constant(layer.bias)]
    return _activate(graph, layer, graph.add("Gemm", x, *own))


def _average(graph: _Graph, _: keras.Layer, x: str) -> str:
    return graph.add("Flatten", graph.add("GlobalAveragePool", x))


LAYERS: dict[type[keras.Layer], Callable[..., str]] = {
    layers.InputLayer: lambda graph, layer, x: x,
    layers.Rescaling: _rescale,
    layers.ZeroPadding2D: _pad,
    layers.Conv2D: _convolve,
    layers.DepthwiseConv2D: _convolve,
    layers.BatchNormalization: _normalise,
    own_layers.FrozenStatistics: _normalise,
    own_layers.LocalResponseNormalization: _normalise_locally,
    layers.ReLU: _rectify,
    layers.Activation: _activate,
    layers.MaxPooling2D: _pool,
    layers.Add: lambda graph, layer, *terms: graph.add("Add", *terms),
    layers.Flatten: _flatten,
    layers.GlobalAveragePooling2D: _average,
    layers.Dense: _connect,
    own_layers.Dropout: lambda graph, layer, x: x,
}
