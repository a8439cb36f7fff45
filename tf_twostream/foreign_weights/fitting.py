"""Puts the weights of a foreign network into ours, if it computes the same.

Two differences are folded into weights, exactly: how the input is scaled and shifted, and k and
alpha of the normalisations. Any other difference is an error that names the layer.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tf_twostream import paper
from tf_twostream.foreign_weights import network
from tf_twostream.models import cnn_m

_POOL, _STEP = 3, 2  # Pixels; "Pools are 3x3 with stride 2" (paper, Sect. 5).


@dataclasses.dataclass(frozen=True)
class _Slot:
    """A layer of ours in the form of a foreign one; `side` is that of its input in pixels."""

    name: str
    kind: str
    settings: dict[str, Any]
    side: int = 0


def _conv_slots(model: keras.Model, row: paper.ConvLayer) -> Iterator[_Slot]:
    layer = model.get_layer(row.name)
    number = row.name.removeprefix("conv")
    settings: dict[str, Any] = {
        "kernel": tuple(layer.kernel.shape),
        "stride": (row.stride, row.stride),
        "padding": (row.padding,) * 4,
    }
    yield _Slot(row.name, "conv", settings)
    yield _Slot(f"relu{number}", "relu", {"slope": 0})
    if any(each.name == f"norm{number}" for each in model.layers):
        n = 2 * paper.LRN["depth_radius"] + 1
        yield _Slot(f"norm{number}", "lrn", {"n": n, "beta": paper.LRN["beta"]})
    if row.pool:
        side = layer.output.shape[1]
        short = (side - _POOL) % _STEP
        settings = {
            "method": "max",
            "size": (_POOL, _POOL),
            "stride": (_STEP, _STEP),
            "padding": (0, short, 0, short),
        }
        yield _Slot(f"pool{number}", "pool", settings, side)


def _slots(model: keras.Model) -> Iterator[_Slot]:
    for row in paper.CONV_LAYERS:
        yield from _conv_slots(model, row)
    inputs = tuple(model.get_layer("flatten").input.shape[1:])
    for name in (*(name for name, _ in paper.FULL_LAYERS), cnn_m.LAST_LAYER):
        units = model.get_layer(name).units
        settings = {"kernel": (*inputs, units), "stride": (1, 1), "padding": (0, 0, 0, 0)}
        yield _Slot(name, "conv", settings)
        if name != cnn_m.LAST_LAYER:
            yield _Slot(name.replace("full", "relu"), "relu", {"slope": 0})
        inputs = (1, 1, units)


def _in_effect(layer: network.Layer, slot: _Slot) -> dict[str, Any]:
    """Returns the settings of a foreign layer, as far as they matter at that place.

    Rows and columns added at the end of a pooling's input are never the maximum: they matter by
    how many outputs they add.
    """
    settings = dict(layer.settings)
    if layer.kernel is not None:
        settings["kernel"] = layer.kernel.shape
    if layer.kind == "pool":
        top, bottom, left, right = settings["padding"]
        without = (slot.side - _POOL) // _STEP
        added = [(slot.side + more - _POOL) // _STEP - without for more in (bottom, right)]
        settings["padding"] = (top, added[0], left, added[1])
    return settings


def _check_layer(layer: network.Layer, slot: _Slot) -> None:
    settings = _in_effect(layer, slot)
    differing = [name for name in slot.settings if settings[name] != slot.settings[name]]
    if differing:
        wanted, found = (
            ", ".join(f"{name}={values[name]}" for name in differing)
            for values in (slot.settings, settings)
        )
        raise ValueError(
            f"Layer {layer.name} must have {wanted} to be {slot.name} of CNN-M-2048. "
            f"Received: {found}. Is it a network of another --width or --crop_size?"
        )
    if layer.kind == "lrn" and not (layer.settings["k"] > 0 and layer.settings["alpha"] > 0):
        raise ValueError(f"k and alpha of {layer.name} must be positive. Received: {settings}.")
    if layer.kernel is not None and layer.bias is not None:
        if layer.bias.shape != layer.kernel.shape[-1:]:
            raise ValueError(
                f"Layer {layer.name} must have {layer.kernel.shape[-1]} biases, one per output. "
                f"Received: {layer.bias.size}."
            )
        if not (np.isfinite(layer.kernel).all() and np.isfinite(layer.bias).all()):
            raise ValueError(
                f"Weights must be finite. Received: NaN or infinity in layer {layer.name}."
            )


def _match(foreign: network.Network, model: keras.Model) -> list[tuple[_Slot, network.Layer]]:
    """Pairs our layers with the foreign ones; a softmax behind the logits is left over.

    Raises:
        ValueError: If a layer is missing, too many, or another one.
    """
    layers = foreign.layers
    if layers and layers[-1].kind == "softmax":
        layers = layers[:-1]
    pairs, before = [], "the input"
    for slot, layer in itertools.zip_longest(_slots(model), layers):
        if slot is None or layer is None or slot.kind != layer.kind:
            wanted = f"{slot.name} ({slot.kind})" if slot else "nothing"
            found = f"{layer.name} ({layer.kind})" if layer else "the end of the file"
            raise ValueError(
                f"A {model.name} network must be CNN-M-2048 layer by layer (paper, Fig. 1 and "
                f"Sect. 5): after {before} comes {wanted}. Received: {found}."
            )
        _check_layer(layer, slot)
        pairs.append((slot, layer))
        before = layer.name
    return pairs


def _factors(layer: network.Layer) -> tuple[float, float]:
    """Returns what makes our normalisation equal a foreign one: (before, after) it.

    With b = a / (k + alpha s)^beta, s the sum of a^2, and ours with k', alpha': if all a are
    multiplied by c = sqrt(alpha k' / (alpha' k)), then k' + alpha' c^2 s = (k' / k)(k + alpha s),
    so that ours gives c (k / k')^beta b. ReLU and max-pooling let both factors pass.
    """
    k, alpha, beta = (layer.settings[name] for name in ("k", "alpha", "beta"))
    before = math.sqrt(alpha * paper.LRN["bias"] / (paper.LRN["alpha"] * k))
    return before, before * (k / paper.LRN["bias"]) ** beta


def fill(
    model: keras.Model, foreign: network.Network, *, scale: float, shift: np.ndarray
) -> list[str]:
    """Sets the weights of our network to those of a foreign one.

    The foreign input is `scale * x + shift`, x being the input of our conv1. Since conv1 has no
    padding, its kernel w becomes `scale * w` and its bias grows by the sum of `w * shift`.

    Args:
        model: Our network; its layers decide what is allowed in the file.
        foreign: The network of the file.
        scale: Units of the foreign input per unit of ours.
        shift: `[C]`, in units of the foreign input, channels in our order.

    Returns:
        Notes on normalisations that were folded.

    Raises:
        ValueError: If the foreign network computes something that ours cannot.
    """
    pairs = _match(foreign, model)
    notes, carried, current = [], 1.0, ""
    weights: dict[str, list[np.ndarray]] = {}
    for slot, layer in pairs:
        if layer.kernel is not None and layer.bias is not None:
            current = slot.name
            weights[current] = [layer.kernel / np.float32(carried), layer.bias]
            carried = 1.0
        if layer.kind == "lrn":
            before, carried = _factors(layer)
            weights[current] = [array * np.float32(before) for array in weights[current]]
            if not math.isclose(before, 1, rel_tol=1e-5):
                k, alpha = (layer.settings[name] for name in ("k", "alpha"))
                notes.append(
                    f"{layer.name} has k = {k:g}, alpha = {alpha:g} where ours has "
                    f"{paper.LRN['bias']:g}, {paper.LRN['alpha']:g}: folded into {current} and the "
                    "convolution after it, exactly"
                )
    kernel, bias = weights["conv1"]
    kernel = kernel[:, :, ::-1] if foreign.is_bgr else kernel
    offset = np.einsum("hwio,i->o", kernel.astype(np.float64), shift)
    weights["conv1"] = [kernel * np.float32(scale), bias + offset]
    for name, (kernel, bias) in weights.items():
        layer = model.get_layer(name)
        layer.set_weights([kernel.reshape(layer.kernel.shape), bias])
    return notes
