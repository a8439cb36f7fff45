"""Devices and hosts."""

import json

import pytest
import tensorflow as tf

from tf_twostream.training import devices


def test_without_a_gpu_the_cpu_trains_alone():
    strategy = devices.make_strategy()
    assert strategy.num_replicas_in_sync == 1
    assert devices.num_hosts(strategy) == 1
    assert devices.is_first_host(strategy)
    assert devices.device_name() == "CPU"


class FakeStrategy:
    """Two hosts with two GPUs each, seen from one that has one device."""

    num_replicas_in_sync = 4

    @property
    def cluster_resolver(self):
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()


def test_hosts_with_different_numbers_of_gpus_are_refused(monkeypatch):
    cluster = {"worker": ["localhost:1", "localhost:2"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert devices.num_hosts(FakeStrategy()) == 2
    assert not devices.is_first_host(FakeStrategy())
    with pytest.raises(ValueError, match="Received: 1 here, 4 on 2 hosts"):
        devices.check_equal_hosts(FakeStrategy())
