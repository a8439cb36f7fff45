"""One field, one flag, one help text."""

import dataclasses
from typing import ClassVar, Literal

import pytest
from absl import flags

from tf_twostream import cli


@dataclasses.dataclass(frozen=True, kw_only=True)
class Knobs(cli.Knobs):
    """Knobs of each type."""

    group: ClassVar[str] = "training"

    needed: str = cli.knob(cli.REQUIRED, "Must be given.")
    count: int = cli.knob(3, "A number.", at_least=1)
    rate: float | None = cli.knob(None, "May be left out.", at_least=0, below=1)
    names: tuple[str, ...] = cli.knob((), "Several.")
    weights: tuple[float, ...] = cli.knob((1.0, 2.0), "Several numbers.")
    way: Literal["in", "out"] = cli.knob("in", "One of two.", group="machine")
    method: str = cli.knob("a", "One of a table.", choices=("a", "b"))
    loud: bool = cli.knob(False, "Yes or no.")
    hidden: str = "no flag"


@dataclasses.dataclass(frozen=True)
class Others(cli.Knobs):
    """Knobs that are those of others."""

    size: float = cli.knob(1.0, "In pixels.", above=0)
    number: int = cli.knob_of(Knobs, "count", default=7)


def main(knobs: Knobs, others: Others) -> int:
    """Takes two dataclasses."""
    parsed.append((knobs, others))
    return 5


def label(videos: list[str]) -> None:
    """Takes what is no flag."""
    parsed.append(videos)


parsed: list = []


def parse(*arguments, main=main):
    code = cli.parse(main, ["program", *arguments], flags.FlagValues())()
    return code, parsed.pop()


def test_defaults_come_from_the_dataclass():
    assert parse("--needed=x") == (5, (Knobs(needed="x"), Others()))


def test_each_field_is_a_flag_of_its_type():
    _, (knobs, others) = parse(
        "--needed=x", "--count=5", "--rate=0.5", "--names=a,b", "--weights=3,4", "--way=out",
        "--loud", "--method=b", "--size=2",
    )  # fmt: skip
    assert knobs == Knobs(
        needed="x", count=5, rate=0.5, names=("a", "b"), weights=(3.0, 4.0), way="out", loud=True,
        method="b",
    )  # fmt: skip
    assert others.size == 2


def test_a_knob_of_another_dataclass_keeps_its_help_and_its_limits():
    assert Others().number == 7
    assert "A number." in cli.describe(main, "program").split("--number")[1]
    with pytest.raises(ValueError, match="`number` must be at least 1"):
        Others(number=0)


def test_a_field_without_a_help_text_is_no_flag():
    with pytest.raises(flags.Error, match="hidden"):
        parse("--needed=x", "--hidden=y")


def test_missing_flags_are_named_in_one_line():
    with pytest.raises(flags.Error, match=r"^--needed must be given\.$"):
        parse()


def test_a_bad_item_of_a_list_is_named():
    with pytest.raises(ValueError, match=r"--weights .* float\. Received: 3,x"):
        parse("--needed=x", "--weights=3,x")


@pytest.mark.parametrize("argument", ["--way=up", "--method=c", "--count=many"])
def test_a_value_that_cannot_be_meant_is_an_error_of_the_command_line(argument):
    with pytest.raises(flags.Error, match=argument[2:5]):
        parse("--needed=x", argument)


def test_flags_of_an_optional_dataclass_are_given_together_or_not_at_all():
    def main(others: Others, knobs: Knobs | None) -> None:
        parsed.append(knobs)

    assert parse("--size=2", main=main) == (None, None)
    assert parse("--needed=x", main=main) == (None, Knobs(needed="x"))
    with pytest.raises(flags.Error, match=r"^--needed must be given\.$"):
        parse("--rate=0.5", main=main)
    assert "(required)" not in cli.describe(main, "program")


def test_what_is_no_flag_goes_where_it_is_wanted():
    assert parse("a.avi", "b.avi", main=label) == (None, ["a.avi", "b.avi"])
    with pytest.raises(flags.Error, match="at least one VIDEO"):
        parse(main=label)
    with pytest.raises(flags.Error, match="Received: 'stray'"):
        parse("--needed=x", "stray")


def test_help_lists_each_flag_below_its_group():
    words = cli.describe(main, "program")
    data, training, machine = (
        words.index(f"\n{name}:") for name in ("data", "training", "machine")
    )
    assert data < words.index("--size") < training < words.index("--needed") < machine
    assert machine < words.index("--way=<in|out>") and "--[no]loud" in words
    assert "Must be given. (required)" in words and "In pixels. (default: 1.0)" in words
    assert "hidden" not in words
    assert "usage: program [--flag=value ...] VIDEO ..." in cli.describe(label, "program")


@dataclasses.dataclass(frozen=True)
class Paths(cli.Knobs):
    folder: str = cli.knob("", "A folder.")
    files: tuple[str, ...] = cli.knob((), "Files.")
    bucket: str = cli.knob("", "A store.", remote=True)


def use(paths: Paths) -> None:
    used.append(paths)


used: list = []


def test_a_tilde_is_the_home_folder_also_after_an_equals_sign(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    arguments = ["program", "--folder=~/runs", "--files=~/a,b~c", "--bucket=~/d"]
    cli.parse(use, arguments, flags.FlagValues())()
    assert used.pop() == Paths("/home/me/runs", ("/home/me/a", "b~c"), "/home/me/d")


def test_flags_of_one_dataclass_are_read_among_those_of_others():
    knobs = cli.read(Knobs, ["--needed=x", "--width=3", "--count=5", "--noloud", "--names=a,b"])
    assert knobs == Knobs(needed="x", count=5, names=("a", "b"))
