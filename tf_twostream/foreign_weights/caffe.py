"""Reads networks and mean images of Caffe: NetParameter and BlobProto of its caffe.proto.

Only the fields that decide what a network computes are looked at; nothing in a file is executed.
"""

import dataclasses
import math
import pathlib
from collections.abc import Iterator

import numpy as np

from tf_twostream.foreign_weights import errors, network, protobuf
from tf_twostream.foreign_weights.errors import ForeignFileError, OtherFormError, OtherNetworkError

_OLD_LAYERS, _NEW_LAYERS = 2, 100  # Fields of NetParameter: V1LayerParameter, LayerParameter.
_OLDEST = 1  # Field of V1LayerParameter that holds a layer of the format before it.
_OLD_TYPES = {
    1: "Accuracy", 4: "Convolution", 6: "Dropout", 14: "InnerProduct", 15: "LRN", 17: "Pooling",
    18: "ReLU", 20: "Softmax", 21: "SoftmaxWithLoss", 22: "Split", 36: "Silence",
}  # fmt: skip
# Numbers of the fields of a layer in both formats; of parameters under the type that has them.
_OLD = {
    "name": 4, "type": 5, "bottom": 2, "top": 3, "blobs": 6,
    "Convolution": 10, "InnerProduct": 17, "LRN": 18, "Pooling": 19, "ReLU": 30,
}  # fmt: skip
_NEW = {
    "name": 1, "type": 2, "bottom": 3, "top": 4, "blobs": 7,
    "Convolution": 106, "InnerProduct": 117, "LRN": 118, "Pooling": 121, "ReLU": 123,
}  # fmt: skip
_ASIDE = ("Accuracy", "Silence", "SoftmaxWithLoss")  # Look at the chain without being part of it.
_DEFAULT_K = 1.0  # Of LRNParameter.


@dataclasses.dataclass(frozen=True)
class _Entry:
    """A layer of a file, in either format.

    Attributes:
        name: Its name.
        type: What it does, by the names of the newer format.
        bottoms: Names of its inputs.
        tops: Names of its outputs.
        blobs: Weights and biases.
        parameter: The settings of a layer of this type.
    """

    name: str
    type: str
    bottoms: set[str]
    tops: set[str]
    blobs: list[protobuf.Message]
    parameter: protobuf.Message


def _entry(message: protobuf.Message, numbers: dict[str, int], kind: str) -> _Entry:
    return _Entry(
        message.text(numbers["name"]),
        kind,
        set(message.texts(numbers["bottom"])),
        set(message.texts(numbers["top"])),
        message.messages(numbers["blobs"]),
        message.message(numbers.get(kind, 0)),  # No field has the number 0: an empty message.
    )


def _entries(net: protobuf.Message) -> Iterator[_Entry]:
    # A file has layers of one format; both are looked for, because nothing says which.
    for message in net.messages(_OLD_LAYERS):
        if _OLDEST in message:
            raise OtherFormError("Layers must have a format of 2014 or later. Received: V0 layers.")
        number = message.integer(_OLD["type"], 0)
        yield _entry(message, _OLD, _OLD_TYPES.get(number, f"type {number}"))
    for message in net.messages(_NEW_LAYERS):
        yield _entry(message, _NEW, message.text(_NEW["type"]))


def _chain(net: protobuf.Message) -> Iterator[_Entry]:
    """Yields the layers from the input to the logits, without those of training."""
    current: set[str] = set()
    for entry in _entries(net):
        # Data, ImageData, HDF5Data, Input ...: known by having no input, since they are many.
        is_source = entry.type not in _READERS and not entry.bottoms
        if is_source or entry.type in _ASIDE:
            continue
        if entry.type == "Split":  # Of the labels, or of the logits for loss and accuracy.
            current = entry.tops if entry.bottoms <= current else current
            continue
        if current and not entry.bottoms <= current:
            taken, made = (", ".join(sorted(names)) for names in (entry.bottoms, current))
            given = f"{entry.name}, which takes {taken} instead of {made}"
            raise OtherNetworkError(f"Layers must form a chain. Received: {given}.")
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
    # Python's integers do not overflow, so 2^62 x 2^62 x 0 is not taken for a size that fits.
    if not numbers.size or len(dimensions) > 4 or math.prod(dimensions) != numbers.size:
        raise ForeignFileError(f"a blob {list(dimensions)} of {numbers.size} numbers")
    return numbers.reshape(dimensions)


