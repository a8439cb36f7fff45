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
            other = "another one, or one that it left behind," if inherited else "another one"
            rule = "Only one process may write to a folder"
            raise BlockingIOError(f"{rule}. Received: {path}, where {other} is at work.") from None
        except OSError as error:  # Some network file systems.
            logging.warning("%s cannot be locked (%s): start only one writer.", path, error)
        yield
    finally:
        os.close(folder)
