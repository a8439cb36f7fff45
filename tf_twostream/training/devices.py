"""The devices and hosts that share the training of a network."""

import tensorflow as tf


def make_strategy() -> tf.distribute.Strategy:
    """Chooses how a batch is split: over the hosts in TF_CONFIG, else over this host's GPUs."""
    tf.get_logger().setLevel("WARNING")  # `describe` says it, once.
    cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec()
    if cluster.as_dict():
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus] or ["CPU:0"])


def num_hosts(strategy: tf.distribute.Strategy) -> int:
    """How many processes train together."""
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec().as_dict() if resolver else {}
    return sum(len(tasks) for tasks in cluster.values()) or 1


def is_first_host(strategy: tf.distribute.Strategy) -> bool:
    """Says whether this process is the one that writes."""
    return num_hosts(strategy) == 1 or strategy.cluster_resolver.task_id == 0


def kind() -> str:
    """Names the kind of device that trains, for people."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def check_alike(strategy: tf.distribute.Strategy) -> None:
    """Checks that hosts which train together have the same number of GPUs.

    Raises:
        ValueError: If they have not.
    """
    own = max(1, len(tf.config.list_logical_devices("GPU")))
    hosts, devices = num_hosts(strategy), strategy.num_replicas_in_sync
    if hosts > 1 and own * hosts != devices:
        raise ValueError(
            "Hosts that train together need the same number of GPUs. "
            f"Received: {own} here, {devices} on {hosts} hosts."
        )
