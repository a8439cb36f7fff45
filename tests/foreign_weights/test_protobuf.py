"""The wire format, against the protobuf package."""

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tf_twostream.foreign_weights import ForeignFileError, protobuf

KINDS = descriptor_pb2.FieldDescriptorProto


@pytest.fixture(scope="module")
def example():
    """A message with a field of each kind that Caffe uses, made by the protobuf package."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="example")
    message = file.message_type.add(name="Example")
    for number, (name, kind, repeated) in enumerate(
        [
            ("count", KINDS.TYPE_INT64, False),
            ("rate", KINDS.TYPE_FLOAT, False),
            ("texts", KINDS.TYPE_STRING, True),
            ("floats", KINDS.TYPE_FLOAT, True),
            ("loose", KINDS.TYPE_FLOAT, True),
            ("sizes", KINDS.TYPE_INT64, True),
            ("doubles", KINDS.TYPE_DOUBLE, True),
            ("inner", KINDS.TYPE_MESSAGE, True),
        ],
        1,
    ):
        label = KINDS.LABEL_REPEATED if repeated else KINDS.LABEL_OPTIONAL
        made = message.field.add(name=name, number=number, type=kind, label=label)
        made.options.packed = name in ("floats", "doubles", "sizes")
        if kind == KINDS.TYPE_MESSAGE:
            made.type_name = ".example.Example"
            made.ClearField("options")
        elif not repeated or name in ("texts", "loose"):
            made.ClearField("options")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("example.Example"))


def test_every_kind_of_field_is_read_as_the_protobuf_package_wrote_it(example):
    written = example(
        count=2**40,
        rate=0.5,
        texts=["conv1", "größer"],
        floats=np.arange(300) / 7,
        loose=[1, 2, 3],
        sizes=[1, 300, 70000],
        doubles=[1e300, -1],
        inner=[example(count=3), example(inner=[example(rate=2)])],
    )
    read = protobuf.Message(written.SerializeToString())
    assert read.integer(1, 0) == 2**40
    assert read.decimal(2, 0) == 0.5
    assert read.texts(3) == ("conv1", "größer") and read.text(3) == "conv1"
    np.testing.assert_array_equal(read.numbers(4, "<f4"), np.float32(np.arange(300) / 7))
    np.testing.assert_array_equal(read.numbers(5, "<f4"), [1, 2, 3])
    assert read.integers(6) == (1, 300, 70000)
    np.testing.assert_array_equal(read.numbers(7, "<f8"), [1e300, -1])
    assert read.messages(8)[0].integer(1, 0) == 3
    assert read.message(8).message(8).decimal(2, 0) == 2


def test_missing_fields_have_their_defaults():
    empty = protobuf.Message(b"")
    assert 1 not in empty
    assert (empty.integer(1, 5), empty.decimal(1, 0.5)) == (5, 0.5)
    assert (empty.texts(1), empty.text(1)) == ((), "")
    assert empty.message(1).integers(1) == () and empty.numbers(1, "<f4").size == 0


def test_every_truncation_is_noticed(example):
    data = example(rate=0.5, texts=["abc"], floats=[1, 2, 3], count=300).SerializeToString()
    whole_fields = {0, 3, 8, 13, len(data)}
    for length in range(len(data)):
        if length not in whole_fields:
            with pytest.raises(ForeignFileError):
                protobuf.Message(data[:length])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<!DOCTYPE html>", "wire type 4"),
        (b"\x00\x01", "the number 0"),
        (b"\x08" + b"\xff" * 20, "has no end"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "bytes, of which 0 are left"),
        (b"\x08\x00" * 100_001, "more than 100000 fields"),
    ],
)
def test_what_is_no_message_is_refused(data, message):
    with pytest.raises(ForeignFileError, match=message):
        protobuf.Message(data)


def test_a_field_of_another_type_is_refused():
    read = protobuf.Message(b"\x08\x05\x12\x03\xff\xfe\xfd")
    for look in (
        lambda: read.texts(1), lambda: read.decimal(1, 0), lambda: read.numbers(1, "<f4"),
        lambda: read.message(1), lambda: read.integer(2, 0), lambda: read.texts(2),
        lambda: read.decimal(2, 0), lambda: read.numbers(2, "<f4"), lambda: read.integers(2),
    ):  # fmt: skip
        with pytest.raises(ForeignFileError):
            look()
