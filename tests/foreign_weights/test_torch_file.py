"""Tensors of PyTorch's files are read; nothing in a file is ever run."""

import collections
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from tf_twostream.foreign_weights import errors, torch_file

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


NUMBERS = np.arange(24, dtype=np.float32)
HALVES = np.array([1.5, -2], np.float32).view(np.uint32) >> 16  # bfloat16.
STORAGES = {"0": NUMBERS, "1": np.array([7], np.int64), "2": HALVES.astype(np.uint16)}


def example():
    return collections.OrderedDict(
        weight=Tensor("0", "FloatStorage", 24, (2, 3, 4)),
        turned=Tensor("0", "FloatStorage", 24, (4, 3), strides=(1, 4), offset=12),
        count=Tensor("1", "LongStorage", 1, ()),
        half=Tensor("2", "BFloat16Storage", 2, (2,)),
    )


@pytest.fixture(params=[old_form, zip_form], ids=["old", "zip"])
def write(request, tmp_path):
    """Writes a file in one of the forms; returns its path."""

    def call(content, storages=STORAGES, cut=None):
        path = tmp_path / "network.pth"
        path.write_bytes(request.param(content, storages)[:cut])
        return str(path)

    return call


def test_tensors_are_read_whatever_their_strides(write):
    tensors = torch_file.read(write(example()))
    np.testing.assert_array_equal(tensors["weight"], NUMBERS.reshape(2, 3, 4))
    np.testing.assert_array_equal(tensors["turned"], NUMBERS[12:].reshape(3, 4).T)
    assert tensors["count"] == 7
    assert tensors["half"].tolist() == [1.5, -2]


def test_a_state_dict_beside_other_things_is_found(write):
    tensors = torch_file.read(write({"epoch": 3, "state_dict": example()}))
    assert set(tensors) == {"weight", "turned", "count", "half"}


@pytest.mark.parametrize("name", [("os", "system"), ("builtins", "eval"), ("made_up", "thing")])
def test_a_name_that_is_not_allowed_ends_the_reading(write, tmp_path, name):
    class Evil:
        def __reduce__(self):
            return Name(*name), (f"touch {tmp_path}/run",)

    with pytest.raises(errors.ForeignFileError, match=r"\.pth must be .* not among the allowed"):
        torch_file.read(write({"weight": Evil()}))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("0", "FloatStorage", 24, (5, 5)),
        Tensor("0", "FloatStorage", 24, (24,), strides=(2,)),
        Tensor("0", "FloatStorage", 24, (1000, 1000), strides=(0, 0)),
        Tensor("0", "FloatStorage", 24, (2,), offset=23),
        Tensor("0", "FloatStorage", 24, (2,), offset=-1),
        Tensor("0", "FloatStorage", 25, (2,)),
    ],
    ids=["too large", "strides", "of one number", "offset", "negative", "count"],
)
def test_a_tensor_beyond_its_numbers_is_refused(write, tensor):
    with pytest.raises(errors.ForeignFileError, match="must be a whole file of torch.save"):
        torch_file.read(write({"weight": tensor}))


@pytest.mark.parametrize("content", [[], {}, {"epoch": 3}, 7, {3: "x"}])
def test_what_is_no_network_is_refused(write, content):
    with pytest.raises(errors.ForeignFileError):
        torch_file.read(write(content))


def test_compressed_numbers_are_refused(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(zip_form(example(), STORAGES, zipfile.ZIP_DEFLATED))
    with pytest.raises(errors.ForeignFileError, match="compressed"):
        torch_file.read(str(path))


def test_a_file_that_is_cut_off_is_refused(write):
    size = os.path.getsize(write(example()))
    for cut in range(0, size, 7):
        with pytest.raises(errors.ForeignFileError):
            torch_file.read(write(example(), cut=cut))


def test_random_damage_is_refused_or_read(write):
    path = write(example())
    with open(path, "rb") as file:
        good = file.read()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(500):
        damaged = bytearray(good)
        for at in rng.integers(0, len(good), rng.integers(1, 4)):
            damaged[at] = rng.integers(256)
        with open(path, "wb") as file:
            file.write(damaged)
        try:
            torch_file.read(path)
        except errors.ForeignFileError:
            refused += 1
    assert refused > 100
