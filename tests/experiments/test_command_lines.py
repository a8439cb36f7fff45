"""Flags as data, and as they are typed."""

import pytest

from tf_twostream.experiments import command_lines


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("", {}),
        ("--width=0.5 --jit_compile", {"width": "0.5", "jit_compile": None}),
        ("--width 0.5 -nomirroring", {"width": "0.5", "nomirroring": None}),
        ("--learning_rate -1 --seed=-2", {"learning_rate": "-1", "seed": "-2"}),
        ("--classes='a b,c'", {"classes": "a b,c"}),
        ("--seed=1 --width=2 --seed=3", {"width": "2", "seed": "3"}),
        ("--init_from=", {"init_from": ""}),
    ],
)
def test_flags_are_read_as_a_shell_and_a_command_would(text, flags):
    assert command_lines.parse_flags(text) == flags


@pytest.mark.parametrize("text", ["0.5", "--width=0.5 0.25", "--width 0.5 0.25", "--", "--a='"])
def test_words_that_are_no_flags_are_refused(text):
    with pytest.raises(ValueError, match="Received|quotation"):
        command_lines.parse_flags(text)


def test_written_flags_are_read_back():
    flags = {"width": "0.5", "jit_compile": None, "classes": "a b"}
    line = command_lines.as_line("train-temporal", flags)
    assert line == "twostream train-temporal --width=0.5 --jit_compile '--classes=a b'"
    assert command_lines.parse_flags(line.removeprefix("twostream train-temporal")) == flags


def test_switches_are_written_as_words_and_numbers_as_numbers():
    flags = {"svm": True, "mean_subtraction": False, "stack_length": 1, "seed": 0}
    assert command_lines.as_arguments(flags) == [
        "--svm=true", "--mean_subtraction=false", "--stack_length=1", "--seed=0"
    ]  # fmt: skip


def test_an_empty_value_is_no_flag():
    assert command_lines.as_arguments({"add_classes": "", "seed": 0}) == ["--seed=0"]
