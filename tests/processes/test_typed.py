"""Types of values that come from files."""

import dataclasses
from typing import Any, Literal

import pytest

from tf_twostream.processes import typed


@dataclasses.dataclass
class Inner:
    number: int


@dataclasses.dataclass
class Outer:
    number: int = 1
    rate: float = 2
    text: str = ""
    sure: bool = True
    choice: Literal["a", "b"] = "a"
    numbers: tuple[int, ...] = ()
    by_name: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    maybe: int | None = None
    inner: tuple[Inner, ...] = ()
    anything: Any = None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"number": -3, "rate": 0.5, "text": "x", "sure": False, "choice": "b", "maybe": 3},
        {"numbers": (1, 2), "by_name": {"a": [1]}, "inner": (Inner(1),), "anything": object()},
    ],
)
def test_what_a_dataclass_declares_is_accepted(fields):
    typed.check(Outer(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"number": 1.0}, {"number": True}, {"number": "1"}, {"number": None}, {"number": 1 << 64},
        {"rate": "1"}, {"rate": True}, {"text": 1}, {"sure": 1}, {"choice": "c"}, {"choice": []},
        {"numbers": [1]}, {"numbers": ("a",)}, {"by_name": {"a": 1}}, {"by_name": {1: []}},
        {"maybe": "x"}, {"inner": (1,)}, {"inner": (Inner("x"),)},
    ],
)  # fmt: skip
def test_another_type_is_refused_by_the_name_of_its_field(fields):
    [name] = fields
    with pytest.raises(ValueError, match=f"`{name}` must be .* Received: "):
        typed.check(Outer(**fields))
