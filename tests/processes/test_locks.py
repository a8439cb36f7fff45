import signal
import subprocess
import sys

import pytest

from tf_twostream.processes import locks

HOLD = """
import runpy, sys, time
with runpy.run_path(sys.argv[2])["exclusive"](sys.argv[1]):  # Without TensorFlow, so at once.
    print("locked", flush=True)
    time.sleep(100)
"""


def test_a_second_writer_is_refused_until_the_first_has_ended(tmp_path):
    path = str(tmp_path / "store")
    refused = pytest.raises(BlockingIOError, match="Only one process.* Received: .*store")
    with locks.exclusive(path), refused:
        locks.exclusive(path).__enter__()
    with locks.exclusive(path), locks.exclusive(str(tmp_path / "other")):
        pass
    assert not any((tmp_path / "store").iterdir())


def test_the_lock_of_a_killed_process_is_gone(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), locks.__file__],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(BlockingIOError):
        locks.exclusive(str(tmp_path)).__enter__()
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=30)
    with locks.exclusive(str(tmp_path)):
        assert not any(tmp_path.iterdir())


def test_object_stores_are_not_locked():
    with locks.exclusive("gs://bucket/store"), locks.exclusive("gs://bucket/store"):
        pass


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no locks available")

    log = []
    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    monkeypatch.setattr(locks.logging, "warning", lambda text, *args: log.append(text % args))
    with locks.exclusive(str(tmp_path)):
        assert "start only one writer" in log[0]


def test_a_lock_may_last_as_long_as_a_process_that_was_started(tmp_path):
    folder = str(tmp_path)
    with locks.exclusive(folder, inherited=True):
        left = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
        )
    other = f"process {left.pid}" if sys.platform == "linux" else "another one"
    refused = pytest.raises(BlockingIOError, match=f"where {other} is at work")
    with refused, locks.exclusive(folder, inherited=True):
        pass
    left.communicate(b"\n")
    with locks.exclusive(folder):
        pass
