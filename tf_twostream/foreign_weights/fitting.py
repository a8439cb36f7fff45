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

from tf_twostream import models, paper
from tf_twostream.foreign_weights import network
from tf_twostream.foreign_weights.errors import OtherNetworkError


@dataclasses.dataclass(frozen=True)
class _Slot:
    """A layer of ours in the form of a foreign one; `side` is that of its input in pixels."""

    name: str
    kind: str
    settings: dict[str, Any]
    side: int = 0


def _weighted(name: str, kernel: tuple[int, ...], **settings: Any) -> _Slot:
    shapes = {"kernel": kernel, "biases": kernel[-1:]}
    return _Slot(name, "conv", {**network.PLAIN, **shapes, **settings})


def _conv_slots(model: keras.Model, row: paper.ConvLayer, chain: models.Chain) -> Iterator[_Slot]:
    # Shapes are those of the built network, which knows width, crop and channels of its recipe.
    layer = model.get_layer(row.name)
    number = row.name.removeprefix("conv")
    size = {"stride": (row.stride, row.stride), "padding": (row.padding,) * 4}
    yield _weighted(row.name, tuple(layer.kernel.shape), **size)
    yield _Slot(f"relu{number}", "relu", {"slope": 0})
    # The model knows whether its recipe normalises after conv2.
    if any(each.name == f"norm{number}" for each in model.layers):
        n = 2 * paper.LRN["depth_radius"] + 1
        yield _Slot(f"norm{number}", "lrn", {"n": n, "beta": paper.LRN["beta"]})
    if row.pool:
        # Ours rounds sizes up; foreign networks say the same by a padding at the end.
        side = layer.output.shape[1]
        window, step = chain.pool_size, chain.pool_stride
        short = -(side - window) % step
        settings = {
            "method": "max",
            "size": (window, window),
            "stride": (step, step),
            "padding": (0, short, 0, short),
        }
        yield _Slot(f"pool{number}", "pool", settings, side)


def _slots(model: keras.Model, chain: models.Chain, *, is_trunk: bool) -> Iterator[_Slot]:
    for row in chain.convolutions:
        yield from _conv_slots(model, row, chain)
    if is_trunk:
        return
    inputs = tuple(model.get_layer("flatten").input.shape[1:])
    for name in (*(name for name, _ in chain.full), models.LAST_LAYER):
        units = model.get_layer(name).units
        yield _weighted(name, (*inputs, units))
        if name != models.LAST_LAYER:
            yield _Slot(name.replace("full", "relu"), "relu", {"slope": 0})
        inputs = (1, 1, units)


def _in_effect(layer: network.Layer, slot: _Slot) -> dict[str, Any]:
    """Returns the settings of a foreign layer, as far as they matter at that place.

    Rows and columns added at the end of a pooling's input are never the maximum: they matter by
    how many outputs they add.
    """
    settings = dict(layer.settings)
    if layer.kernel is not None and layer.bias is not None:
        settings |= {"kernel": layer.kernel.shape, "biases": layer.bias.shape}
    if layer.kind == "pool":
        top, bottom, left, right = settings["padding"]
        side, step = slot.settings["size"][0], slot.settings["stride"][0]
        without = (slot.side - side) // step
        added = [(slot.side + more - side) // step - without for more in (bottom, right)]
        settings["padding"] = (top, added[0], left, added[1])
    return settings


def _check_layer(layer: network.Layer, slot: _Slot, ours: str) -> None:
    settings = _in_effect(layer, slot)
    differing = [name for name in slot.settings if settings[name] != slot.settings[name]]
    if differing:
        wanted, found = (
            ", ".join(f"{name}={values[name]}" for name in differing)
            for values in (slot.settings, settings)
        )
        rule = f"Layer {layer.name} must have {wanted} to be {slot.name} of {ours}"
        raise OtherNetworkError(f"{rule}. Received: {found}.")
    # To be folded, k is divided by, and alpha as well in the convolution that follows.
    if layer.kind == "lrn" and not (layer.settings["k"] > 0 and layer.settings["alpha"] > 0):
        raise ValueError(f"k and alpha of {layer.name} must be positive. Received: {settings}.")
    arrays = [array for array in (layer.kernel, layer.bias) if array is not None]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"Weights must be finite. Received: NaN or infinity in {layer.name}.")


