"""Colour filters as filters for flow: a start for the temporal network.

L. Wang, Y. Xiong, Z. Wang, Y. Qiao, "Towards good practices for very deep two-stream ConvNets",
2015 (arXiv:1507.02159), "Pre-training for two-stream ConvNets".
"""

import numpy as np

from tf_twostream import paper

FLOW_BOUND = 20.0  # Pixels per frame; flow images of the authors' dense_flow run from -20 to 20.


def codes_per_pixel(bound: float = FLOW_BOUND) -> float:
    """Returns how many of 255 grey levels stand for a pixel of motion in [-bound, bound]."""
    return 255 / (2 * bound)


def flow_kernel(
    colour_kernel: np.ndarray, stack_length: int, *, bound: float = FLOW_BOUND
) -> np.ndarray:
    """Makes a first layer for flow of one for colours: their mean, for each flow channel.

    In that work both inputs are grey levels, flow [-bound, bound] being mapped to [0, 255]. Ours
    are not: colours are divided by 58 before the first layer, and flow is in pixels per frame.
    Kernels that compute the same are multiplied by 255 / (2 bound) / 58, 0.11 at a bound of 20:
    a pixel of motion then counts as much as 6.4 grey levels. The bias stays: the mean
    colour and rest are both zero to the networks.

    Args:
        colour_kernel: `[H, W, 3, C_out]`, conv1 of a spatial network of ours.
        stack_length: L, flow fields per volume.
        bound: Displacement in pixels per frame that counts as half of the grey levels.

    Returns:
        `[H, W, 2L, C_out]` in the type of `colour_kernel`, all channels alike.

    Raises:
        ValueError: If `colour_kernel` is not for three colours.
    """
    if colour_kernel.ndim != 4 or colour_kernel.shape[2] != 3:
        raise ValueError(
            "`colour_kernel` must be [H, W, 3, C_out], of a spatial network. "
            f"Received: shape {colour_kernel.shape}."
        )
    scale = codes_per_pixel(bound) / paper.RGB_STDDEV
    mean = colour_kernel.mean(axis=2, keepdims=True, dtype=np.float64) * scale
    return np.repeat(mean.astype(colour_kernel.dtype), 2 * stack_length, axis=2)
