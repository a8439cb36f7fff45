"""One writer at a time: two would delete each other's half-done videos."""

import contextlib
import os
import sys
from collections.abc import Iterator

from absl import logging

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def exclusive(store: str) -> Iterator[None]:
    """Keeps other processes from writing to a store, which is made if it does not exist.

    The operating system locks the folder itself: nothing is written, and the lock ends with the
    process, however that ends. Object stores (gs://) and Windows have no such locks.

    Args:
        store: Its folder.

    Raises:
        BlockingIOError: If another process is writing to the store.
    """
    if sys.platform == "win32" or "://" in store:
        yield
        return
    os.makedirs(store, exist_ok=True)
    folder = os.open(store, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise BlockingIOError(
            f"Only one process may write to a store. Received: {store}, which another one is "
            f"writing to. Wait until it ends, or end it (its number: fuser {store})."
        ) from None
    except OSError as error:  # Some network file systems.
        logging.warning("%s cannot be locked (%s): start only one writer.", store, error)
    try:
        yield
    finally:
        os.close(folder)
