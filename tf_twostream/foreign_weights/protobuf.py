"""The wire format of protocol buffers, as much of it as Caffe's files need.

A reader of its own since the `protobuf` package turns a packed array into a list of Python
numbers, some gigabytes for the 76 million weights of full6. Here an array stays a view of the
file's bytes, and nothing is allocated that the file has not got.
"""

import struct
from collections.abc import Iterator

import numpy as np

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}  # Bytes.
_MOST_FIELDS = 100_000  # In a message; Caffe packs its arrays, so each is a single field.

Value = int | memoryview


class MalformedError(ValueError):
    """The bytes are not what they were taken for."""


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Returns the integer that starts at a byte, seven bits a byte, and where it ends."""
    value = 0
    for number, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:
            return value, at + number + 1
    raise MalformedError("an integer has no end")


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Yields the number and the value of each field."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise MalformedError("a field has the number 0")
        if wire_type == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, at = _varint(data, at)
        elif wire_type in _SIZES:
            size = _SIZES[wire_type]
        else:
            raise MalformedError(f"a field is of wire type {wire_type}")
        if size > len(data) - at:
            raise MalformedError(
                f"field {number} has {size} bytes, of which {len(data) - at} are left"
            )
        yield number, data[at : at + size]
        at += size


class Message:
    """The fields of a message by their numbers; what they mean, the caller knows.

    Each method raises a `MalformedError` where the bytes are not of the kind asked for.
    """

    def __init__(self, data: bytes | memoryview):
        self._fields: dict[int, list[Value]] = {}
        for count, (number, value) in enumerate(_fields(memoryview(data))):
            if count == _MOST_FIELDS:
                raise MalformedError(f"a message has more than {_MOST_FIELDS} fields")
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def _values(self, number: int, kind: type) -> list:
        values = self._fields.get(number, [])
        if not all(isinstance(value, kind) for value in values):
            raise MalformedError(f"field {number} is of another type")
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
        """Returns an integer, the last one where there are several."""
        return [default, *self._values(number, int)][-1]

    def decimal(self, number: int, default: float) -> float:
        """Returns a float32 number."""
        values = self._values(number, memoryview)
        if any(len(value) != 4 for value in values):
            raise MalformedError(f"field {number} is no number of 4 bytes")
        return struct.unpack("<f", values[-1])[0] if values else default

    def numbers(self, number: int, dtype: str) -> np.ndarray:
        """Returns an array of numbers, packed or not; a view of the file if it is in one piece."""
        pieces = self._values(number, memoryview)
        joined = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if len(joined) % np.dtype(dtype).itemsize:
            raise MalformedError(f"field {number} ends inside a number")
        return np.frombuffer(joined, dtype)

    def texts(self, number: int) -> tuple[str, ...]:
        """Returns the texts of a repeated field."""
        try:
            return tuple(str(value, "utf-8") for value in self._values(number, memoryview))
        except UnicodeDecodeError as error:
            raise MalformedError(f"field {number} is no text") from error

    def messages(self, number: int) -> "list[Message]":
        """Returns the messages of a repeated field."""
        return [Message(value) for value in self._values(number, memoryview)]

    def message(self, number: int) -> "Message":
        """Returns a message, an empty one if it is missing."""
        return (self.messages(number) or [Message(b"")])[-1]
