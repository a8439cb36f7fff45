"""Compiled code is kept, for a while, where the user wants it."""

import os
import pathlib
import subprocess
import sys

import pytest


@pytest.fixture
def xla_flags(root, tmp_path):
    """What TF_XLA_FLAGS is in a new process that keeps compiled code."""

    def read(**environment):
        code = (
            "import os; from tf_twostream.processes import compiled_code; compiled_code.keep()\n"
            "print(os.environ.get('TF_XLA_FLAGS'))"
        )
        clean = {name: value for name, value in os.environ.items() if name != "TF_XLA_FLAGS"}
        return subprocess.run(
            [sys.executable, "-c", code], cwd=root, text=True, check=True, stdout=subprocess.PIPE,
            env={**clean, "XDG_CACHE_HOME": str(tmp_path / "cache"), **environment},
        ).stdout.strip()  # fmt: skip

    return read


def test_compiled_code_is_kept_for_later_processes(xla_flags, tmp_path):
    flag, folder = xla_flags().split("=")
    assert flag == "--tf_xla_persistent_cache_directory"
    folder = folder.strip("'")  # Quoted, for TensorFlow splits flags at spaces.
    assert pathlib.Path(folder).is_relative_to(tmp_path / "cache") and pathlib.Path(folder).is_dir()
    (pathlib.Path(folder) / "cut.pb").write_bytes(b"")
    assert xla_flags() == f"{flag}='{folder}'"
    assert not any(pathlib.Path(folder).iterdir())  # Neither the probe nor what a full disk left.
    old, new = (pathlib.Path(folder) / name for name in ("old.pb", "new.pb"))
    for path in (old, new):
        path.write_bytes(b"code")
    month = 31 * 24 * 3600
    os.utime(old, (old.stat().st_atime, old.stat().st_mtime - month))
    xla_flags()
    assert [path.name for path in pathlib.Path(folder).iterdir()] == ["new.pb"]


def test_a_users_flags_of_xla_are_left_alone(xla_flags):
    assert xla_flags(TF_XLA_FLAGS="--tf_xla_auto_jit=1") == "--tf_xla_auto_jit=1"


def test_without_a_place_to_keep_it_nothing_is_kept(xla_flags, tmp_path):
    (tmp_path / "file").write_text("")
    assert xla_flags(XDG_CACHE_HOME=str(tmp_path / "file")) == "None"
