"""Reads networks and mean images from .mat files, as MatConvNet's SimpleNN keeps them."""

from typing import Any

import numpy as np

from tf_twostream.foreign_weights import errors, matlab, network
from tf_twostream.foreign_weights.errors import OtherFormError, OtherNetworkError

_KINDS: dict[type, str] = {
    dict: "a struct",
    list: "a cell array",
    str: "a text",
    np.ndarray: "numbers",
}

Fields = dict[str, Any]


def _check(value: Any, kind: type, what: str) -> Any:
    """Returns a value that is of one kind and, if it is an array, not empty."""
    if not isinstance(value, kind) or isinstance(value, np.ndarray) and not value.size:
        given = " ".join(repr(value).split())[:40]  # An array's takes several lines.
        raise OtherNetworkError(f"{what} must be {_KINDS[kind]}. Received: {given}.")
    return value


def _numbers(layer: Fields, name: str, default: float, count: int) -> tuple[float, ...]:
    """Returns the numbers of a field, of which the file may hold one for all."""
    what = f"`{name}` of layer {layer['name']}"
    values = _check(layer.get(name, np.array(default)), np.ndarray, what).ravel().tolist()
    if len(values) not in (1, count):
        raise OtherNetworkError(f"{what} must hold {count} numbers or one. Received: {values}.")
    return tuple(values if len(values) == count else values * count)


def _conv(layer: Fields) -> network.Layer:
    weights = [layer.get("filters"), layer.get("biases")]  # Before version 1.0-beta11.
    if "weights" in layer:
        weights = _check(layer["weights"], list, f"`weights` of layer {layer['name']}")
    if len(weights) != 2:
        rule = f"`weights` of layer {layer['name']} must hold filters and biases"
        raise OtherNetworkError(f"{rule}. Received: {len(weights)} cells.")
    what = f"each of filters and biases of layer {layer['name']}"
    filters, biases = (_check(value, np.ndarray, what) for value in weights)
    # MATLAB drops trailing axes of length 1.
    kernel = filters.reshape(filters.shape + (1,) * (4 - filters.ndim))
    settings = {
        **network.PLAIN,  # The third axis of the filters tells the groups.
        "stride": _numbers(layer, "stride", 1, 2),
        "padding": _numbers(layer, "pad", 0, 4),
        "dilation": _numbers(layer, "dilate", 1, 2),
    }
    return network.Layer(layer["name"], "conv", settings, kernel, biases.ravel())


def _relu(layer: Fields) -> network.Layer:
    [slope] = _numbers(layer, "leak", 0, 1)
    return network.Layer(layer["name"], "relu", {"slope": slope})


def _normalize(layer: Fields) -> network.Layer:
    values = _numbers(layer, "param", np.nan, 4)  # It has no default; NaN fits no network.
    return network.Layer(layer["name"], "lrn", dict(zip(("n", "k", "alpha", "beta"), values)))


def _pool(layer: Fields) -> network.Layer:
    settings = {
        "method": _check(layer.get("method", "max"), str, f"`method` of layer {layer['name']}"),
        "size": _numbers(layer, "pool", 1, 2),
        "stride": _numbers(layer, "stride", 1, 2),
        "padding": _numbers(layer, "pad", 0, 4),
    }
    return network.Layer(layer["name"], "pool", settings)


def _softmax(layer: Fields) -> network.Layer:
    return network.Layer(layer["name"], "softmax", {})


_READERS = {
    "conv": _conv,
    "relu": _relu,
    "normalize": _normalize,
    "lrn": _normalize,
    "pool": _pool,
    "softmax": _softmax,
    "softmaxloss": _softmax,  # Published files keep the layer of training at the end.
}


def _layer(value: Any, number: int) -> network.Layer | None:
    """Returns a layer, or None where it does nothing once trained."""
    fields = {"name": f"layer {number}", **_check(value, dict, f"Layer {number}")}
    name = _check(fields["name"], str, f"The name of layer {number}")
    kind = _check(fields.get("type"), str, f"The type of layer {name}")
    if kind == "dropout":
        return None
    reader = _READERS.get(kind)
    return reader(fields) if reader else network.Layer(name, repr(kind), {})


def _class_names(meta: Fields) -> tuple[str, ...]:
    """Returns "id description" of each class, as Caffe's synset_words.txt has it.

    Descriptions alone are not distinct: ImageNet has two kinds of crane.
    """
    fields = _check(meta.get("classes", {}), dict, "`classes`")
    columns = [
        [_check(cell, str, f"A cell of `{name}`") for cell in _check(fields[name], list, name)]
        for name in ("name", "description")
        if name in fields
    ]
    return tuple(" ".join(words) for words in zip(*columns))


def _variables(path: str, needed: str) -> Fields:
    """Reads the variables of a .mat file, of which one is needed."""
    variables = matlab.read(path)
    if needed not in variables:
        given = f"{path} with {', '.join(variables) or 'no variable'}"
        raise OtherFormError(f"A .mat file must hold a variable `{needed}`. Received: {given}.")
    return variables


def read(path: str) -> network.ForeignNetwork:
    """Reads a SimpleNN network, colours in the order red, green, blue.

    Args:
        path: A .mat file of version 7 or older with the variables `layers` and, if the file is to
            say what is subtracted from the input and what the classes are called, `meta` (or
            `normalization` and `classes`, before 1.0-beta17).

    Returns:
        The network.

    Raises:
        OSError: If the file cannot be read.
        ForeignFileError: If it is damaged, cut off or of another kind.
        OtherFormError: If it is of version 7.3, or has no variable `layers`.
        OtherNetworkError: If it is not a chain of layers for colours.
    """
    variables = _variables(path, "layers")
    with errors.naming(path, ".mat file of MATLAB"):
        cells = _check(variables["layers"], list, "`layers`")
        layers = tuple(layer for n, cell in enumerate(cells) if (layer := _layer(cell, n)))
        meta = _check(variables.get("meta", variables), dict, "`meta`")
        normalization = _check(meta.get("normalization", {}), dict, "`normalization`")
        mean = None
        if "averageImage" in normalization:
            image = _check(normalization["averageImage"], np.ndarray, "`averageImage`")
            mean = image.astype(np.float32)
        names = _class_names(meta)
        foreign = network.ForeignNetwork(layers, is_bgr=False, mean=mean, class_names=names)
        # Nobody has agreed on the order in which a network of MatConvNet takes x and y of flow.
        if foreign.input_channels != 3:
            rule = "A network of MatConvNet must take 3 channels, red, green and blue"
            raise OtherNetworkError(f"{rule}. Received: {foreign.input_channels}.")
    return foreign


def read_mean(path: str) -> np.ndarray:
    """Reads the variable `image_mean` of a .mat file.

    Args:
        path: The file.

    Returns:
        `[H, W, C]` float32, channels as in the file.

    Raises:
        OSError: If the file cannot be read.
        ForeignFileError: If it is damaged, cut off or of another kind.
        OtherFormError: If it is of version 7.3, or has no such variable.
        OtherNetworkError: If the variable does not hold numbers.
    """
    image = _variables(path, "image_mean")["image_mean"]
    return _check(image, np.ndarray, f"`image_mean` of {path}").astype(np.float32)
