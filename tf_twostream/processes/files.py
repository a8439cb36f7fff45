"""Files that are whole or absent, on this machine or on a file system that TensorFlow knows.

A path with a scheme (gs://, s3://, ram://) goes to `tf.io.gfile`. Any other is a path of this
machine, and TensorFlow is not imported for it.
"""

import csv
import functools
import io
import json
import os
import shutil
import tempfile
import types
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

# What NumPy raises for an npz file that is damaged, or none; a bare array has no `files`.
DAMAGED_NPZ = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
PARTIAL = ".partial"  # Ending of a file, or folder, that is being written.

# The files of this machine, under the names that `tf.io.gfile` has for the same functions.
_LOCAL = types.SimpleNamespace(
    exists=os.path.exists,
    makedirs=lambda path: os.makedirs(path, exist_ok=True),
    remove=os.remove,
    rmtree=shutil.rmtree,
    walk=functools.partial(os.walk, followlinks=True),  # A part of a store may lie elsewhere.
    # Not os.rename, which on Windows refuses a target that exists.
    rename=lambda source, target, overwrite: os.replace(source, target),
    GFile=open,
)


def _system(path: str | os.PathLike[str]) -> Any:
    """Returns the file system that a path belongs to."""
    if "://" not in os.fspath(path):
        return _LOCAL
    import tensorflow as tf  # Takes seconds and 600 MB, which most processes need not pay.

    return tf.io.gfile


def join(folder: str | os.PathLike[str], *names: str) -> str:
    """Joins a folder and names below it with "/", on every system."""
    # os.path.join would join the parts of a gs:// path with "\" on Windows.
    start = [os.fspath(folder).rstrip("/")] if folder else []
    return "/".join((*start, *names))


def exists(path: str | os.PathLike[str]) -> bool:
    """Says whether there is such a file or folder."""
    return _system(path).exists(path)


def make_folder(path: str | os.PathLike[str]) -> None:
    """Makes a folder and those above it, as far as they do not exist."""
    _system(path).makedirs(path)


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Removes a folder with all that is in it, if it exists."""
    if exists(path):
        _system(path).rmtree(path)


def remove(path: str | os.PathLike[str]) -> None:
    """Removes a file, if it exists."""
    if exists(path):
        _system(path).remove(path)


def modified(path: str | os.PathLike[str]) -> float:
    """Returns when a file was last changed, in seconds since 1970."""
    if _system(path) is _LOCAL:
        kept = os.stat(path)
        # A copy may keep the time of its original; the time of its entry is always new.
        return max(kept.st_mtime, kept.st_ctime)
    return float(_system(path).stat(path).mtime_nsec) / 1e9


def walk(path: str | os.PathLike[str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields each folder below a path with the names of its folders and files, as `os.walk`."""
    return _system(path).walk(path)


def rename(source: str, target: str) -> None:
    """Gives a file its final name; what had this name before is replaced in the same instant."""
    _system(target).rename(source, target, overwrite=True)


def link(source: str, target: str) -> None:
    """Gives a file a second name, or copies it where one file system cannot do that.

    Args:
        source: The file, which nobody changes any more: what its names have in common.
        target: Its new name, whose folder is made; a file that had it is replaced.

    Raises:
        OSError: If it cannot be written; `tf.errors.OpError` where a path has a scheme.
    """
    if _system(source) is not _LOCAL or _system(target) is not _LOCAL:
        write(target, read(source))
        return
    make_folder(os.path.dirname(target))
    remove(target + PARTIAL)
    try:
        os.link(source, target + PARTIAL)
    except OSError:  # Another disk, or one without links.
        shutil.copyfile(source, target + PARTIAL)
    # Where both are names of one file already, a renaming would leave them as they are.
    remove(target)
    rename(target + PARTIAL, target)


def read(path: str | os.PathLike[str]) -> bytes:
    """Reads a whole file.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be read; `tf.errors.OpError` where the path has a scheme.
    """
    with _system(path).GFile(path, "rb") as file:
        return file.read()


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file atomically: a reader finds the old content or the new, never a part.

    Args:
        path: The file; its folder is made if it does not exist.
        data: The content.

    Raises:
        OSError: If it cannot be written; the old content is still there then. It is
            `tf.errors.OpError` where the path has a scheme.
    """
    path = os.fspath(path)
    make_folder(os.path.dirname(path) or ".")
    # In the same folder, because a name cannot change in one step from one disk to another.
    with _system(path).GFile(path + PARTIAL, "wb") as file:
        file.write(data)
    rename(path + PARTIAL, path)


def check_output(path: str | os.PathLike[str], what: str) -> None:
    """Checks that a file can be written, before the work that leads to it; makes its folder.

    Args:
        path: The file; an old one is not touched.
        what: What to call it in the error.

    Raises:
        OSError: If it cannot be written.
    """
    path = os.fspath(path)
    try:
        make_folder(os.path.dirname(path) or ".")
        if os.path.isdir(path):
            raise IsADirectoryError("it is a folder")
        # A file is made and an old one is opened, since permissions alone do not tell: a disk may
        # be full or read-only.
        with tempfile.TemporaryFile(dir=os.path.dirname(path) or "."):
            pass
        if os.path.exists(path):
            with open(path, "ab"):
                pass
    except OSError as error:
        rule = f"`{what}` must be a file that can be written"
        raise OSError(f"{rule}. Received: {path} ({error}).") from error


def check_folder(path: str | os.PathLike[str], what: str) -> None:
    """Checks that files can be written into a folder, before the work for them.

    Args:
        path: The folder, of this machine. One that does not exist is not made yet: the command may
            still end by another mistake.
        what: What to call it in the error.

    Raises:
        OSError: If no file can be made there.
    """
    nearest = os.path.abspath(path)
    while not os.path.lexists(nearest):
        nearest = os.path.dirname(nearest)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        rule = f"`{what}` must be a folder that can be written to"
        raise OSError(f"{rule}. Received: {path} ({error.strerror}).") from error


def check_new_folder(path: str | os.PathLike[str], what: str) -> None:
    """Checks that a folder that does not exist yet can be made (see `check_folder`).

    Raises:
        FileExistsError: If it exists.
        OSError: If it cannot be made.
    """
    if os.path.exists(path):
        raise FileExistsError(f"`{what}` must not exist yet. Received: {path}.")
    check_folder(os.path.dirname(os.path.abspath(path)), f"folder of {what}")


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a text as UTF-8, atomically (see `write`)."""
    write(path, text.encode())


def write_csv(path: str | os.PathLike[str], rows: Iterable[Iterable[object]]) -> None:
    """Writes rows of cells as CSV, atomically (see `write`) and with the same bytes everywhere."""
    # Names of files may hold bytes that are no text.
    write(path, csv_text(rows).encode(errors="backslashreplace"))


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Returns rows of cells as CSV, with the line ends of Unix on every system."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_json(path: str | os.PathLike[str], content: Any, **layout: Any) -> None:
    """Writes JSON and a line break, atomically (see `write`).

    Args:
        path: The file; its folder is made if it does not exist.
        content: What `json.dumps` takes.
        **layout: Arguments of `json.dumps`, such as `indent`.
    """
    write_text(path, json.dumps(content, **layout) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Reads a JSON file.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be read (see `read`).
        ValueError: If it is no JSON.
    """
    data = read(path)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:  # Also bytes that are no UTF-8.
        raise ValueError(f"A .json file must hold JSON. Received: {path} ({error}).") from error
