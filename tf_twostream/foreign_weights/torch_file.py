"""Reads the tensors of a file of `torch.save` without PyTorch, and runs nothing that is in it.

Such a file is a pickle, which may name any function of Python to be called when it is read. Here a
list of names is allowed, each of which stands for a function of this module; any other name ends
the reading. Both forms are read: the old one (until 2020), one pickle after another with the
numbers behind them, and the zip archive of today.
"""

import collections
import io
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from tf_twostream.foreign_weights.errors import ForeignFileError, naming

_MAGIC = 0x1950A86A20F9469CFC6C  # Of the old form.
_VERSION = 1001
KIND = "file of torch.save with tensors alone"

# What a pickle can lay its hands on cannot be changed: neither tuples nor objects without a
# dictionary take attributes, which the pickle's "build" would set behind all checks.


class _Type(NamedTuple):
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


class _Storage(NamedTuple):
    """Numbers in a row, of which tensors are made, by their name in the file."""

    name: str
    dtype: str
    length: int


class _Tensor(NamedTuple):
    """A tensor whose numbers need not have been read yet."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _RebuildTensor:
    """Stands for `torch._utils._rebuild_tensor_v2`."""

    __slots__ = ()

    def __call__(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
        sizes = (*shape, *strides, offset)
        whole = all(isinstance(size, int) and 0 <= size < 1 << 48 for size in sizes)
        if not (isinstance(storage, _Storage) and whole and len(shape) == len(strides) <= 32):
            raise ForeignFileError("a tensor without storage, shape and strides")
        return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _RebuildParameter:
    """Stands for `torch._utils._rebuild_parameter`."""

    __slots__ = ()

    def __call__(self, tensor: Any, *_: Any) -> Any:
        return tensor


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
    ("torch._utils", "_rebuild_parameter"): _RebuildParameter(),
    **{("torch", name): kind for name, kind in _TYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Builds tensors and containers, and nothing else."""

    def __init__(self, file: BinaryIO, load: Callable[[_Storage], None] | None):
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
        storage = _Storage(name, kind.dtype, count)
        self._load(storage)
        return storage


def _unpickle(file: BinaryIO, load: Callable[[_Storage], None] | None = None) -> Any:
    """Reads the next pickle of a file."""
    start = file.tell()
    # The reader keeps a table as long as the largest number under which a pickle notes something.
    notes = [int(arg or 0) for code, arg, _ in pickletools.genops(file) if "PUT" in code.name]
    if notes and max(notes) > file.tell():
        raise ForeignFileError("a pickle that notes more than it has")
    file.seek(start)
    return _Unpickler(file, load).load()


def _row(storage: _Storage, data: bytes) -> np.ndarray:
    """Returns the numbers of a storage; bfloat16 as float32."""
    short = storage.dtype == "bfloat16"
    numbers = np.frombuffer(data, np.dtype("<u2" if short else storage.dtype))
    if len(numbers) != storage.length:
        raise ForeignFileError(f"{len(numbers)} numbers where {storage.length} are due")
    return (numbers.astype(np.uint32) << 16).view(np.float32) if short else numbers


def _view(tensor: _Tensor, rows: dict[str, np.ndarray]) -> np.ndarray:
    """Returns a tensor as a view of its storage: names of one storage take its memory once."""
    if tensor.storage.name not in rows:
        raise ForeignFileError("a tensor whose numbers are missing")
    numbers = rows[tensor.storage.name]
    if 0 in tensor.shape:
        return np.zeros(tensor.shape, numbers.dtype)
    # As far as the tensor reaches, or strides would read memory that is not the file's. Strides of
    # 0 would make huge tensors of one number.
    reach = sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides))
    size = int(np.prod([float(side) for side in tensor.shape]))
    if tensor.offset + reach >= len(numbers) or size > len(numbers):
        raise ForeignFileError(f"a tensor of shape {tensor.shape} beyond its numbers")
    bytes_apart = [step * numbers.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(
        numbers[tensor.offset :], tensor.shape, bytes_apart, writeable=False
    )


def read(path: str) -> dict[str, np.ndarray]:
    """Reads the tensors of a file, for example the weights of a network ("state_dict").

    Args:
        path: The file.

    Returns:
        The arrays by their names; they cannot be written to.

    Raises:
        OSError: If the file cannot be read.
        ForeignFileError: If it is damaged, or holds anything but named tensors.
    """
    # As a whole: a damaged archive leads to places before the file, which a disk calls OSError.
    with open(path, "rb") as opened:
        file = io.BytesIO(opened.read())
    with naming(path, KIND):
        try:
            reader = _read_zip if zipfile.is_zipfile(file) else _read_old
            content, rows = reader(file)
            return {name: _view(tensor, rows) for name, tensor in _tensors(content)}
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


def _read_old(file: BinaryIO) -> tuple[Any, dict[str, np.ndarray]]:
    """Reads the old form: magic number, version, system, content, keys, then the numbers."""
    file.seek(0)
    if file.read(4) != b"\x80\x02\x8a\x0a":  # Before the unpickler, which takes any bytes.
        raise ForeignFileError("another beginning")
    file.seek(0)
    storages: dict[str, _Storage] = {}
    head = [_unpickle(file) for _ in range(3)]
    if head[:2] != [_MAGIC, _VERSION]:
        raise ForeignFileError("another magic number or version")
    content = _unpickle(file, lambda storage: storages.update({storage.name: storage}))
    rows = {}
    for name in _unpickle(file):
        storage, (count,) = storages[name], struct.unpack("<q", file.read(8))
        if count != storage.length:
            raise ForeignFileError(f"{count} numbers where {storage.length} are due")
        size = 2 if storage.dtype == "bfloat16" else np.dtype(storage.dtype).itemsize
        rows[name] = _row(storage, file.read(count * size))
    return content, rows


def _read_zip(file: BinaryIO) -> tuple[Any, dict[str, np.ndarray]]:
    """Reads an archive: NAME/data.pkl and NAME/data/KEY, little-endian, not compressed."""
    with zipfile.ZipFile(file) as archive:

        def member(name: str) -> bytes:
            info = archive.getinfo(name)
            # What is compressed could grow without bounds; PyTorch never compresses.
            if info.compress_type != zipfile.ZIP_STORED:
                raise ForeignFileError("a member that is compressed")
            return archive.read(info)

        [pickled] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        root = pickled.removesuffix("data.pkl")
        order = f"{root}byteorder"  # Older files have none, and are little-endian.
        if order in archive.namelist() and member(order) != b"little":
            raise ForeignFileError("numbers of another byte order")
        rows: dict[str, np.ndarray] = {}

        def load(storage: _Storage) -> None:
            if storage.name not in rows:
                rows[storage.name] = _row(storage, member(f"{root}data/{storage.name}"))

        return _unpickle(io.BytesIO(member(pickled)), load), rows
