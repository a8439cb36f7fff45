"""Batches in parts: each part is made by a stream of its own, and the device joins them."""

from collections.abc import Sequence

import tensorflow as tf

from tf_twostream.inputs.windows import Element
from tf_twostream.processes import workers

# One stream batches in one thread, which copies 1.75 MB a stack of 341x256 and ends at 5,400 stacks
# per second. A core decodes 430: a stream for every eight cores keeps up with them. A power of two,
# of which batches are multiples; on few cores one stream, where several were not faster.
SHARE = 8  # Cores.
MOST = 1 << ((workers.count_cores() - 1) // SHARE).bit_length()


def join(parts: Sequence[Element]) -> Element:
    """Joins the parts of a batch, and pads frames that are smaller than those of other parts.

    Args:
        parts: Of a batch of `inputs`, in their order.

    Returns:
        The batch, as one stream alone would make it; on the device, where that is current.
    """
    return {name: _join([part[name] for part in parts]) for name in parts[0]}


def _join(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    sizes = [tensor.shape[1:] for tensor in tensors]
    if any(not size.is_fully_defined() or size != sizes[0] for size in sizes):
        shapes = tf.stack([tf.shape(tensor) for tensor in tensors])
        missing = tf.reduce_max(shapes, axis=0) - shapes
        missing *= [0] + [1] * (shapes.shape[1] - 1)  # Parts have no samples to add.
        before = tf.zeros_like(missing)
        paddings = tf.unstack(tf.stack([before, missing], axis=2))
        tensors = [tf.pad(*padded) for padded in zip(tensors, paddings)]
    return tf.concat(tensors, axis=0)
