"""The commands, called as a module."""

import subprocess
import sys


def test_the_module_lists_the_commands(root):
    call = [sys.executable, "-m", "tf_twostream.commands", "--help"]
    listed = subprocess.run(call, check=True, cwd=root, capture_output=True, text=True).stdout
    assert "train-temporal" in listed and "fuse-scores" in listed
