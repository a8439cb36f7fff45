"""Reading .mat files, against SciPy and MATLAB."""

import struct
import zlib

import foreign_files as files
import numpy as np
import pytest
import scipy.io

from tf_twostream.commands import advice
from tf_twostream.foreign_weights import ForeignFileError, OtherFormError, matlab


@pytest.fixture
def example(tmp_path):
    """The bytes of a file with a value of each kind, and the path to write others to."""

    def write(**how):
        values = {
            "numbers": np.arange(24.0).reshape(2, 3, 4),
            "single": np.float32([[1.5, -2]]),
            "small": np.array([[7]], np.uint8),
            "text": "größer",
            "empty": "",
            "cells": files.cells(["a", np.eye(2), files.cells([1.0])]),
            "struct": {"name": "conv1", "inner": {"size": [[3.0, 3]]}},
        }
        scipy.io.savemat(tmp_path / "example.mat", values, **how)
        return tmp_path / "example.mat"

    return write


@pytest.mark.parametrize("compressed", [True, False])
def test_every_kind_of_value_is_read_as_scipy_wrote_it(example, compressed):
    read = matlab.read(str(example(do_compression=compressed)))
    np.testing.assert_array_equal(read["numbers"], np.arange(24.0).reshape(2, 3, 4))
    assert read["single"].dtype == np.float32 and read["single"].tolist() == [[1.5, -2]]
    assert read["small"].tolist() == [[7]]
    assert (read["text"], read["empty"]) == ("größer", "")
    first, second, third = read["cells"]
    assert first == "a" and second.tolist() == [[1, 0], [0, 1]] and third[0].item() == 1
    assert read["struct"]["name"] == "conv1"
    assert read["struct"]["inner"]["size"].tolist() == [[3, 3]]


def test_what_a_network_has_no_use_for_is_none(tmp_path):
    values = {"complex": np.array([[1j]]), "lines": np.array(["ab", "cd"])}
    records = np.zeros(2, [("name", object)])
    scipy.io.savemat(tmp_path / "it.mat", {**values, "records": records})
    assert matlab.read(str(tmp_path / "it.mat")) == dict.fromkeys([*values, "records"])


def test_files_of_matlab_itself_are_read_as_scipy_reads_them(shared_data):
    for name in ("VGG_mean.mat", "flow_mean.mat"):
        path = str(shared_data / "cnn_m" / name)
        read = matlab.read(path)["image_mean"]
        wanted = scipy.io.loadmat(path)["image_mean"]
        np.testing.assert_array_equal(read, wanted)


def test_version_7_3_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "new.mat"
    text = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Nov  2 10:00:00 2026"
    path.write_bytes(text.ljust(124) + b"\x00\x02IM" + b"\0" * 384 + b"\x89HDF\r\n\x1a\n")
    assert matlab.is_matlab(str(path))
    with pytest.raises(OtherFormError, match=r"new.mat cannot .*7.3 \(HDF5\)") as caught:
        matlab.read(str(path))
    assert "'-v7'" in advice.advise(caught.value)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_cut_off_file_is_refused_wherever_it_ends(example, compressed):
    path = example(do_compression=compressed)
    data, whole = path.read_bytes(), matlab.read(str(path))
    for length in range(0, len(data), 9):
        path.write_bytes(data[:length])
        try:
            read = matlab.read(str(path))
        except ForeignFileError as error:
            assert "example.mat must be a whole .mat file" in str(error)
        else:  # Cut between two variables.
            assert len(read) < len(whole)


def test_a_text_is_not_cut_short(tmp_path):
    path = tmp_path / "it.mat"
    scipy.io.savemat(path, {"text": "a" * 100})
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match="an element of 152 bytes is not whole"):
        matlab.read(str(path))


@pytest.mark.parametrize("compressed", [True, False])
def test_random_damage_is_refused_or_read(example, compressed):
    path = example(do_compression=compressed)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(500):
        damaged = bytearray(data)
        for at in rng.integers(128, len(data), 3):
            damaged[at] = rng.choice([0, 1, 2, 4, 5, 6, 9, 14, 15, 128, 255])
        path.write_bytes(damaged)
        try:
            matlab.read(str(path))
        except ForeignFileError:
            refused += 1
    assert refused > 100


def with_type_of_numbers(number):
    """The bytes of a file with the single numbers 0 to 3, whose type is stated as another one."""
    head = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    flags, sizes = struct.pack("<IIII", 6, 8, 7, 0), struct.pack("<IIii", 5, 8, 1, 4)
    name = struct.pack("<HHI", 1, 1, ord("a"))
    numbers = struct.pack("<II4f", number, 16, *range(4))
    matrix = flags + sizes + name + numbers
    return head + struct.pack("<II", 14, len(matrix)) + matrix


def test_numbers_of_no_type_are_refused(tmp_path):
    """SciPy's reader takes such a type as a place in its memory; most end its process."""
    path = tmp_path / "it.mat"
    path.write_bytes(with_type_of_numbers(7))
    assert matlab.read(str(path))["a"].tolist() == [[0, 1, 2, 3]]
    for number in [0, 8, 10, 11, *range(14, 500)]:
        path.write_bytes(with_type_of_numbers(number))
        with pytest.raises(ForeignFileError, match=rf"numbers \[1, 4\] of type {number} have"):
            matlab.read(str(path))


def test_a_compressed_variable_is_no_larger_than_it_says(example):
    """Else a few bytes could fill the memory."""
    path = example()
    head = path.read_bytes()[:128]
    for body in (b"\0" * 10**6, b""):
        packed = zlib.compress(np.array([14, 64], "<u4").tobytes() + body)
        size = np.array([15, len(packed)], "<u4").tobytes()
        path.write_bytes(head + size + packed)
        with pytest.raises(ForeignFileError, match="decompresses to .* bytes .* instead of 64"):
            matlab.read(str(path))


def nested(depth):
    value = 1.0
    for _ in range(depth):
        value = files.cells([value])
    return value


def test_cells_may_not_be_nested_without_end(tmp_path):
    path = tmp_path / "it.mat"
    scipy.io.savemat(path, {"deep": nested(9)})
    assert isinstance(matlab.read(str(path))["deep"], list)
    scipy.io.savemat(path, {"deep": nested(11)})
    with pytest.raises(ValueError, match="at depth 10"):
        matlab.read(str(path))


@pytest.mark.parametrize("data", [b"", b"MATLAB 5.0", b"\x80\x04\x95cbuiltins\neval\n" * 20])
def test_another_kind_of_file_is_refused(tmp_path, data):
    (tmp_path / "it.mat").write_bytes(data)
    with pytest.raises(ForeignFileError, match="must be a whole .mat file of MATLAB"):
        matlab.read(str(tmp_path / "it.mat"))