def _weights(entry: _Entry) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weights of a layer with four axes, and its bias `[C_out]`."""
    arrays = [_array(blob) for blob in entry.blobs]
    if len(arrays) != 2:
        rule = f"Layer {entry.name} must have weights and biases"
        raise OtherNetworkError(f"{rule}. Received: {len(arrays)} arrays.")
    weights, bias = arrays
    return weights.reshape((1,) * (4 - weights.ndim) + weights.shape), bias.ravel()


def _convolution(entry: _Entry, channels: int) -> network.Layer:
    weights, bias = _weights(entry)
    settings = {
        "stride": _pair(entry.parameter, 6, 13, 14, 1),
        "padding": _padding(_pair(entry.parameter, 3, 9, 10, 0)),
        "dilation": _pair(entry.parameter, 18, 0, 0, 1),  # No field has the number 0.
        "groups": entry.parameter.integer(5, 1),
    }
    # From [C_out, C_in, H, W].
    return network.Layer(entry.name, "conv", settings, weights.transpose(2, 3, 1, 0), bias)


def _inner_product(entry: _Entry, channels: int) -> network.Layer:
    """Reads a fully connected layer; its inputs are ordered channel first, [C_in, H, W]."""
    weights, bias = _weights(entry)
    outputs, inputs = weights.shape[2:]
    # The file tells H * W alone; the layers of CNN-M see squares.
    side = math.isqrt(inputs // channels) if channels else 1
    is_transposed = entry.parameter.integer(6, 0)
    if weights.size != outputs * inputs or is_transposed or side * side * channels != inputs:
        rule = f"Layer {entry.name} must have weights [C_out, {channels} * H * W], H = W"
        given = f"[{outputs}, {inputs}]{', transposed' * bool(is_transposed)}"
        raise OtherNetworkError(f"{rule}. Received: {given}.")
    kernel = weights.reshape(outputs, channels, side, side).transpose(2, 3, 1, 0)
    return network.Layer(entry.name, "conv", network.PLAIN, kernel, bias)


def _pooling(entry: _Entry, channels: int) -> network.Layer:
    parameter = entry.parameter
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
    n = entry.parameter.integer(1, 5)
    settings = {
        "n": n,
        # Published files leave k out, and their .prototxt does not have the default: `read` asks.
        "k": entry.parameter.decimal(5, _DEFAULT_K) if 5 in entry.parameter else None,
        "alpha": entry.parameter.decimal(2, 1.0) / max(n, 1),  # Caffe divides by n.
        "beta": entry.parameter.decimal(3, 0.75),
    }
    is_within = entry.parameter.integer(4, 0)  # Over a square of pixels in each channel.
    return network.Layer(entry.name, "lrn within channels" if is_within else "lrn", settings)


def _relu(entry: _Entry, channels: int) -> network.Layer:
    return network.Layer(entry.name, "relu", {"slope": entry.parameter.decimal(1, 0.0)})


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
            yield network.Layer(entry.name, repr(entry.type), {})
            continue
        layer = _READERS[entry.type](entry, channels)
        if layer.kernel is not None:
            channels = layer.kernel.shape[-1]
        yield layer


def read(path: str, *, lrn_k: float | None = None) -> network.ForeignNetwork:
    """Reads a .caffemodel of 2014 or later.

    Args:
        path: The file.
        lrn_k: k of the normalisations that the file gives none; Caffe's default, 1, if None.

    Returns:
        The network, without a mean or class names: Caffe keeps those in files of their own.

    Raises:
        OSError: If the file cannot be read.
        ForeignFileError: If it is no .caffemodel, or cut off.
        OtherFormError: If it is older than 2014.
        OtherNetworkError: If it is not a chain of layers with weights.
    """
    with errors.naming(path, ".caffemodel (protocol buffers)"):
        layers = tuple(_layers(protobuf.Message(pathlib.Path(path).read_bytes())))
        foreign = network.ForeignNetwork(layers, is_bgr=False)
    unstated = [layer for layer in layers if layer.settings.get("k", "") is None]
    for layer in unstated:
        layer.settings["k"] = _DEFAULT_K if lrn_k is None else lrn_k
    names = ", ".join(layer.name for layer in unstated)
    note = f"the file leaves out k of {names}: Caffe's default, 1, is taken; `lrn_k` sets another"
    return dataclasses.replace(
        foreign,
        is_bgr=foreign.input_channels == 3,  # As OpenCV, which Caffe reads images with.
        notes=(note,) if unstated and lrn_k is None else (),
    )


def read_mean(path: str) -> np.ndarray:
    """Reads a mean image from a .binaryproto file.

    Args:
        path: The file.

    Returns:
        `[H, W, C]` float32, channels as in the file.

    Raises:
        OSError: If the file cannot be read.
        ForeignFileError: If it is no such file.
    """
    with errors.naming(path, ".binaryproto of Caffe with a mean image"):
        mean = _array(protobuf.Message(pathlib.Path(path).read_bytes()))
        if mean.ndim < 3 or mean.size != math.prod(mean.shape[-3:]):
            raise ForeignFileError(f"the axes {list(mean.shape)} instead of three")
    return mean.reshape(mean.shape[-3:]).transpose(1, 2, 0).astype(np.float32)
