"""The command that trains the spatial stream."""

import contextlib
import json
import os
import signal
import socket
import time

import numpy as np
import pytest

from tf_twostream import runs
from tf_twostream.training import slurm


def weights_of(run_dir):
    return runs.load_model(runs.load(str(run_dir)))[0].get_weights()


def by_tf_config(index, addresses):
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    return {"TF_CONFIG": json.dumps(task)}


def by_slurm(index, addresses):
    """What srun sets for two tasks on this machine; the ports come from the number of the job."""
    first = int(addresses[0].rpartition(":")[2])
    return {
        "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_ID": "0",
        "SLURM_STEP_TASKS_PER_NODE": "2", "SLURMD_NODENAME": "localhost",
        "SLURM_LOCALID": str(index), "SLURM_JOB_ID": str((first - slurm.FIRST_PORT) // 10),
    }  # fmt: skip


@pytest.fixture
def addresses():
    """Two of this machine, with ports as a job of SLURM has them."""
    for port in range(slurm.FIRST_PORT + os.getpid() * 10 % 5000, slurm.FIRST_PORT + 9000, 10):
        first, second = (("", port), ("", port + 1))
        with (
            contextlib.suppress(OSError),
            socket.create_server(first),
            socket.create_server(second),
        ):
            return [f"localhost:{port}", f"localhost:{port + 1}"]
    return pytest.fail("no two ports in a row are free")


@pytest.mark.parametrize("told", [by_tf_config, pytest.param(by_slurm, marks=pytest.mark.slow)])
def test_two_hosts_train_like_one(train, tmp_path, addresses, told):
    flags = ["--num_iterations=4", "--dropout_rate=0"]
    hosts = [
        train("spatial", tmp_path / "two", *flags, **told(index, addresses)) for index in range(2)
    ]
    for host in hosts:
        _, err = host.communicate(timeout=200)
        assert host.returncode == 0, err
    one = train("spatial", tmp_path / "one", *flags)
    assert one.communicate() and one.returncode == 0
    for a, b in zip(weights_of(tmp_path / "one"), weights_of(tmp_path / "two"), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "told"), [(signal.SIGKILL, by_tf_config), (signal.SIGTERM, by_slurm)]
)
def test_a_host_that_is_killed_is_named_and_the_checkpoint_stays(
    train, tmp_path, addresses, number, told
):
    flags = ["--num_iterations=100000", "--checkpoint_every=1"]
    first, second = (
        train("spatial", tmp_path / "run", *flags, **told(index, addresses)) for index in range(2)
    )
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


def test_a_wrong_store_is_one_line(train, tmp_path):
    process = train("spatial", tmp_path / "run", f"--store={tmp_path / 'nowhere'}")
    _, err = process.communicate()
    assert process.returncode == 1
    assert "error:" in err
    assert "nowhere" in err
    assert "Traceback" not in err
