"""The wire format of protocol buffers, as much of it as Caffe's files need.

This is a reader of its own because the `protobuf` package turns a packed array into a list of
Python numbers, some gigabytes for the 76 million weights of full6. Here an array stays a view of
the file's bytes, and nothing is allocated that the file does not hold. Format: Google, "Protocol
Buffers: Encoding".
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tf_twostream.foreign_weights.errors import ForeignFileError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}  # Bytes.
_WIRE_TYPES = (_VARINT, _BYTES, *_SIZES)  # Groups are deprecated, and Caffe never used them.
# Fields in a message. Caffe packs its arrays, so each is one field; a file that is made of tiny
# fields would take a hundred times its size in Python objects.
_MOST_FIELDS = 100_000

Value = int | memoryview


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Returns the integer that starts at a byte, seven bits a byte, and where it ends."""
    value = 0
    # Ten bytes hold 64 bits. Without this bound an integer could be as long as the file.
    for number, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            return value, at + number + 1
    raise ForeignFileError("an integer has no end")


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Yields the number and the value of each field."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0 or wire_type not in _WIRE_TYPES:
            raise ForeignFileError(f"a field has the number {number} and wire type {wire_type}")
        if wire_type == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        size, at = _varint(data, at) if wire_type == _BYTES else (_SIZES[wire_type], at)
        # A slice would silently be shorter, and a file that is cut off would look whole.
        if size > (left := len(data) - at):
            raise ForeignFileError(f"field {number} has {size} bytes, of which {left} are left")
        yield number, data[at : at + size]
        at += size


class Message:
    """The fields of a message by their numbers; the caller knows what they mean.

    Each method raises a `ForeignFileError` where the bytes are not of the kind asked for.
    """

    def __init__(self, data: bytes | memoryview):
        self._fields: dict[int, list[Value]] = {}
        for count, (number, value) in enumerate(_fields(memoryview(data))):
            if count == _MOST_FIELDS:
                raise ForeignFileError(f"a message has more than {_MOST_FIELDS} fields")
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def _values(
        self, number: int, kind: type, fits: Callable[[Any], bool] = lambda value: True
    ) -> list:
        values = self._fields.get(number, [])
        if not all(isinstance(value, kind) and fits(value) for value in values):
            raise ForeignFileError(f"field {number} is of another type")
        return values

    def integers(self, number: int) -> tuple[int, ...]:
        """Returns the integers of a repeated field, packed or not."""
        integers: list[int] = []
        for value in self._fields.get(number, []):
            if isinstance(value, int):
                integers.append(value)
                continue
            at = 0
            while at < len(value):
                item, at = _varint(value, at)
                integers.append(item)
        return tuple(integers)

    def integer(self, number: int, default: int) -> int:
        """Returns an integer, the last one where there are several, as the format demands."""
        return [default, *self._values(number, int)][-1]

    def decimal(self, number: int, default: float) -> float:
        """Returns a float32 number."""
        values = self._values(number, memoryview, lambda value: len(value) == 4)
        return struct.unpack("<f", values[-1])[0] if values else default

    def numbers(self, number: int, dtype: str) -> np.ndarray:
        """Returns an array of numbers, packed or not; a view of the file if it is in one piece."""
        size = np.dtype(dtype).itemsize
        pieces = self._values(number, memoryview, lambda value: len(value) % size == 0)
        return np.frombuffer(pieces[0] if len(pieces) == 1 else b"".join(pieces), dtype)

    def texts(self, number: int) -> tuple[str, ...]:
        """Returns the texts of a repeated field."""
        try:
            return tuple(str(value, "utf-8") for value in self._values(number, memoryview))
        except UnicodeDecodeError as error:
            raise ForeignFileError(f"field {number} is no text") from error

    def text(self, number: int) -> str:
        """Returns a text, an empty one if it is missing."""
        return (*self.texts(number), "")[0]

    def messages(self, number: int) -> "list[Message]":
        """Returns the messages of a repeated field."""
        return [Message(value) for value in self._values(number, memoryview)]

    def message(self, number: int) -> "Message":
        """Returns a message, an empty one if it is missing."""
        return (self.messages(number) or [Message(b"")])[-1]
