"""A step is known by the flags that decide what comes out."""

import pathlib

from tf_twostream.experiments import chains

STEP = chains.Step(
    "scores/a", "evaluate", {"part": "test"}, pathlib.Path("a.npz"), more={"frames_per_batch": 5}
)


def test_flags_of_how_are_in_the_command_and_not_in_the_record():
    assert STEP.record == "twostream evaluate --part=test"
    assert STEP.line == "twostream evaluate --frames_per_batch=5 --part=test"


def test_flags_that_decide_what_comes_out_win():
    step = chains.Step("a", "evaluate", {"part": "test"}, pathlib.Path("a"), more={"part": "train"})
    assert step.arguments == ["evaluate", "--part=test"]
