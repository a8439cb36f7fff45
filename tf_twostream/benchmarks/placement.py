"""Which ops of a traced function can run on a GPU, asked of TensorFlow without having one."""

import math
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

# There is no public way to ask.
from tensorflow.python.framework import kernels, op_def_registry

# Ops that compute nothing themselves; the functions that some of them call are looked at as well.
_NO_WORK = {"NoOp", "Placeholder", "_Arg", "_Retval", "Identity", "PartitionedCall",
            "StatefulPartitionedCall", "While", "StatelessWhile", "If", "StatelessIf"}  # fmt: skip


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    # What a `tf.function` calls, loops included, lies here and not among the nodes.
    for function in graph.library.function:
        yield from function.node_def


def _gpu_kernels(node: Any) -> list[Any]:
    """Lists the kernels that take the types of a node on a GPU."""
    registered = kernels.get_registered_kernels_for_op(node.op).kernel
    # "DEFAULT" are kernels for devices of any kind, mostly for bookkeeping.
    return [k for k in registered if k.device_type in ("GPU", "DEFAULT") and _fits(node, k)]


def _types(node: Any) -> str:
    return ", ".join(tf.dtypes.as_dtype(a.type).name for a in node.attr.values() if a.type)


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
        if node.op in _NO_WORK or not kernels.get_registered_kernels_for_op(node.op).kernel:
            continue
        if not _gpu_kernels(node):
            found.add(f"{node.op}({_types(node)})")
    return found


def ops_in_host_memory(
    function: tf.types.experimental.ConcreteFunction, *, more_than: int
) -> set[str]:
    """Names the GPU kernels that leave results in the memory of the CPU, as those of integers do.

    For shapes that is right. What has a number for each pixel is carried there and back.

    Args:
        function: A traced function.
        more_than: Numbers in a result that may lie there; sizes that are not known count as 1.

    Returns:
        For example {"Unpack(int64)"}, which no GPU kernel takes apart.
    """
    found = set()
    for node in _nodes(function.graph.as_graph_def(add_shapes=True)):
        results = op_def_registry.get(node.op)
        names = {argument.name for argument in results.output_arg} if results else set()
        shapes = node.attr["_output_shapes"].list.shape
        largest = max((math.prod(max(d.size, 1) for d in s.dim) for s in shapes), default=0)
        if largest > more_than and any(names & {*k.host_memory_arg} for k in _gpu_kernels(node)):
            found.add(f"{node.op}({_types(node)})")
    return found
