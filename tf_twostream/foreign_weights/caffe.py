"""Reads networks and mean images of Caffe: NetParameter and BlobProto of its caffe.proto.

Only the fields that decide what a network computes are looked at; nothing in a file is executed.
"""

import dataclasses
import math
import pathlib
from collections.abc import Iterator

import numpy as np

from tf_twostream.foreign_weights import network, protobuf

_OLD_LAYERS, _NEW_LAYERS = 2, 100  # Fields of NetParameter: V1LayerParameter, LayerParameter.
_OLDEST = 1  # Field of V1LayerParameter that holds a layer of the format before it.
_OLD_TYPES = {
    1: "Accuracy", 4: "Convolution", 6: "Dropout", 14: "InnerProduct", 15: "LRN", 17: "Pooling",
    18: "ReLU", 20: "Softmax", 21: "SoftmaxWithLoss", 22: "Split", 36: "Silence",
}  # fmt: skip
_ASIDE = ("Accuracy", "Silence", "SoftmaxWithLoss")  # Look at the chain without being part of it.
_DEFAULT_K = 1.0  # Of LRNParameter.


@dataclasses.dataclass(frozen=True)
class _Format:
    """Numbers of the fields of a layer."""

    name: int
    type: int
    bottom: int
    top: int
    blobs: int
    convolution: int
    inner_product: int
    lrn: int
    pooling: int
    relu: int


_OLD = _Format(4, 5, 2, 3, 6, convolution=10, inner_product=17, lrn=18, pooling=19, relu=30)
_NEW = _Format(1, 2, 3, 4, 7, convolution=106, inner_product=117, lrn=118, pooling=121, relu=123)


@dataclasses.dataclass(frozen=True)
class _Entry:
    """A layer as it stands in the file."""

    name: str
    type: str
    message: protobuf.Message
    numbers: _Format

    @property
    def bottoms(self) -> set[str]:
        """Names of its inputs."""
        return set(self.message.texts(self.numbers.bottom))

    @property
    def tops(self) -> set[str]:
        """Names of its outputs."""
        return set(self.message.texts(self.numbers.top))


def _entries(net: protobuf.Message) -> Iterator[_Entry]:
    for message in net.messages(_OLD_LAYERS):
        if _OLDEST in message:
            raise ValueError(
                "Layers must be in Caffe's format of 2014 or a later one. Received: the one before "
                "it. Caffe's tool upgrade_net_proto_binary brings it up to date."
            )
        number = message.integer(_OLD.type, 0)
        name = (*message.texts(_OLD.name), "")[0]
        yield _Entry(name, _OLD_TYPES.get(number, f"type {number}"), message, _OLD)
    for message in net.messages(_NEW_LAYERS):
        name, kind = ((*message.texts(field), "")[0] for field in (_NEW.name, _NEW.type))
        yield _Entry(name, kind, message, _NEW)


def _chain(net: protobuf.Message) -> Iterator[_Entry]:
    """Yields the layers from the input to the logits, without those of training."""
    current: set[str] = set()
    for entry in _entries(net):
        is_source = entry.type not in _READERS and not entry.bottoms
        if is_source or entry.type in _ASIDE:
            continue
        if entry.type == "Split":  # Of the labels, or of the logits for loss and accuracy.
            current = entry.tops if entry.bottoms <= current else current
            continue
        if current and not entry.bottoms <= current:
            raise ValueError(
                f"Layers must form a chain. Received: {entry.name}, which takes "
                f"{', '.join(sorted(entry.bottoms))} instead of {', '.join(sorted(current))}."
            )
        current = entry.tops
        if entry.type != "Dropout":  # The identity, once trained.
            yield entry


def _pair(
    parameter: protobuf.Message, both: int, high: int, wide: int, default: int
) -> tuple[int, ...]:
    """Returns a size in (vertical, horizontal) direction, given by one field or by two."""
    if high in parameter or wide in parameter:
        return parameter.integer(high, default), parameter.integer(wide, default)
    values = parameter.integers(both) or (default,)
    return values * 2 if len(values) == 1 else values


