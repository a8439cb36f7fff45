"""Reads MATLAB's .mat files of versions 5 to 7: structs, cells, texts and numbers.

A reader of its own since SciPy's crashes the process on damaged files (a segmentation fault in
1.17), and these come from outside. Every length is checked against the bytes that are there, and
nothing is executed. Format: MathWorks, "MAT-File Format", 2014, "Level 5".
"""

import itertools
import math
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

_HEADER = 128  # Bytes before the first variable.
_SIGNATURE = b"MATLAB "
_VERSION_5, _VERSION_73 = b"\x00\x01IM", b"\x00\x02IM"  # Little-endian, as MATLAB writes them.
_NUMBERS = {
    1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8",
    13: "<u8",
}  # fmt: skip
_TEXTS = {1: "ascii", 2: "ascii", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_CELL, _STRUCT, _CHAR, _NUMERIC = 1, 2, 4, range(6, 16)  # Classes of a matrix.
_COMPLEX = 0x08
_LARGEST = 1 << 31  # Bytes of all variables together; of each, in these versions.
_MOST_CELLS = 100_000
_DEEPEST = 10  # Cells in structs in cells ...; a network has 4.


class MalformedError(ValueError):
    """The bytes are not what they were taken for."""


def _elements(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yields the type and the bytes of each element."""
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise MalformedError("it ends inside the head of an element")
        kind, size = struct.unpack_from("<II", data, at)
        start = at + 8
        if kind >> 16:  # Up to 4 bytes stand in the head itself.
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        if size > len(data) - start or start == at + 4 and size > 4:
            raise MalformedError(
                f"an element has {size} bytes, of which {len(data) - start} are left"
            )
        yield kind, data[start : start + size]
        at = max(start + size, at + 8)
        at += 0 if kind == _COMPRESSED else -at % 8


def _inflate(data: memoryview, largest: int) -> memoryview:
    """Returns the bytes of a compressed matrix, no more than its head says."""
    inflater = zlib.decompressobj()
    try:
        head = inflater.decompress(data, 8)
        kind, size = struct.unpack("<II", head) if len(head) == 8 else (0, 0)
        if kind != _MATRIX or size > largest:
            raise MalformedError(f"a compressed element of type {kind} has {size} bytes")
        body = inflater.decompress(inflater.unconsumed_tail, size) if size else b""
        inflater.decompress(inflater.unconsumed_tail, 1)  # Compares the checksum.
    except zlib.error as error:
        raise MalformedError(f"a variable does not decompress: {error}") from error
    if len(body) < size or not inflater.eof:
        raise MalformedError(f"a variable of {size} bytes decompresses to {len(body)}")
    return memoryview(body)


def _array(dimensions: tuple[int, ...], elements: Iterator[tuple[int, memoryview]]) -> np.ndarray:
    kind, data = next(elements, (0, memoryview(b"")))
    if kind not in _NUMBERS or len(data) % np.dtype(_NUMBERS[kind]).itemsize:
        raise MalformedError(f"numbers are of type {kind} and have {len(data)} bytes")
    numbers = np.frombuffer(data, _NUMBERS[kind])
    if numbers.size != math.prod(dimensions):
        raise MalformedError(f"an array {list(dimensions)} has {numbers.size} numbers")
    return numbers.reshape(dimensions, order="F") if numbers.size else np.zeros((0, 0))


def _text(elements: Iterator[tuple[int, memoryview]]) -> str:
    kind, data = next(elements, (0, memoryview(b"")))
    try:
        return str(data, _TEXTS[kind])
    except (KeyError, UnicodeDecodeError) as error:
        raise MalformedError(f"a text is of type {kind} and cannot be decoded") from error


def _matrices(count: int, elements: Iterator[tuple[int, memoryview]], depth: int) -> list[Any]:
    if count > _MOST_CELLS or depth >= _DEEPEST:
        raise MalformedError(f"there are {count} cells or fields at depth {depth}")
    inner = list(itertools.islice(elements, count))
    if len(inner) < count or any(kind != _MATRIX for kind, _ in inner):
        raise MalformedError(f"{count} cells or fields are announced, and {len(inner)} are there")
    return [_matrix(data, depth + 1)[1] for _, data in inner]


def _fields(elements: Iterator[tuple[int, memoryview]], depth: int) -> dict[str, Any]:
    (_, length), (_, joined) = (*itertools.islice(elements, 2), (0, b""), (0, b""))[:2]
    size = int.from_bytes(length, "little")
    if len(length) != 4 or not size or len(joined) % size:
        raise MalformedError(f"names of fields have {size} of {len(joined)} bytes")
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
        raise MalformedError("a matrix does not begin with flags, dimensions and name")
    flags, sizes, name = (part for _, part in head)
    dimensions = tuple(_array((len(sizes) // 4,), iter([(_INT32, sizes)])).tolist())
    if min(dimensions, default=-1) < 0 or len(dimensions) > 8:
        raise MalformedError(f"a matrix has the dimensions {dimensions}")
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
        ValueError: If it is of another version, damaged or cut off.
    """
    data = memoryview(pathlib.Path(path).read_bytes())
    if data[124:_HEADER] == _VERSION_73:
        raise ValueError(
            f"{path} must be a .mat file of version 7 or older. Received: version 7.3 (HDF5). In "
            "MATLAB: s = load('it.mat'); save('older.mat', '-struct', 's', '-v7')."
        )
    try:
        if data[124:_HEADER] != _VERSION_5:
            raise MalformedError(f"the version {bytes(data[124:_HEADER])!r}")
        variables, left = {}, _LARGEST
        for kind, content in _elements(data[_HEADER:]):
            if kind not in (_MATRIX, _COMPRESSED):
                raise MalformedError(f"a variable is of type {kind}")
            if kind == _COMPRESSED:
                content = _inflate(content, left)
                left -= len(content)
            name, value = _matrix(content)
            variables[name] = value
        return variables
    except MalformedError as error:
        raise ValueError(
            f"{path} must be a whole .mat file of MATLAB. Received: {error}. Was the download cut "
            "off?"
        ) from error
