"""A value is checked where it enters."""

import dataclasses
from typing import Literal

import pytest

from tf_twostream import cli


@dataclasses.dataclass(frozen=True, kw_only=True)
class Knobs(cli.Knobs):
    """Knobs of each type."""

    count: int = cli.knob(3, "A number.", at_least=1)
    rate: float | None = cli.knob(None, "May be left out.", at_least=0, below=1)
    way: Literal["in", "out"] = cli.knob("in", "One of two.")
    method: str = cli.knob("a", "One of a table.", choices=("a", "b"))


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ({"count": 0}, r"`count` must be at least 1. Received: count=0\."),
        ({"rate": 1.0}, r"`rate` must be below 1. Received: rate=1\.0\."),
        ({"rate": float("nan")}, "`rate` must be at least 0. Received: rate=nan"),
        ({"way": "up"}, "`way` must be in or out. Received: way='up'"),
        ({"method": "c"}, "`method` must be a or b. Received: method='c'"),
    ],
)
def test_ranges_and_choices_are_checked_wherever_the_dataclass_is_made(value, rule):
    with pytest.raises(ValueError, match=rule):
        Knobs(**value)


@dataclasses.dataclass(frozen=True)
class Paths(cli.Knobs):
    folder: str = cli.knob("", "A folder.")
    files: tuple[str, ...] = cli.knob((), "Files.")
    bucket: str = cli.knob("", "A store.", remote=True)


@pytest.mark.parametrize("knobs", [{"folder": "gs://b/runs"}, {"files": ("a", "s3://b")}])
def test_a_scheme_is_refused_where_a_path_must_be_of_this_machine(knobs):
    with pytest.raises(ValueError, match="must be a path of this machine.*Received: .*://b"):
        Paths(**knobs)
    assert Paths(bucket="gs://b/store").bucket == "gs://b/store"
