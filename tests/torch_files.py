"""Files as PyTorch writes them, of which nothing need be installed."""

import io
import pickle
import struct
import zipfile

import numpy as np

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001


class Named:
    """Stands in a pickle for a name of PyTorch's, for which nothing need be installed."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Tensor:
    """A tensor as PyTorch pickles it."""

    def __init__(self, key, kind, count, shape, strides=None, offset=0):
        self.reference = Reference(("storage", Named("torch", kind), key, "cpu", count))
        if strides is None:
            strides = tuple(int(np.prod(shape[n + 1 :])) for n in range(len(shape)))
        self.arguments = (self.reference, offset, tuple(shape), strides, False, {})

    def __reduce__(self):
        return Name("torch._utils", "_rebuild_tensor_v2"), self.arguments


class Reference:
    """A persistent id."""

    def __init__(self, content):
        self.content = content


def Name(module, name):  # Looks like a function to the pickler, see `Pickler.save_global`.
    function = lambda *_: None  # noqa: E731
    function.__module__, function.__qualname__, function.__name__ = module, name, name
    return function


class Pickler(pickle._Pickler):
    """Writes names that cannot be imported here."""

    def persistent_id(self, value):
        return value.content if isinstance(value, Reference) else None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Named):
            value = Name(value.module, value.name)
        module = getattr(value, "__module__", "") or ""
        if callable(value) and module.split(".")[0] in ("torch", "os", "builtins", "made_up"):
            self.write(b"c" + f"{module}\n{value.__qualname__}\n".encode())
            return
        super().save(value, save_persistent_id)


def pickled(content):
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(content)
    return stream.getvalue()


def old_form(content, storages):
    """A file as PyTorch wrote it until 2020."""
    head = pickled(MAGIC) + pickled(VERSION) + pickled({"little_endian": True})
    tail = b"".join(
        struct.pack("<q", len(values)) + values.tobytes() for values in storages.values()
    )
    return head + pickled(content) + pickled(list(storages)) + tail


def zip_form(content, storages, compression=zipfile.ZIP_STORED):
    """A file as PyTorch writes it today."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled(content))
        archive.writestr("archive/byteorder", "little")
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
    return stream.getvalue()
