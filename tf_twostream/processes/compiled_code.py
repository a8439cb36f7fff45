"""Keeps what XLA compiles for later processes: Brox's flow compiles for ten seconds and more."""

import contextlib
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import tempfile
import time

KEPT_SECONDS = 30 * 24 * 3600  # Since it was compiled; nothing else would ever remove it.


def keep() -> None:
    """Tells TensorFlow, which must not have been imported yet, a folder for compiled code.

    A variable TF_XLA_FLAGS of the user's own is left alone. Where no folder can be written to,
    code is compiled anew in each process.
    """
    # Without the folder a command only takes longer, so that nothing here may stop it. A user
    # without a home folder is a RuntimeError.
    with contextlib.suppress(OSError, RuntimeError, importlib.metadata.PackageNotFoundError):
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        # A full disk shows only when something is written, and XLA gives up where it cannot write.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(1 << 20))
        # In quotes, because TensorFlow splits its flags at spaces.
        os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory='{folder}'")
        _remove_old(folder.parent)


def _folder() -> pathlib.Path:
    """Returns the folder for this processor and this TensorFlow."""
    # XLA's own file names tell neither, and code for another processor ends the process.
    processor = platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            processor += next((line for line in file if line.startswith("flags")), "")
    key = f"{importlib.metadata.version('tensorflow')} {processor}"
    caches = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return caches / "tf_twostream" / hashlib.sha256(key.encode()).hexdigest()[:16]


def _remove_old(folder: pathlib.Path) -> None:
    for kept in folder.rglob("*.pb"):
        with contextlib.suppress(FileNotFoundError):  # Another process was faster.
            status = kept.stat()
            # A full disk leaves empty files, over which XLA would stumble.
            if not status.st_size or status.st_mtime < time.time() - KEPT_SECONDS:
                kept.unlink()
