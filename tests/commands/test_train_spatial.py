"""The command that trains the spatial stream."""

import json
import signal
import socket
import time

import numpy as np
import pytest

from tf_twostream import runs


def weights_of(run_dir):
    return runs.load_model(runs.load(str(run_dir)))[0].get_weights()


def test_two_hosts_train_like_one(train, tmp_path):
    flags = ["--num_iterations=4", "--dropout_rate=0"]
    ports = [free_port(), free_port()]
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    configs = [
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        for index in range(2)
    ]
    hosts = [train("spatial", tmp_path / "two", *flags, TF_CONFIG=config) for config in configs]
    for host in hosts:
        _, err = host.communicate(timeout=200)
        assert host.returncode == 0, err
    one = train("spatial", tmp_path / "one", *flags)
    assert one.communicate() and one.returncode == 0
    for a, b in zip(weights_of(tmp_path / "one"), weights_of(tmp_path / "two"), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_host_that_is_killed_is_named_and_the_checkpoint_stays(train, tmp_path, number):
    flags = ["--num_iterations=100000", "--checkpoint_every=1"]
    addresses = [f"localhost:{free_port()}", f"localhost:{free_port()}"]
    first, second = (
        train(
            "spatial", tmp_path / "run", *flags,
            TF_CONFIG=json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            ),
        )
        for index in range(2)
    )  # fmt: skip
    written = tmp_path / "run" / "checkpoints" / "checkpoint"
    while not written.exists() and first.poll() is None:
        time.sleep(0.2)
    second.send_signal(number)
    assert second.communicate(timeout=60) and second.returncode == -number
    _, err = first.communicate(timeout=60)
    assert first.returncode == 1
    [line] = [line for line in err.splitlines() if line.startswith("error:")]
    assert f"no answer from {addresses[1]}" in line
    assert written.exists()


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def test_a_wrong_store_is_one_line(train, tmp_path):
    process = train("spatial", tmp_path / "run", f"--store={tmp_path / 'nowhere'}")
    _, err = process.communicate()
    assert process.returncode == 1
    assert "error:" in err
    assert "nowhere" in err
    assert "Traceback" not in err