def _padding(pads: tuple[int, ...], more: tuple[int, ...] = (0, 0)) -> tuple[int, ...]:
    """Returns (top, bottom, left, right); `more` is added at the bottom and right."""
    return tuple(side for pad, extra in zip(pads, more) for side in (pad, pad + extra))


def _array(blob: protobuf.Message) -> np.ndarray:
    """Returns the numbers of a BlobProto in its shape, a view of the file."""
    by_name = (blob.integer(field, 0) for field in (1, 2, 3, 4))  # num ... width, the old way.
    dimensions = blob.message(7).integers(1) if 7 in blob else tuple(by_name)
    numbers = blob.numbers(5, "<f4") if 5 in blob else blob.numbers(8, "<f8")
    if not numbers.size or len(dimensions) > 4 or math.prod(dimensions) != numbers.size:
        raise protobuf.MalformedError(
            f"a blob of {numbers.size} numbers has the dimensions {dimensions}"
        )
    return numbers.reshape(dimensions)


def _weights(entry: _Entry) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weights of a layer in their shape, and its bias `[C_out]`."""
    blobs = [_array(blob) for blob in entry.message.messages(entry.numbers.blobs)]
    if len(blobs) != 2:
        raise ValueError(
            f"Layer {entry.name} must have weights and biases. Received: {len(blobs)} arrays."
        )
    return blobs[0], blobs[1].ravel()


def _convolution(entry: _Entry, channels: int) -> network.Layer:
    parameter = entry.message.message(entry.numbers.convolution)
    weights, bias = _weights(entry)
    dense = parameter.integer(5, 1) == 1 and set(parameter.integers(18)) <= {1}
    if weights.ndim != 4 or not dense:
        raise ValueError(
            f"Layer {entry.name} must be a convolution [C_out, C_in, H, W] in one group and "
            f"without dilation. Received: {list(weights.shape)}, {parameter.integer(5, 1)} groups."
        )
    settings = {
        "stride": _pair(parameter, 6, 13, 14, 1),
        "padding": _padding(_pair(parameter, 3, 9, 10, 0)),
    }
    return network.Layer(entry.name, "conv", settings, weights.transpose(2, 3, 1, 0), bias)


def _inner_product(entry: _Entry, channels: int) -> network.Layer:
    """Reads a fully connected layer; its inputs are ordered channel first, [C_in, H, W]."""
    weights, bias = _weights(entry)
    outputs, inputs = (1, 1, *weights.shape)[-2:]
    side = math.isqrt(inputs // channels) if channels else 1
    is_transposed = entry.message.message(entry.numbers.inner_product).integer(6, 0)
    if weights.size != outputs * inputs or is_transposed or side * side * channels != inputs:
        raise ValueError(
            f"Layer {entry.name} must have weights [C_out, C_in * H * W], H = W, C_in = {channels}."
            f" Received: {list(weights.shape)}{', transposed' * bool(is_transposed)}."
        )
    kernel = weights.reshape(outputs, channels, side, side).transpose(2, 3, 1, 0)
    settings = {"stride": (1, 1), "padding": (0, 0, 0, 0)}
    return network.Layer(entry.name, "conv", settings, kernel, bias)


def _pooling(entry: _Entry, channels: int) -> network.Layer:
    parameter = entry.message.message(entry.numbers.pooling)
    method = ("max", "average", "stochastic")[min(parameter.integer(1, 0), 2)]
    stride = _pair(parameter, 3, 7, 8, 1)
    # Sizes are rounded up unless `round_mode` is FLOOR: as if there were more rows to pool.
    more = (0, 0) if parameter.integer(13, 0) else tuple(step - 1 for step in stride)
    settings = {
        "method": "global" if parameter.integer(12, 0) else method,
        "size": _pair(parameter, 2, 5, 6, 0),
        "stride": stride,
        "padding": _padding(_pair(parameter, 4, 9, 10, 0), more),
    }
    return network.Layer(entry.name, "pool", settings)


def _lrn(entry: _Entry, channels: int) -> network.Layer:
    parameter = entry.message.message(entry.numbers.lrn)
    if parameter.integer(4, 0):
        raise ValueError(f"Layer {entry.name} must normalise across channels. Received: within.")
    n = parameter.integer(1, 5)
    settings = {
        "n": n,
        "k": parameter.decimal(5, _DEFAULT_K) if 5 in parameter else None,
        "alpha": parameter.decimal(2, 1.0) / max(n, 1),  # Caffe divides by n.
        "beta": parameter.decimal(3, 0.75),
    }
    return network.Layer(entry.name, "lrn", settings)


def _relu(entry: _Entry, channels: int) -> network.Layer:
    slope = entry.message.message(entry.numbers.relu).decimal(1, 0.0)
    return network.Layer(entry.name, "relu", {"slope": slope})


def _softmax(entry: _Entry, channels: int) -> network.Layer:
    return network.Layer(entry.name, "softmax", {})


_READERS = {
    "Convolution": _convolution,
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "Pooling": _pooling,
    "ReLU": _relu,
    "Softmax": _softmax,
}


def _layers(net: protobuf.Message) -> Iterator[network.Layer]:
    channels = 0
    for entry in _chain(net):
        if entry.type not in _READERS:
            raise ValueError(
                f"Layers must be {', '.join(_READERS)} or Dropout. Received: {entry.name}, "
                f"{entry.type}."
            )
        layer = _READERS[entry.type](entry, channels)
        if layer.kernel is not None:
            channels = layer.kernel.shape[-1]
        yield layer


def read(path: str, *, lrn_k: float | None = None) -> network.Network:
    """Reads a .caffemodel of 2014 or later.

    Args:
        path: The file.
        lrn_k: k of the normalisations that the file gives none; Caffe's default, 1, if None.

    Returns:
        The network, without a mean or class names: Caffe keeps those in files of their own.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no caffemodel, cut off, or not a chain of known layers.
    """
    try:
        layers = list(_layers(protobuf.Message(pathlib.Path(path).read_bytes())))
    except protobuf.MalformedError as error:
        raise ValueError(
            f"{path} must be a whole .caffemodel (protocol buffers). Received: {error}. "
            "Was the download cut off, or is it another kind of file?"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be converted. {error}") from error
    colours = [layer.kernel.shape[2] for layer in layers if layer.kernel is not None][:1]
    if not colours:
        raise ValueError(
            f"{path} must hold layers with weights. Received: {len(layers)} layers without. "
            "Is it a .caffemodel, not a .prototxt or .solverstate?"
        )
    unstated = [layer for layer in layers if layer.settings.get("k", "") is None]
    for layer in unstated:
        layer.settings["k"] = _DEFAULT_K if lrn_k is None else lrn_k
    note = (
        f"the file leaves out k of {', '.join(layer.name for layer in unstated)}: Caffe's default, "
        "1, is taken. If the network's .prototxt has another, say --lrn_k."
    )
    notes = (note,) if unstated and lrn_k is None else ()
    return network.Network(tuple(layers), is_bgr=colours == [3], notes=notes)


def read_mean(path: str) -> np.ndarray:
    """Reads a mean image from a .binaryproto file.

    Args:
        path: The file.

    Returns:
        `[H, W, C]` float32, channels as in the file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is none.
    """
    try:
        mean = _array(protobuf.Message(pathlib.Path(path).read_bytes()))
    except protobuf.MalformedError as error:
        raise ValueError(
            f"{path} must be a .binaryproto file of Caffe with a mean image. Received: {error}."
        ) from error
    if mean.ndim < 3 or math.prod(mean.shape[:-3]) != 1:
        raise ValueError(f"A mean image has three axes. Received: {list(mean.shape)} in {path}.")
    return mean.reshape(mean.shape[-3:]).transpose(1, 2, 0).astype(np.float32)
