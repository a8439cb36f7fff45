"""The devices and hosts that share the training of a network."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from tf_twostream import inputs
from tf_twostream.processes import locks
from tf_twostream.training import hosts


def make_strategy(
    *, gpu_memory: float = 0.0, host_timeout: float = hosts.TIMEOUT
) -> tf.distribute.Strategy:
    """Chooses how a batch is split: over the hosts that train together, else over the own GPUs.

    Args:
        gpu_memory: Most GiB that this process takes of each GPU; 0 for no limit. Only before the
            first op.
        host_timeout: Seconds to wait for other hosts.

    Raises:
        ClusterError: If TF_CONFIG cannot be understood.
        SlurmError: If SLURM's variables cannot be.
        HostError: If a host is not there in time.
        PortError: If the port of this one is taken.
    """
    cluster = hosts.read_cluster()
    if gpu_memory:
        limit = [tf.config.LogicalDeviceConfiguration(memory_limit=1024 * gpu_memory)]
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.set_logical_device_configuration(gpu, limit)
    tf.get_logger().setLevel("WARNING")  # The start lines of a training say it, once.
    if cluster:
        hosts.meet(cluster, host_timeout)
        return _join(cluster)
    return of_this_host()


def of_this_host() -> tf.distribute.Strategy:
    """Returns the strategy of all GPUs of this host, or of its CPU."""
    # One device is mirrored as well: the same code runs on one GPU, on several, and in the tests.
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus] or ["CPU:0"])


def _join(cluster: hosts.Cluster) -> tf.distribute.Strategy:
    """Builds the strategy of hosts that have met.

    Raises:
        HostError: If one of them is gone by now.
    """
    # Until it returns, Python sees no signal: Ctrl-C then ends the process by itself.
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with wording_lost_hosts():
            return tf.distribute.MultiWorkerMirroredStrategy(_resolver(cluster))
    except tf.errors.OpError as error:
        given = f"{cluster.own} ({error.message.splitlines()[0]})"
        raise hosts.HostError(
            f"Hosts must be able to reach each other. Received: {given}."
        ) from error
    finally:
        signal.signal(signal.SIGINT, on_interrupt)
        # TensorFlow takes it for a notice of which it tells the other hosts, and trains on.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _resolver(cluster: hosts.Cluster) -> tf.distribute.cluster_resolver.ClusterResolver:
    """Tells TensorFlow the hosts, whoever named them; a chief is the first of the workers."""
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": cluster.addresses}),
        task_type="worker",
        task_id=cluster.addresses.index(cluster.own),
        rpc_layer="grpc",
    )


@contextlib.contextmanager
def wording_lost_hosts() -> Iterator[None]:
    """Names the host that is gone where an op fails for want of it.

    Raises:
        HostError: In the place of TensorFlow's error.
    """
    try:
        yield
    except tf.errors.OpError as error:
        cluster = hosts.read_cluster()
        if cluster is None or "Collective ops is aborted" not in str(error):
            raise
        gone = ", ".join(hosts.lost(cluster)) or "another host"
        rule = "All hosts must take part until the training ends"
        raise hosts.HostError(f"{rule}. Received: no answer from {gone}.") from error


def num_hosts(strategy: tf.distribute.Strategy) -> int:
    """Counts the processes that train together."""
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec().as_dict() if resolver else {}
    return sum(len(tasks) for tasks in cluster.values()) or 1


def is_first_host(strategy: tf.distribute.Strategy) -> bool:
    """Says whether this process is the one that writes."""
    return num_hosts(strategy) == 1 or strategy.cluster_resolver.task_id == 0


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
        Tuples of a batch per task; each device gets its own. Parts of a batch come to the device
        one by one, while it works on other batches, and are joined there.
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

    # Batches are padded to sizes that vary; without the relaxation each size would trace anew.
    @tf.function(reduce_retracing=True, autograph=False)
    def joined(batches: tuple[Any, ...]) -> Any:
        return strategy.run(
            lambda own: tuple(
                inputs.join(batch) if isinstance(batch, tuple) else batch for batch in own
            ),
            (batches,),
        )

    return map(joined, iter(strategy.distribute_datasets_from_function(on_host)))


def first_replica(batches: Any, strategy: tf.distribute.Strategy) -> Any:
    """Returns what the first device of this host has of distributed tensors."""
    return tf.nest.map_structure(lambda t: strategy.experimental_local_results(t)[0], batches)
