"""Devices and hosts."""

import json
import socket

import pytest
import tensorflow as tf

from tf_twostream.training import devices, hosts


def test_without_a_gpu_the_cpu_trains_alone():
    strategy = devices.make_strategy()
    assert strategy.num_replicas_in_sync == 1
    assert devices.num_hosts(strategy) == 1
    assert devices.is_first_host(strategy)
    assert devices.device_name() == "CPU"


@pytest.fixture
def card(monkeypatch):
    """Makes TensorFlow name a GPU of a compute capability."""

    def make(*capability):
        config = tf.config.experimental
        details = {"device_name": "made up", "compute_capability": capability}
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
        monkeypatch.setattr(config, "get_device_details", lambda gpu: details)

    return make


@pytest.mark.parametrize(("capability", "tf32"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_tf32_is_what_gpus_since_ampere_compute_in(card, capability, tf32):
    assert not devices.uses_tf32()
    card(*capability)
    assert devices.uses_tf32() is tf32


def test_tf32_that_is_switched_off_is_not_said(card):
    card(9, 0)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        assert not devices.uses_tf32()
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(True)


def test_a_limit_of_memory_is_set_for_each_gpu(monkeypatch):
    limits = []
    with monkeypatch.context() as patched:
        patched.setattr(tf.config, "list_physical_devices", lambda kind: ["one", "two"])
        patched.setattr(
            tf.config,
            "set_logical_device_configuration",
            lambda gpu, own: limits.append((gpu, own[0].memory_limit)),
        )
        devices.make_strategy(gpu_memory=1.5)
    assert limits == [("one", 1536), ("two", 1536)]


class FakeStrategy:
    """Two hosts with two GPUs each, seen from one that has one device."""

    num_replicas_in_sync = 4

    @property
    def cluster_resolver(self):
        return devices._resolver(hosts.read_cluster())


def test_hosts_with_different_numbers_of_gpus_are_refused(monkeypatch):
    cluster = {"worker": ["localhost:1", "localhost:2"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert devices.num_hosts(FakeStrategy()) == 2
    assert not devices.is_first_host(FakeStrategy())
    with pytest.raises(ValueError, match="Received: 1 here, 4 on 2 hosts"):
        devices.check_equal_hosts(FakeStrategy())


@pytest.mark.parametrize(("task", "writes"), [("chief", True), ("worker", False)])
def test_where_there_is_a_chief_it_alone_writes(monkeypatch, task, writes):
    """As Kubeflow and Vertex AI name the hosts: both have the index 0."""
    cluster = {"chief": ["localhost:1"], "worker": ["localhost:2"]}
    config = {"cluster": cluster, "task": {"type": task, "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert devices.num_hosts(FakeStrategy()) == 2
    assert devices.is_first_host(FakeStrategy()) is writes


def test_an_op_that_fails_for_want_of_a_host_names_it(monkeypatch):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        gone = f"localhost:{free.getsockname()[1]}"
    cluster = {"worker": ["localhost:1", gone]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 0}}
    aborted = tf.errors.UnavailableError(None, None, "Collective ops is aborted by: a reset")
    with pytest.raises(tf.errors.UnavailableError), devices.wording_lost_hosts():
        raise aborted  # Of this host's own devices.
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(hosts.HostError, match=gone), devices.wording_lost_hosts():
        raise aborted
    monkeypatch.setattr(hosts, "lost", lambda cluster: [])  # It hangs, but its machine answers.
    with pytest.raises(hosts.HostError, match="another host"), devices.wording_lost_hosts():
        raise aborted
    with pytest.raises(tf.errors.NotFoundError), devices.wording_lost_hosts():
        raise tf.errors.NotFoundError(None, None, "a file")


def test_the_parts_of_a_batch_are_joined_for_each_device(two_devices):
    def stream(**_):
        parts = ([[0, 1], [4, 5]], [[2, 3], [6, 7]])
        slices = (tf.data.Dataset.from_tensor_slices({"x": part}) for part in parts)
        return tf.data.Dataset.zip(tuple(slices))

    [batch] = next(devices.distribute(two_devices, [stream], 0))
    shares = two_devices.experimental_local_results(batch["x"])
    assert [share.numpy().tolist() for share in shares] == [[0, 1, 2, 3], [4, 5, 6, 7]]
