"""The devices and hosts that share the training of a network."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tf_twostream.processes import locks


def make_strategy(*, gpu_memory: float = 0.0) -> tf.distribute.Strategy:
    """Chooses how a batch is split: over the hosts in TF_CONFIG, else over this host's GPUs.

    Args:
        gpu_memory: Most GiB that this process takes of each GPU; 0 for no limit. Only before the
            first op.
    """
    if gpu_memory:
        limit = [tf.config.LogicalDeviceConfiguration(memory_limit=1024 * gpu_memory)]
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.set_logical_device_configuration(gpu, limit)
    tf.get_logger().setLevel("WARNING")  # The start lines of a training say it, once.
    if _read_cluster():
        return tf.distribute.MultiWorkerMirroredStrategy()
    # One device is mirrored as well: the same code runs on one GPU, on several, and in the tests.
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus] or ["CPU:0"])


class ClusterError(ValueError):
    """The environment variable TF_CONFIG does not describe hosts that train together."""


def _read_cluster() -> dict[str, list[str]]:
    """Reads and checks TF_CONFIG: the addresses of the hosts by their job; empty without it.

    Raises:
        ClusterError: If it is no JSON, or has other jobs than chief and worker, or no such task.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return {}
    rule = "TF_CONFIG must be JSON with a cluster of chief and worker and a task of it"
    try:
        content = json.loads(text)
        cluster = content.get("cluster", {})
        if not cluster:
            return {}
        task = content["task"]
        hosts = cluster[task["type"]]
        known = set(cluster) <= {"chief", "worker"} and 0 <= int(task["index"]) < len(hosts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(f"{rule}. Received: {text} ({type(error).__name__}).") from error
    if not known or len(cluster.get("chief", [])) > 1:
        raise ClusterError(f"{rule}. Received: {text}.")
    return cluster


def num_hosts(strategy: tf.distribute.Strategy) -> int:
    """Counts the processes that train together."""
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec().as_dict() if resolver else {}
    return sum(len(tasks) for tasks in cluster.values()) or 1


def is_first_host(strategy: tf.distribute.Strategy) -> bool:
    """Says whether this process is the one that writes: the chief, or else the first worker."""
    if num_hosts(strategy) == 1:
        return True
    own = strategy.cluster_resolver
    has_chief = "chief" in own.cluster_spec().as_dict()
    return own.task_type == "chief" if has_chief else own.task_id == 0


def device_name() -> str:
    """Names the kind of device that trains, for people."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def uses_tf32() -> bool:
    """Says whether float32 convolutions and products are computed in TF32, with 11 bits.

    GPUs since Ampere do so unless it is switched off: it is several times as fast.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus or not tf.config.experimental.tensor_float_32_execution_enabled():
        return False
    details = tf.config.experimental.get_device_details(gpus[0])
    return details.get("compute_capability", (0, 0)) >= (8, 0)


def sole_writer(
    strategy: tf.distribute.Strategy, folder: str | os.PathLike[str]
) -> contextlib.AbstractContextManager[None]:
    """Keeps other processes out of a run folder; only the first host writes to it."""
    if is_first_host(strategy):
        return locks.exclusive(os.fspath(folder))
    return contextlib.nullcontext()


def check_equal_hosts(strategy: tf.distribute.Strategy) -> None:
    """Checks that hosts which train together have the same number of GPUs.

    Raises:
        ValueError: If they have not.
    """
    # Each host reads an equal share of a batch, and would give its devices unequal parts of it.
    own = max(1, len(tf.config.list_logical_devices("GPU")))
    hosts, devices = num_hosts(strategy), strategy.num_replicas_in_sync
    if hosts > 1 and own * hosts != devices:
        given = f"{own} here, {devices} on {hosts} hosts"
        raise ValueError(f"All hosts must have the same number of GPUs. Received: {given}.")


def distribute(
    strategy: tf.distribute.Strategy,
    streams: Sequence[Callable[..., tf.data.Dataset]],
    first_iteration: int,
) -> Iterator[Any]:
    """Starts the stream of training batches, spread over hosts and devices.

    Args:
        strategy: The devices.
        streams: Of each task, what `videos.Learnt` has.
        first_iteration: Iteration to start from.

    Returns:
        Tuples of a batch per task; each device gets its own.
    """
    check_equal_hosts(strategy)

    # Not `experimental_distribute_dataset`, which would let each host decode the whole batch and
    # throw away what is not its own.
    def on_host(host: tf.distribute.InputContext) -> tf.data.Dataset:
        own = [
            stream(
                first_iteration=first_iteration,
                shard=host.input_pipeline_id,
                num_shards=host.num_input_pipelines,
                num_replicas=host.num_replicas_in_sync,
            )
            for stream in streams
        ]
        return tf.data.Dataset.zip(tuple(own))

    return iter(strategy.distribute_datasets_from_function(on_host))


def first_replica(batches: Any, strategy: tf.distribute.Strategy) -> Any:
    """Returns what the first device of this host has of distributed tensors."""
    return tf.nest.map_structure(lambda t: strategy.experimental_local_results(t)[0], batches)
