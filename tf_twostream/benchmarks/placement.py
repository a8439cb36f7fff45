"""Which ops of a traced function can run on a GPU, asked of TensorFlow without having one."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import kernels  # There is no public way to ask.

# Ops that compute nothing themselves; the functions that some of them call are looked at as well.
_NO_WORK = {"NoOp", "Placeholder", "_Arg", "_Retval", "Identity", "PartitionedCall",
            "StatefulPartitionedCall", "While", "StatelessWhile", "If", "StatelessIf"}  # fmt: skip


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    # What a `tf.function` calls, loops included, lies here and not among the nodes.
    for function in graph.library.function:
        yield from function.node_def


def _fits(node: Any, kernel: Any) -> bool:
    """Says whether the types of a node are among those that a kernel takes."""
    return all(
        node.attr[constraint.name].type in constraint.allowed_values.list.type
        for constraint in kernel.constraint
        if constraint.name in node.attr and constraint.allowed_values.list.type
    )


def ops_without_gpu_kernel(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """Names the ops, with their types, that TensorFlow would run on the CPU of a GPU machine.

    An op counts if no GPU kernel takes its types, as it is with gathering uint8. Each such op in
    the middle of others brings its input to the CPU and its output back. (Kernels that keep small
    integers such as shapes in host memory are GPU kernels.)

    Args:
        function: A traced function.

    Returns:
        For example {"GatherV2(uint8, int64)"}; empty where all can run on the GPU.
    """
    found = set()
    for node in _nodes(function.graph.as_graph_def()):
        registered = kernels.get_registered_kernels_for_op(node.op).kernel
        if node.op in _NO_WORK or not registered:
            continue
        # "DEFAULT" are kernels for devices of any kind, mostly for bookkeeping.
        devices = [k for k in registered if k.device_type in ("GPU", "DEFAULT")]
        if not any(_fits(node, kernel) for kernel in devices):
            types = (tf.dtypes.as_dtype(a.type).name for a in node.attr.values() if a.type)
            found.add(f"{node.op}({', '.join(types)})")
    return found
