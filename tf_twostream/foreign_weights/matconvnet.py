"""Reads networks and mean images from .mat files, as MatConvNet's SimpleNN keeps them."""

from typing import Any

import numpy as np

from tf_twostream.foreign_weights import matlab, network

_KINDS: dict[type, str] = {dict: "a struct", list: "a cell array", str: "a text"}


def _check(value: Any, kind: type, what: str) -> Any:
    """Returns a value that is of one kind."""
    if not isinstance(value, kind):
        raise ValueError(f"{what} must be {_KINDS[kind]}.")
    return value


def _array(value: Any, what: str) -> np.ndarray:
    if not isinstance(value, np.ndarray) or not value.size:
        raise ValueError(f"{what} must hold numbers.")
    return value


def _numbers(layer: dict[str, Any], name: str, default: float) -> list[float]:
    return _array(layer.get(name, np.array(default)), f"`{name}`").ravel().tolist()


def _sides(layer: dict[str, Any], name: str, default: int, count: int) -> tuple[float, ...]:
    """Returns 2 or 4 lengths in pixels, of which the file may hold one for all."""
    values = _numbers(layer, name, default)
    if len(values) not in (1, count):
        raise ValueError(f"`{name}` must hold 1 or {count} numbers. Received: {values}.")
    return tuple(values) if len(values) == count else tuple(values * count)


def _conv(layer: dict[str, Any]) -> dict[str, Any]:
    weights = [layer.get("filters"), layer.get("biases")]  # Before version 1.0-beta11.
    if "weights" in layer:
        weights = _check(layer["weights"], list, "`weights`")
    if len(weights) != 2:
        raise ValueError(f"`weights` must hold filters and biases. Received: {len(weights)} cells.")
    filters, biases = (_array(value, "each of filters and biases") for value in weights)
    if set(_numbers(layer, "dilate", 1)) != {1} or filters.ndim > 4:
        raise ValueError("its filters must be [H, W, C_in, C_out], without dilation.")
    shape = (*filters.shape, 1, 1)[:4]  # MATLAB drops trailing axes of length 1.
    settings = {"stride": _sides(layer, "stride", 1, 2), "padding": _sides(layer, "pad", 0, 4)}
    return {"settings": settings, "kernel": filters.reshape(shape), "bias": biases.ravel()}


def _relu(layer: dict[str, Any]) -> dict[str, Any]:
    return {"settings": {"slope": _numbers(layer, "leak", 0)[0]}}


def _normalize(layer: dict[str, Any]) -> dict[str, Any]:
    values = _numbers(layer, "param", np.nan)
    if len(values) != 4:
        raise ValueError(f"`param` must be [N kappa alpha beta]. Received: {values}.")
    return {"settings": dict(zip(("n", "k", "alpha", "beta"), values))}


def _pool(layer: dict[str, Any]) -> dict[str, Any]:
    settings = {
        "method": _check(layer.get("method", "max"), str, "`method`"),
        "size": _sides(layer, "pool", 1, 2),
        "stride": _sides(layer, "stride", 1, 2),
        "padding": _sides(layer, "pad", 0, 4),
    }
    return {"settings": settings}


def _softmax(layer: dict[str, Any]) -> dict[str, Any]:
    return {"settings": {}}


_READERS = {
    "conv": ("conv", _conv),
    "relu": ("relu", _relu),
    "normalize": ("lrn", _normalize),
    "lrn": ("lrn", _normalize),
    "pool": ("pool", _pool),
    "softmax": ("softmax", _softmax),
    "softmaxloss": ("softmax", _softmax),
}


def _layer(value: Any, number: int) -> network.Layer | None:
    """Returns a layer, or None where it does nothing once trained."""
    fields = _check(value, dict, f"layer {number}")
    name = _check(fields.get("name", f"layer {number}"), str, f"the name of layer {number}")
    kind = _check(fields.get("type"), str, f"the type of layer {name}")
    if kind == "dropout":
        return None
    if kind not in _READERS:
        raise ValueError(
            f"Layers must be {', '.join(_READERS)} or dropout. Received: {name}, {kind!r}."
        )
    ours, reader = _READERS[kind]
    try:
        return network.Layer(name, ours, **reader(fields))
    except ValueError as error:
        raise ValueError(f"Layer {name}: {error}") from error


def _class_names(meta: dict[str, Any]) -> tuple[str, ...]:
    """Returns "id description" of each class, as Caffe's synset_words.txt has it.

    Descriptions alone are not distinct: ImageNet has two kinds of crane.
    """
    fields = _check(meta.get("classes", {}), dict, "`classes`")
    columns = [
        [_check(cell, str, f"a cell of `{name}`") for cell in _check(fields[name], list, name)]
        for name in ("name", "description")
        if name in fields
    ]
    return tuple(" ".join(words) for words in zip(*columns))


def _network(variables: dict[str, Any]) -> network.Network:
    if "layers" not in variables:
        raise ValueError(
            "It must hold a SimpleNN network: the variable `layers`. Received: "
            f"{', '.join(variables) or 'no variable'}. Is the network a struct `net`? In MATLAB: "
            "save('it.mat', '-struct', 'net')."
        )
    cells = _check(variables["layers"], list, "`layers`")
    layers = [layer for n, cell in enumerate(cells) if (layer := _layer(cell, n))]
    colours = [layer.kernel.shape[2] for layer in layers if layer.kernel is not None][:1]
    if colours != [3]:
        raise ValueError(
            "The first convolution must take 3 channels, red, green and blue: in which order a "
            f"network of MatConvNet takes flow is not agreed. Received: {colours}."
        )
    meta = _check(variables.get("meta", variables), dict, "`meta`")
    normalization = _check(meta.get("normalization", {}), dict, "`normalization`")
    mean = None
    if "averageImage" in normalization:
        mean = _array(normalization["averageImage"], "`averageImage`").astype(np.float32)
    return network.Network(
        tuple(layers),
        is_bgr=False,
        mean=mean,
        class_names=_class_names(meta),
    )


def read(path: str) -> network.Network:
    """Reads a SimpleNN network, colours in the order red, green, blue.

    Args:
        path: A .mat file of version 7 or older with the variables `layers` and, if the file is to
            say what is subtracted from the input and what the classes are called, `meta` (or
            `normalization` and `classes`, before 1.0-beta17).

    Returns:
        The network.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is of version 7.3, cut off, or not a chain of known layers.
    """
    variables = matlab.read(path)
    try:
        return _network(variables)
    except ValueError as error:
        raise ValueError(f"{path} cannot be converted. {error}") from error


def read_mean(path: str) -> np.ndarray:
    """Reads the variable `image_mean` of a .mat file.

    Args:
        path: The file.

    Returns:
        `[H, W, C]` float32, channels as in the file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it has no such variable.
    """
    variables = matlab.read(path)
    if "image_mean" not in variables:
        raise ValueError(
            f"A mean image is the variable `image_mean`. Received: {path} with "
            f"{', '.join(variables) or 'no variable'}."
        )
    return _array(variables["image_mean"], f"`image_mean` of {path}").astype(np.float32)