def _match(
    foreign: network.ForeignNetwork, model: keras.Model, architecture: models.Architecture
) -> list[tuple[_Slot, network.Layer]]:
    """Pairs our layers with the foreign ones; a softmax behind the logits is left over.

    Raises:
        OtherNetworkError: If a layer is missing, too many, or another one.
        ValueError: If it has numbers that cannot be computed with.
    """
    layers = foreign.layers
    if layers[-1].kind == "softmax":
        layers = layers[:-1]
    if architecture.chain is None:
        rule = "A network to convert must have layers that follow one another"
        raise OtherNetworkError(f"{rule}. Received: {architecture.name}.")
    slots = _slots(model, architecture.chain, is_trunk=foreign.is_trunk)
    pairs, before = [], "the input"
    for slot, layer in itertools.zip_longest(slots, layers):
        # Kinds come first: layers of different kinds have different settings to compare.
        if slot is None or layer is None or slot.kind != layer.kind:
            wanted = f"{slot.name} ({slot.kind})" if slot else "nothing"
            found = f"{layer.name} ({layer.kind})" if layer else "the end of the file"
            rule = f"A {model.name} network must be {architecture.name}, where"
            raise OtherNetworkError(f"{rule} after {before} comes {wanted}. Received: {found}.")
        _check_layer(layer, slot, architecture.name)
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
    model: keras.Model,
    foreign: network.ForeignNetwork,
    architecture: models.Architecture,
    *,
    scale: float | np.ndarray,
    shift: np.ndarray,
) -> list[str]:
    """Sets the weights of our network to those of a foreign one.

    The foreign input is `scale * x + shift`, x being the input of our first layer. Its kernel w
    becomes `scale * w`, and its bias grows by the sum of `w * shift`. This is exact where that
    layer has no padding, as in CNN-M, and elsewhere if the shift is 0.

    Args:
        model: Our network; its layers decide what is allowed in the file.
        foreign: The network of the file.
        architecture: That of our network.
        scale: Units of the foreign input per unit of ours, a number or `[C]`, channels in our
            order.
        shift: `[C]`, in units of the foreign input, channels in our order.

    Returns:
        Notes on normalisations that were folded.

    Raises:
        OtherNetworkError: If the foreign network computes something that ours cannot.
        ValueError: If its weights are not finite.
    """
    notes, carried, current = [], 1.0, ""
    weights: dict[str, list[np.ndarray]] = {}
    for slot, layer in _match(foreign, model, architecture):
        if layer.kernel is not None and layer.bias is not None:
            current = slot.name
            # The input is `carried` times too large. The bias is not, for it is added afterwards.
            weights[current] = [layer.kernel / np.float32(carried), layer.bias]
            carried = 1.0
        if layer.kind == "lrn":
            before, carried = _factors(layer)
            weights[current] = [array * np.float32(before) for array in weights[current]]
            # Caffe keeps n alpha as a float32: what was meant as 1e-4 comes out as 1.00000005e-4.
            if not math.isclose(before, 1, rel_tol=1e-5):
                k, alpha = (layer.settings[name] for name in ("k", "alpha"))
                ours = f"{paper.LRN['bias']:g}, {paper.LRN['alpha']:g}"
                notes.append(
                    f"{layer.name} has k = {k:g}, alpha = {alpha:g} where ours has {ours}: folded "
                    f"into {current} and the convolution after it, exactly"
                )
    kernel, bias = weights[architecture.first]
    kernel = kernel[:, :, ::-1] if foreign.is_bgr else kernel
    # In float64, because it is a sum of 7 x 7 x C products, 980 of them for ten flow fields.
    offset = np.einsum("hwio,i->o", kernel.astype(np.float64), shift)
    scales = np.broadcast_to(np.asarray(scale, np.float32), shift.shape)[
        :, None
    ]  # By input channel.
    weights[architecture.first] = [kernel * scales, bias + offset]
    for name, (kernel, bias) in weights.items():
        layer = model.get_layer(name)
        layer.set_weights([kernel.reshape(layer.kernel.shape), bias])
    return notes
