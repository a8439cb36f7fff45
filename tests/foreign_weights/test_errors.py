"""Errors about files name the file, whatever reads it."""

import zlib

import pytest

from tf_twostream.foreign_weights import (
    ForeignFileError,
    OtherFormError,
    OtherNetworkError,
    errors,
)


def reading():
    return errors.naming("it.mat", ".mat")


def test_damage_is_the_reason_why_a_file_is_not_whole():
    with (
        pytest.raises(ForeignFileError, match="^it.mat must be a whole .mat. .* no end.$"),
        reading(),
    ):
        raise ForeignFileError("no end")


def test_what_does_not_decompress_is_damaged():
    with (
        pytest.raises(ForeignFileError, match="^it.mat must be a whole .mat. .*Error -3"),
        reading(),
    ):
        zlib.decompress(b"not compressed")


@pytest.mark.parametrize("kind", [OtherFormError, OtherNetworkError])
def test_what_cannot_be_converted_stays_of_its_class(kind):
    with pytest.raises(kind, match="^it.mat cannot be converted. It must be small.$"), reading():
        raise kind("It must be small.")


def test_other_errors_pass():
    with pytest.raises(FileNotFoundError, match="^it.mat$"), reading():
        raise FileNotFoundError("it.mat")
