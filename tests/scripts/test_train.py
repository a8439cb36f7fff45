"""The training doors, as a user calls them, killed and resumed."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import runs

KNOBS = ["--crop_size=41", "--width=0.05", "--batch_size=6", "--deterministic", "--seed=3"]


@pytest.fixture
def train(root, tiny_store, tiny_source):
    """Starts a training script; returns the process."""

    def start(stream, run_dir, *flags, **environment):
        return subprocess.Popen(
            [
                sys.executable, root / "scripts" / f"train_{stream}.py", "--dataset=csv",
                f"--annotations={tiny_source.annotations}", f"--store={tiny_store[0]}",
                f"--run_dir={run_dir}", *KNOBS, *flags,
            ],
            env={**os.environ, "PYTHONPATH": str(root), **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


def weights_of(run_dir):
    return runs.load_model(runs.load(str(run_dir)))[0].get_weights()


def kill_after_first_checkpoint(process, run_dir):
    checkpoints = pathlib.Path(run_dir) / "checkpoints"
    deadline = time.monotonic() + 120
    while not tf.train.latest_checkpoint(str(checkpoints)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_killed_training_ends_with_the_same_weights(train, tmp_path):
    flags = ["--num_iterations=60", "--stack_length=3", "--checkpoint_every=5"]
    killed = train("temporal", tmp_path / "killed", *flags)
    kill_after_first_checkpoint(killed, tmp_path / "killed")
    whole = train("temporal", tmp_path / "whole", *flags)
    resumed = train("temporal", tmp_path / "killed", *flags)
    for process in (whole, resumed):
        out, err = process.communicate()
        assert process.returncode == 0, err
    assert "continues:  after iteration" in out
    for a, b in zip(weights_of(tmp_path / "whole"), weights_of(tmp_path / "killed"), strict=True):
        np.testing.assert_array_equal(a, b)


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


@pytest.mark.slow  # Three processes, 39 s on two busy cores.
def test_slow_fusion_and_added_classes_have_their_doors(train, tiny_store, tmp_path):
    rows = [f"{video.id},added {video.label},train" for video in tiny_store[1].train]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    choice = "class,use,counterpart,reason\nadded 0,add,,\nadded 2,add,,\n"
    (tmp_path / "choice.csv").write_text(choice)
    added = [
        "--add_dataset=csv", f"--add_annotations={tmp_path / 'list.csv'}",
        f"--add_store={tiny_store[0]}", f"--add_classes={tmp_path / 'choice.csv'}",
        "--allow_missing",
    ]  # fmt: skip
    doors = {"slow_fusion": ["--num_frames=9"], "spatial": added, "temporal": added}
    processes = {
        stream: train(stream, tmp_path / stream, "--num_iterations=1", *flags)
        for stream, flags in doors.items()
    }
    for process in processes.values():
        _, err = process.communicate()
        assert process.returncode == 0, err
    networks = {stream: runs.load(str(tmp_path / stream)) for stream in doors}
    assert networks["slow_fusion"].recipe.num_frames == 9
    for stream in ("spatial", "temporal"):
        assert networks[stream].split.class_names[3:] == ("added 0", "added 2")
