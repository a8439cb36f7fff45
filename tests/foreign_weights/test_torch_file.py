"""Tensors of PyTorch's files are read; nothing in a file is ever run."""

import collections
import io
import os
import zipfile

import numpy as np
import pytest
import torch_files

from tf_twostream.foreign_weights import errors, torch_file

NUMBERS = np.arange(24, dtype=np.float32)
HALVES = np.array([1.5, -2], np.float32).view(np.uint32) >> 16  # bfloat16.
STORAGES = {"0": NUMBERS, "1": np.array([7], np.int64), "2": HALVES.astype(np.uint16)}


def example():
    return collections.OrderedDict(
        weight=torch_files.Tensor("0", "FloatStorage", 24, (2, 3, 4)),
        turned=torch_files.Tensor("0", "FloatStorage", 24, (4, 3), strides=(1, 4), offset=12),
        count=torch_files.Tensor("1", "LongStorage", 1, ()),
        half=torch_files.Tensor("2", "BFloat16Storage", 2, (2,)),
    )


@pytest.fixture(params=[torch_files.old_form, torch_files.zip_form], ids=["old", "zip"])
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
            return torch_files.Name(*name), (f"touch {tmp_path}/run",)

    with pytest.raises(errors.ForeignFileError, match=r"\.pth must be .* not among the allowed"):
        torch_file.read(write({"weight": Evil()}))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "tensor",
    [
        torch_files.Tensor("0", "FloatStorage", 24, (5, 5)),
        torch_files.Tensor("0", "FloatStorage", 24, (24,), strides=(2,)),
        torch_files.Tensor("0", "FloatStorage", 24, (1000, 1000), strides=(0, 0)),
        torch_files.Tensor("0", "FloatStorage", 24, (2,), offset=23),
        torch_files.Tensor("0", "FloatStorage", 24, (2,), offset=-1),
        torch_files.Tensor("0", "FloatStorage", 25, (2,)),
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


class Built(torch_files.Tensor):
    """A tensor to which a pickle adds attributes after all checks ("build")."""

    def __init__(self, state):
        super().__init__("0", "FloatStorage", 24, (2,))
        self.state = state

    def __reduce__(self):
        return (*super().__reduce__(), self.state)


@pytest.mark.parametrize(
    "state", [{"strides": (-1,)}, {"offset": 1 << 30}, (None, {"strides": (-1,)})]
)
def test_nothing_can_be_changed_after_it_was_checked(write, state):
    with pytest.raises(errors.ForeignFileError):
        torch_file.read(write({"weight": Built(state)}))


@pytest.mark.parametrize("state", [{"dtype": "<i4"}, (None, {"dtype": "<i4"})])
def test_a_file_does_not_change_how_others_are_read(write, state):
    # FloatStorage, the state, "build".
    evil = b"\x80\x02ctorch\nFloatStorage\n" + torch_files.pickled(state)[2:-1] + b"b."
    with pytest.raises(AttributeError):
        torch_file._unpickle(io.BytesIO(evil))
    np.testing.assert_array_equal(torch_file.read(write(example()))["weight"].ravel(), NUMBERS)


def test_a_note_under_a_huge_number_takes_no_memory():
    bomb = b"\x80\x02Nr\x00\x00\x00\x40."  # LONG_BINPUT 2^30.
    with pytest.raises(errors.ForeignFileError, match="notes more than it has"):
        torch_file._unpickle(io.BytesIO(bomb))


def test_names_of_one_storage_take_its_memory_once(write):
    content = {str(n): torch_files.Tensor("0", "FloatStorage", 24, (24,)) for n in range(5)}
    tensors = torch_file.read(write(content, {"0": NUMBERS}))
    assert all(np.shares_memory(tensors["0"], tensor) for tensor in tensors.values())


def test_compressed_numbers_are_refused(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(torch_files.zip_form(example(), STORAGES, zipfile.ZIP_DEFLATED))
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
