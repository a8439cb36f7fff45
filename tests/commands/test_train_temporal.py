"""The command that trains the temporal stream, killed and resumed."""

import pathlib
import signal
import time

import numpy as np
import tensorflow as tf

from tf_twostream import runs


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
