"""Makes filters for flow of filters for colours, as a start for the temporal network.

L. Wang, Y. Xiong, Z. Wang, Y. Qiao, "Towards good practices for very deep two-stream ConvNets",
2015 (arXiv:1507.02159), "Pre-training for two-stream ConvNets".
"""

import numpy as np

from tf_twostream import paper


def codes_per_pixel(bound: float = paper.FLOW_BOUND) -> float:
    """Returns how many of 255 grey levels stand for one pixel of motion in [-bound, bound]."""
    return 255 / (2 * bound)


def flow_kernel(
    colour_kernel: np.ndarray,
    stack_length: int,
    *,
    bound: float = paper.FLOW_BOUND,
    deviation: float = paper.RGB_STDDEV,
) -> np.ndarray:
    """Makes the first layer for flow of one for colours: their mean, for each flow channel.

    The bias need not change: the mean colour and rest are both zero to the networks.

    Args:
        colour_kernel: `[H, W, 3, C_out]`, the first layer of a spatial network of this package.
        stack_length: L, flow fields per volume.
        bound: Displacement in pixels per frame that counts as half of the grey levels.
        deviation: What colours are divided by before the first layer.

    Returns:
        `[H, W, 2L, C_out]` in the type of `colour_kernel`, all channels alike.

    Raises:
        ValueError: If `colour_kernel` is not for three colours.
    """
    if colour_kernel.ndim != 4 or colour_kernel.shape[2] != 3:
        rule = "`colour_kernel` must be [H, W, 3, C_out], of a spatial network"
        raise ValueError(f"{rule}. Received: shape {colour_kernel.shape}.")
    # In that work both inputs are grey levels, with flow from [-bound, bound] mapped to [0, 255].
    # Here colours are divided, by 58 in CNN-M, and flow is in pixels per frame; a factor, 0.11 at a
    # bound of 20, makes a pixel of motion count as its 6.4 grey levels again.
    scale = codes_per_pixel(bound) / deviation
    mean = colour_kernel.mean(axis=2, keepdims=True, dtype=np.float64) * scale
    return np.repeat(mean.astype(colour_kernel.dtype), 2 * stack_length, axis=2)
