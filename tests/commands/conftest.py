"""Commands as a user calls them."""

import importlib
import os
import subprocess
import sys

import pytest
from absl import flags

from tf_twostream import cli


@pytest.fixture(scope="session")
def here():
    """Runs a command in this process, which has TensorFlow already; returns its exit code."""

    def call(name, *arguments):
        main = importlib.import_module(f"tf_twostream.commands.{name}").main
        return cli.parse(main, [name, *map(str, arguments)], flags.FlagValues())()

    return call


@pytest.fixture(scope="session")
def start(root):
    """Starts a file of scripts/ or data_tools/ with flags; returns the process."""

    def call(script, *flags, **environment):
        return subprocess.Popen(
            [sys.executable, root / script, *map(str, flags)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return call


@pytest.fixture(scope="session")
def run(start):
    """Runs files, given as lists of arguments, at the same time; returns what they print."""

    def call(*commands, code=0):
        processes = [start(*command) for command in commands]
        outputs = [process.communicate(timeout=200) for process in processes]
        for process, (_, err) in zip(processes, outputs):
            assert process.returncode == code, err
        return [out for out, _ in outputs]

    return call


@pytest.fixture
def train(start, tiny_store, tiny_source):
    """Starts the training of a tiny network; returns the process."""

    def call(stream, run_dir, *flags, **environment):
        return start(
            f"scripts/train_{stream}.py", "--dataset=csv", f"--store={tiny_store[0]}",
            f"--annotations={tiny_source.annotations}", f"--run_dir={run_dir}", "--crop_size=41",
            "--width=0.05", "--batch_size=6", "--deterministic", "--seed=3", *flags, **environment,
        )  # fmt: skip

    return call
