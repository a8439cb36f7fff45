import signal
import subprocess
import sys

import pytest

from tf_twostream.store import lock

HOLD = """
import runpy, sys, time
with runpy.run_path(sys.argv[2])["exclusive"](sys.argv[1]):  # Without TensorFlow, so at once.
    print("locked", flush=True)
    time.sleep(100)
"""


def test_a_second_writer_is_refused_until_the_first_has_ended(tmp_path):
    path = str(tmp_path / "store")
    refused = pytest.raises(BlockingIOError, match="Only one process.* Received: .*store")
    with lock.exclusive(path), refused:
        lock.exclusive(path).__enter__()
    with lock.exclusive(path), lock.exclusive(str(tmp_path / "other")):
        pass
    assert not any((tmp_path / "store").iterdir())


def test_the_lock_of_a_killed_process_is_gone(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), lock.__file__],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(BlockingIOError):
        lock.exclusive(str(tmp_path)).__enter__()
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=30)
    with lock.exclusive(str(tmp_path)):
        assert not any(tmp_path.iterdir())


def test_object_stores_are_not_locked():
    with lock.exclusive("gs://bucket/store"), lock.exclusive("gs://bucket/store"):
        pass


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no locks available")

    log = []
    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    monkeypatch.setattr(lock.logging, "warning", lambda text, *args: log.append(text % args))
    with lock.exclusive(str(tmp_path)):
        assert "start only one writer" in log[0]
