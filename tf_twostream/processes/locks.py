"""One writer at a time in a folder: two would delete or mix what the other has half done."""

import contextlib
import os
import sys
from collections.abc import Iterator

from absl import logging

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def exclusive(path: str, *, inherited: bool = False) -> Iterator[None]:
    """Keeps other processes out of a folder, which is made if it does not exist.

    The operating system locks the folder itself: nothing is written, and the lock ends with the
    process, however that ends. Object stores (gs://) and Windows have no such locks.

    Args:
        path: The folder.
        inherited: Whether processes that are started meanwhile hold the lock as well, should this
            one be killed before they end.

    Raises:
        BlockingIOError: If another process has locked the folder.
    """
    if sys.platform == "win32" or "://" in path:
        yield
        return
    os.makedirs(path, exist_ok=True)
    # The lock belongs to this open file: it lasts until all processes that have it closed it.
    folder = os.open(path, os.O_RDONLY)
    try:
        os.set_inheritable(folder, inherited)
        try:
            # It does not wait: when the first run ends, nothing would be left for the second.
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            rule = "Only one process may write to a folder"
            other = " and ".join(f"process {n}" for n in _holders(path, folder)) or "another one"
            raise BlockingIOError(f"{rule}. Received: {path}, where {other} is at work.") from None
        except OSError as error:  # Some network file systems.
            logging.warning("%s cannot be locked (%s): start only one writer.", path, error)
        yield
    finally:
        os.close(folder)


def _holders(path: str, own: int) -> list[int]:
    """Lists the processes that have a folder open, as far as Linux tells; none elsewhere.

    Args:
        path: The folder.
        own: The file by which this process has it open.
    """
    here = os.path.realpath(path)
    mine = f"/proc/{os.getpid()}/fd/{own}"
    found = []
    for number in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError):  # Of another user, or gone.
            opened = {f"/proc/{number}/fd/{name}" for name in os.listdir(f"/proc/{number}/fd")}
            if any(os.readlink(link) == here for link in opened - {mine}):
                found.append(int(number))
    return sorted(found)
