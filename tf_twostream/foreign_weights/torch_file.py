"""Reads the tensors of a file of `torch.save` without PyTorch, and runs nothing that is in it.

Such a file is a pickle, which may name any function of Python to be called when it is read. Here a
list of names is allowed, each of which stands for a function of this module; any other name ends
the reading. Both forms are read: the old one (until 2020), one pickle after another with the
numbers behind them, and the zip archive of today.
"""

import collections
import dataclasses
import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from tf_twostream.foreign_weights.errors import ForeignFileError, naming

_MAGIC = 0x1950A86A20F9469CFC6C  # Of the old form.
_VERSION = 1001
KIND = "file of torch.save with tensors alone"


@dataclasses.dataclass(frozen=True)
class _Type:
    """A type of numbers, as its class is called in a file."""

    dtype: str


_TYPES = {
    "FloatStorage": _Type("<f4"),
    "DoubleStorage": _Type("<f8"),
    "HalfStorage": _Type("<f2"),
    "BFloat16Storage": _Type("bfloat16"),
    "LongStorage": _Type("<i8"),
    "IntStorage": _Type("<i4"),
    "ByteStorage": _Type("u1"),
    "BoolStorage": _Type("?"),
}


@dataclasses.dataclass
class _Storage:
    """Numbers in a row, of which tensors are made; in the old form they follow at the end."""

    dtype: str
    count: int
    data: bytes | None = None


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A tensor whose numbers need not have been read yet."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        """Returns the numbers; bfloat16 as float32."""
        short = self.storage.dtype == "bfloat16"
        dtype = np.dtype("<u2" if short else self.storage.dtype)
        data = self.storage.data
        if data is None or len(data) != self.storage.count * dtype.itemsize:
            raise ForeignFileError("a tensor whose numbers are missing")
        numbers = np.frombuffer(data, dtype)
        if short:
            numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
        # As far as the tensor reaches, or strides would read memory that is not the file's.
        reach = sum((side - 1) * step for side, step in zip(self.shape, self.strides))
        if 0 in self.shape:
            return np.zeros(self.shape, numbers.dtype)
        if self.offset + reach >= len(numbers):
            raise ForeignFileError(f"a tensor of shape {self.shape} beyond its numbers")
        bytes_apart = [step * numbers.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, bytes_apart)
        # A stride of 0 makes huge tensors of one number.
        if view.size > len(numbers):
            raise ForeignFileError(f"a tensor of shape {self.shape} with {len(numbers)} numbers")
        return view.copy()


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    sizes = (*shape, *strides, offset)
    whole = all(isinstance(size, int) and 0 <= size < 1 << 48 for size in sizes)
    if not (isinstance(storage, _Storage) and whole and len(shape) == len(strides) <= 32):
        raise ForeignFileError("a tensor without storage, shape and strides")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor: Any, *_: Any) -> Any:
    return tensor


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    **{("torch", name): kind for name, kind in _TYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Builds tensors and containers, and nothing else."""

    def __init__(self, file: BinaryIO, load: Callable[[str, _Type, int], _Storage] | None):
        super().__init__(file, encoding="utf-8")
        self._load = load

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise ForeignFileError(f"the name {module}.{name}, which is not among the allowed ones")
        return _ALLOWED[module, name]

    def persistent_load(self, key: Any) -> _Storage:
        # ("storage", type, key, device, count), and in the old form a view that is never used.
        word, kind, name, _, count, *_ = key
        if word != "storage" or self._load is None or not isinstance(kind, _Type):
            raise ForeignFileError("a reference to something else than numbers")
        if not (isinstance(name, str) and isinstance(count, int) and 0 <= count < 1 << 40):
            raise ForeignFileError("numbers without name and count")
        return self._load(name, kind, count)


def read(path: str) -> dict[str, np.ndarray]:
    """Reads the tensors of a file, for example the weights of a network ("state_dict").

    Args:
        path: The file.

    Returns:
        The arrays by their names.

    Raises:
        OSError: If the file cannot be read.
        ForeignFileError: If it is damaged, or holds anything but named tensors.
    """
    # As a whole: a damaged archive leads to places before the file, which a disk calls OSError.
    with open(path, "rb") as opened:
        file = io.BytesIO(opened.read())
    with naming(path, KIND):
        try:
            content = _read_zip(file) if zipfile.is_zipfile(file) else _read_old(file)
            return {name: tensor.array() for name, tensor in _tensors(content)}
        except ForeignFileError:
            raise
        # Whatever a damaged pickle, or a damaged archive, can lead its reader to.
        except (
            pickle.UnpicklingError, zipfile.BadZipFile, struct.error, EOFError, AttributeError,
            ValueError, TypeError, LookupError, OverflowError, MemoryError, RecursionError,
            NotImplementedError, RuntimeError,
        ) as error:  # fmt: skip
            raise ForeignFileError(f"{type(error).__name__}: {error}") from error


def _tensors(content: Any) -> list[tuple[str, _Tensor]]:
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]  # As trainings save it, beside other things.
    if not isinstance(content, dict) or not content:
        raise ForeignFileError("no dictionary of tensors")
    kept = [(name, value) for name, value in content.items() if isinstance(value, _Tensor)]
    if not all(isinstance(name, str) for name, _ in kept) or not kept:
        raise ForeignFileError("no tensors with names")
    return kept


def _read_old(file: BinaryIO) -> Any:
    """Reads the old form: magic number, version, system, content, keys, then the numbers."""
    file.seek(0)
    if file.read(4) != b"\x80\x02\x8a\x0a":  # Before the unpickler, which takes any bytes.
        raise ForeignFileError("another beginning")
    file.seek(0)
    storages: dict[str, _Storage] = {}

    def load(name: str, kind: _Type, count: int) -> _Storage:
        return storages.setdefault(name, _Storage(kind.dtype, count))

    head = [_Unpickler(file, None).load() for _ in range(3)]
    if head[:2] != [_MAGIC, _VERSION]:
        raise ForeignFileError(f"magic number and version {head[:2]}")
    content = _Unpickler(file, load).load()
    for name in _Unpickler(file, None).load():
        (count,) = struct.unpack("<q", file.read(8))
        storage = storages[name]
        if count != storage.count:
            raise ForeignFileError(f"{count} numbers where {storage.count} are due")
        size = 2 if storage.dtype == "bfloat16" else np.dtype(storage.dtype).itemsize
        storage.data = file.read(count * size)
    return content


def _read_zip(file: BinaryIO) -> Any:
    """Reads an archive: NAME/data.pkl and NAME/data/KEY, little-endian, not compressed."""
    with zipfile.ZipFile(file) as archive:
        [pickled] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        root = pickled.removesuffix("data.pkl")
        order = f"{root}byteorder"  # Older files have none, and are little-endian.
        if order in archive.namelist() and archive.read(order) != b"little":
            raise ForeignFileError("numbers of another byte order")
        kept: dict[str, _Storage] = {}

        def load(name: str, kind: _Type, count: int) -> _Storage:
            if name not in kept:
                info = archive.getinfo(f"{root}data/{name}")
                # Compressed numbers could grow without bounds; PyTorch never compresses.
                if info.compress_type != zipfile.ZIP_STORED:
                    raise ForeignFileError("numbers that are compressed")
                kept[name] = _Storage(kind.dtype, count, archive.read(info))
            return kept[name]

        info = archive.getinfo(pickled)
        if info.compress_type != zipfile.ZIP_STORED:
            raise ForeignFileError("a pickle that is compressed")
        return _Unpickler(io.BytesIO(archive.read(info)), load).load()
