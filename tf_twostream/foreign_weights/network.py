"""A network read from another program's file, in one form for all of them."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a chain.

    Attributes:
        name: Its name in the file.
        kind: conv, relu, lrn, pool or softmax. A fully connected layer is a convolution as large
            as its input.
        settings: What the layer does, by kind. conv: `stride` (down, right), `padding` (top,
            bottom, left, right), both in pixels. relu: `slope` of the negative side. lrn: `n`,
            `k`, `alpha`, `beta` of b = a / (k + alpha * sum over n channels of a^2)^beta. pool:
            `method`, `size`, `stride`, `padding`.
        kernel: `[H, W, C_in, C_out]` float32; None unless the layer is a convolution.
        bias: `[C_out]` float32; None unless the layer is a convolution.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    kernel: np.ndarray | None = None
    bias: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A chain of layers from the input to the logits, or to the softmax behind them.

    Attributes:
        layers: In the order of computation; layers that only matter in training are left out.
        is_bgr: Whether the first layer and the mean take colours as blue, green, red.
        mean: `[..., C]` float32, what is subtracted from the input, in grey levels; None if the
            file does not say.
        class_names: K names; empty if the file has none.
        notes: What a user should know about how the file was read.
    """

    layers: tuple[Layer, ...]
    is_bgr: bool
    mean: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
