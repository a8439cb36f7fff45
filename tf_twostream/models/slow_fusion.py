"""Joins frames inside the network: "slow fusion" of [14] (paper, Sect. 6).

A. Karpathy et al., "Large-scale video classification with convolutional neural networks", CVPR
2014: conv1 is a convolution over time as well, with a stride of 2 frames; conv2 and conv3 each join
two successive responses, so that conv3 is the first layer that sees all frames.

The paper says nothing but that there are 11 frames. Assumed here: the body is CNN-M-2048 with the
normalisations of the spatial network, and each response is normalised and pooled by itself; there
are 4 responses as in [14], hence windows of 5 of the 11 frames where [14] has windows of 4 of 10;
layers are as wide as in the other streams.

A convolution over a few moments is a 2-D convolution whose input has these moments side by side as
channels. So windows and responses are samples of their own: 4 of each clip up to conv2, 2 up to
conv3.
"""

from collections.abc import Callable

import keras
from keras import ops

from tf_twostream import paper


def _windows(frames: keras.KerasTensor, extent: int) -> keras.KerasTensor:
    """Cuts clips `[B, H, W, 3T]` into windows `[4B, H, W, 3 * extent]`, a clip's in a row."""
    firsts = [paper.SLOW_FUSION_STRIDE * n for n in range(paper.SLOW_FUSION_RESPONSES)]
    windows = [frames[..., 3 * first : 3 * (first + extent)] for first in firsts]
    return ops.reshape(ops.stack(windows, axis=1), (-1, *windows[0].shape[1:]))


def _join_pairs(x: keras.KerasTensor) -> keras.KerasTensor:
    """Joins successive responses: `[2N, H, W, C]` to `[N, H, W, 2C]`, the earlier one first."""
    _, height, width, channels = x.shape
    pairs = ops.reshape(x, (-1, 2, height, width, channels))
    return ops.reshape(ops.transpose(pairs, (0, 2, 3, 1, 4)), (-1, height, width, 2 * channels))


def joints(extent: int) -> dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]]:
    """Returns what to apply to the input of each layer that joins moments, by the layer's name.

    Args:
        extent: Frames in each window of conv1; 5 of the paper's 11.
    """
    return {
        "conv1": lambda frames: _windows(frames, extent),
        "conv2": _join_pairs,
        "conv3": _join_pairs,
    }
