"""A network read from another program's file, in one form for all of them."""

import dataclasses
from typing import Any

import numpy as np

from tf_twostream.foreign_weights.errors import OtherNetworkError

# A convolution of which a file says nothing but the weights; a fully connected layer is one, too.
# Caffe's and MatConvNet's own defaults are the same.
PLAIN: dict[str, Any] = {
    "stride": (1, 1),
    "padding": (0, 0, 0, 0),
    "dilation": (1, 1),
    "groups": 1,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a chain.

    Attributes:
        name: Its name in the file.
        kind: conv, relu, lrn, pool or softmax. A fully connected layer is a convolution as large
            as its input. Any other kind has the name that the file gives it, in quotation marks;
            only `fitting` decides that our network has no such layer.
        settings: What the layer does, by kind. conv: `stride` (down, right), `padding` (top,
            bottom, left, right), `dilation` (down, right), all in pixels, and `groups`. relu:
            `slope` of the negative side. lrn: `n`, `k`, `alpha`, `beta` of
            b = a / (k + alpha * sum over n channels of a^2)^beta. pool: `method`, `size`,
            `stride`, `padding`.
        kernel: `[H, W, C_in, C_out]` float32; None unless the layer is a convolution.
        bias: `[C_out]` float32; None unless the layer is a convolution.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    kernel: np.ndarray | None = None
    bias: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class ForeignNetwork:
    """A chain of layers from the input to the logits, or to the softmax behind them.

    Attributes:
        layers: In the order of computation; layers that only matter in training are left out.
        is_bgr: Whether the first layer and the mean take colours as blue, green, red.
        mean: `[..., C]` float32, what is subtracted from the input, in grey levels; None if the
            file does not say.
        deviation: `[C]`, what the input is divided by after that; None for nothing.
        is_trunk: Whether there are convolutions alone: what follows them has to start afresh.
        class_names: K names; empty if the file has none.
        notes: What a user should know about how the file was read.
    """

    layers: tuple[Layer, ...]
    is_bgr: bool
    mean: np.ndarray | None = None
    deviation: np.ndarray | None = None
    is_trunk: bool = False
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks that there are weights, for they tell how many channels and classes there are.

        Raises:
            OtherNetworkError: If no layer has weights.
        """
        if not self._kernels:
            given = f"{len(self.layers)} layers without"
            raise OtherNetworkError(f"A network must hold layers with weights. Received: {given}.")

    @property
    def _kernels(self) -> list[np.ndarray]:
        return [layer.kernel for layer in self.layers if layer.kernel is not None]

    @property
    def input_channels(self) -> int:
        """C: three for colours, or 2L for x and y of L flow fields."""
        return self._kernels[0].shape[2]

    @property
    def num_classes(self) -> int:
        """K, the outputs of the last layer that has weights; of a trunk the fewest there can be."""
        return 2 if self.is_trunk else self._kernels[-1].shape[3]

    @property
    def num_weighted(self) -> int:
        """The number of layers that have weights."""
        return len(self._kernels)
