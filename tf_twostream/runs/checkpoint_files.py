"""The checkpoints in a folder: which there are, which of them is whole, and which may go.

They are known by their index files, which TensorFlow writes last. TensorFlow's own way to find them
takes the path of the folder for a pattern, in which brackets mean something else, and trusts a file
that may be lost. This file, `checkpoint`, is written for other programs only.
"""

import contextlib
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator

import tensorflow as tf
from absl import logging

from tf_twostream.processes import files

_INDEX = re.compile(r"ckpt-([0-9]+)\.index")
_PART = re.compile(r"ckpt-([0-9]+)(\..*|_temp)")  # A file or folder of a checkpoint.
# What TensorFlow raises when files are cut off, changed or missing; it has no kind of its own for a
# wrong checksum.
_DAMAGE = (IndexError, tf.errors.OpError)
_OTHER = (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError)


class DamagedCheckpointError(ValueError):
    """No checkpoint of a folder can be read."""


def find(folder: str | os.PathLike[str]) -> dict[int, str]:
    """Finds the checkpoints of a folder.

    Args:
        folder: The folder, which need not exist.

    Returns:
        The path of each, less the suffixes of its files, by its number, in ascending order.
    """
    names = os.listdir(folder) if os.path.isdir(folder) else []
    numbers = sorted(int(found[1]) for name in names if (found := _INDEX.fullmatch(name)))
    return {number: os.path.join(folder, f"ckpt-{number}") for number in numbers}


def restore_newest(folder: str | os.PathLike[str], restore: Callable[[str], None]) -> str | None:
    """Restores the newest checkpoint that can be read, and says so if it is not the newest.

    Args:
        folder: The folder.
        restore: Restores the checkpoint of a path.

    Returns:
        The path; None if there is no checkpoint.

    Raises:
        DamagedCheckpointError: If there are some, and none can be read.
    """
    damaged = ""
    for path in reversed(find(folder).values()):
        try:
            with _without_patterns(path) as plain:
                restore(plain)
        except _OTHER:
            raise
        except _DAMAGE as error:
            reason = str(getattr(error, "message", error)).strip().splitlines()[0]
            damaged = damaged or f"{path} ({reason})"
            continue
        if damaged:
            logging.warning("%s is damaged; the one before it is used: %s.", damaged, path)
        return path
    if damaged:
        raise DamagedCheckpointError(
            f"A run must have a checkpoint that can be read. Received: {damaged}."
        )
    return None


@contextlib.contextmanager
def _without_patterns(path: str) -> Iterator[str]:
    """Gives a path another name if TensorFlow's reader would take it for a pattern."""
    if not set("*?[]\\") & set(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="twostream_") as folder:
        link = os.path.join(folder, "checkpoints")
        os.symlink(os.path.abspath(os.path.dirname(path)), link)
        yield os.path.join(link, os.path.basename(path))


def write(checkpoint: tf.train.Checkpoint, folder: str | os.PathLike[str], number: int) -> str:
    """Writes a checkpoint.

    Args:
        checkpoint: What it holds.
        folder: The folder, made if it does not exist.
        number: Its number.

    Returns:
        Its path, less the suffixes of its files.
    """
    os.makedirs(folder, exist_ok=True)
    checkpoint.save_counter.assign(number)  # `restore` expects that there is one.
    path = checkpoint.write(os.path.join(folder, f"ckpt-{number}"))
    name_newest(folder, path)
    return path


def name_newest(folder: str | os.PathLike[str], path: str) -> None:
    """Writes the file by which TensorFlow knows the newest checkpoint of a folder."""
    text = f'model_checkpoint_path: "{os.path.basename(path)}"\n'
    files.write_text(pathlib.Path(folder, "checkpoint"), text)


def remove_all_but(folder: str | os.PathLike[str], kept: set[int]) -> None:
    """Removes the checkpoints that are not among some, with what killed trainings left of others.

    Args:
        folder: The folder.
        kept: The numbers of the checkpoints to keep.
    """
    names = os.listdir(folder) if os.path.isdir(folder) else []
    # Index files first: what is killed in between is then no checkpoint any more.
    for name in sorted(names, key=lambda name: not name.endswith(".index")):
        found, path = _PART.fullmatch(name), pathlib.Path(folder, name)
        if found is None or (int(found[1]) in kept and found[2] != "_temp"):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
