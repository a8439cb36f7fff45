"""Each step runs once, whatever happens in between."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

import tf_twostream
from tf_twostream.experiments import chains, running

# In the place of `tf_twostream.commands`: each command notes that it runs, and writes its output.
PROGRAM = """
import pathlib, signal, sys, time
name, *arguments = sys.argv[1:]
flags = dict(argument[2:].partition("=")[::2] for argument in arguments)
output = pathlib.Path(flags["output"])

def save(*_):
    time.sleep(0.3)
    output.write_text("saved")
    sys.exit(130)

with open(flags["log"], "a") as file:
    file.write(output.name + "\\n")
if name == "fail":
    sys.exit(3)
if name == "work":
    signal.signal(int(flags["until"]), save)
    pathlib.Path(f"{output}.ready").touch()
    time.sleep(60)
if name != "do-nothing":
    output.write_text(" ".join(arguments))
"""


@pytest.fixture(autouse=True)
def program(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text(PROGRAM)
    monkeypatch.setattr(running, "PROGRAM", (sys.executable, str(tmp_path / "program.py")))


@pytest.fixture
def make(tmp_path):
    """Makes steps of commands that do next to nothing."""

    def step(name, command="train", after=(), **flags):
        output = tmp_path / name
        flags = {"output": str(output), "log": str(tmp_path / "log"), **flags}
        return chains.Step(name, command, flags, output, tuple(after))

    return step


@pytest.fixture
def calls(tmp_path):
    """Which steps were carried out since the last look."""

    def read():
        log = tmp_path / "log"
        names = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return names

    return read


@pytest.fixture
def runner(tmp_path):
    return lambda: running.Runner(str(tmp_path / "out"))


def test_a_step_follows_those_it_needs_and_runs_once(make, calls, runner):
    train = make("train")
    tests = [make("test", after=[train]), make("train_scores", after=[train])]
    last = make("fused", after=tests)
    assert not runner().is_done(last)
    runner().run(last)
    assert calls() == ["train", "test", "train_scores", "fused"]
    assert runner().is_done(last)
    runner().run(last)
    assert calls() == []


def test_after_a_kill_only_what_is_missing_runs(make, calls, runner, tmp_path):
    train = make("train")
    test = make("test", after=[train])
    runner().run(test)
    calls()
    (tmp_path / "out" / "steps" / "test.json").unlink()  # Killed before the end was noted.
    runner().run(test)
    assert calls() == ["test"]
    test.output.unlink()
    runner().run(test)
    assert calls() == ["test"]


def test_a_step_that_an_earlier_version_recorded_is_done(make, runner, tmp_path):
    step = make("a", command="train-temporal")
    runner().run(step)
    path = tmp_path / "out" / "steps" / "a.json"
    text = path.read_text()
    path.write_text(text.replace("twostream train-temporal", "python scripts/train_temporal.py"))
    assert path.read_text() != text and runner().is_done(step)


def test_what_follows_a_step_that_ran_again_runs_again(make, calls, runner):
    train = make("train")
    test = make("test", after=[train])
    runner().run(test)
    train.output.unlink()
    runner().run(train)
    calls()
    assert not runner().is_done(test)
    runner().run(test)
    assert calls() == ["test"]


def test_another_command_is_another_step(make, calls, runner):
    runner().run(make("train"))
    calls()
    runner().run(make("train", learning_rate=1))
    assert calls() == ["train"]


def test_flags_that_decide_nothing_are_given_but_make_no_other_step(make, runner):
    plain = make("test")
    more = dataclasses.replace(plain, more={"frames_per_batch": 5})
    runner().run(more)
    assert plain.output.read_text().startswith("--frames_per_batch=5 --output=")
    assert runner().is_done(more)
    assert runner().is_done(plain)


def test_a_failure_is_named_and_not_repeated_in_the_same_run(make, calls, runner):
    train = make("train", "fail")
    one = runner()
    for name in ("test", "other"):
        with pytest.raises(running.StepError, match="train ended with code 3"):
            one.run(make(name, after=[train]))
    assert calls() == ["train"]
    assert list(one.failed) == ["train"]
    with pytest.raises(running.StepError):  # The next run tries again.
        runner().run(train)
    assert calls() == ["train"]


def test_a_command_that_writes_nothing_has_failed(make, runner):
    with pytest.raises(running.StepError, match="wrote no"):
        runner().run(make("train", "do-nothing"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_waits_for_the_command_to_save_its_work(number, make, runner):
    step, one = make("checkpoint", "work", until=int(number)), runner()

    def stop():
        while not pathlib.Path(f"{step.output}.ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        one.run(step)
    assert step.output.read_text() == "saved"
    assert not runner().is_done(step)


def test_commands_run_by_the_package_itself_where_there_are_no_scripts(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(tf_twostream.__file__).parents[1]))
    done = subprocess.run(
        [*running.PROGRAM, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "train-temporal" in done.stdout


def test_an_output_folder_belongs_to_its_flags(tmp_path):
    flags = {"scale": "small", "imagenet_run": ""}
    running.keep_flags(str(tmp_path), {"scale": "large"})  # Nothing was run with it.
    running.keep_flags(str(tmp_path), flags)
    (tmp_path / "runs").mkdir()
    running.keep_flags(str(tmp_path), flags | {"imagenet_run": "runs/a"})
    for changed in (
        {"scale": "paper"},
        {"imagenet_run": ""},
        {"imagenet_run": "runs/b"},
        {"imagenet_run": "runs/b,runs/a"},
    ):
        [name] = changed
        with pytest.raises(running.ResultsError, match=f"Received: {name}=.* with {name}="):
            running.keep_flags(str(tmp_path), flags | {"imagenet_run": "runs/a"} | changed)


def test_a_run_of_another_architecture_may_be_named_later(tmp_path):
    (tmp_path / "runs").mkdir()
    for run in ("", "runs/a", "runs/a,runs/b"):
        running.keep_flags(str(tmp_path), {"imagenet_run": run, "train_flags": "--a=1"})
    with pytest.raises(running.ResultsError):
        running.keep_flags(str(tmp_path), {"imagenet_run": run, "train_flags": "--a=1,2"})
