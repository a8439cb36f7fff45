"""Each step runs once, whatever happens in between."""

import dataclasses
import os
import pathlib
import signal
import threading
import time

import pytest

from tf_twostream.experiments import plans, running

# Notes that it runs; then writes its output, unless it is told to fail.
SCRIPT = """
import pathlib, sys
output, log, *words = sys.argv[1:]
with open(log, "a") as file:
    file.write(pathlib.Path(output).name + "\\n")
if "fail" in words:
    sys.exit(3)
if "nothing" not in words:
    pathlib.Path(output).write_text("done")
"""


@pytest.fixture
def make(tmp_path):
    """Makes steps of a script that notes each call."""
    (tmp_path / "script.py").write_text(SCRIPT)

    def step(name, *words, after=()):
        output = tmp_path / name
        return plans.Step(
            name, ("script.py", str(output), str(tmp_path / "log"), *words), output, tuple(after)
        )

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
    return lambda: running.Runner(str(tmp_path / "out"), tmp_path)


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
    runner().run(make("train", "--learning_rate=1"))
    assert calls() == ["train"]


def test_flags_that_decide_nothing_are_given_but_make_no_other_step(runner, tmp_path):
    (tmp_path / "echo.py").write_text(
        "import pathlib, sys\npathlib.Path(sys.argv[-1]).write_text(' '.join(sys.argv[1:]))\n"
    )
    output = tmp_path / "scores"
    plain = plans.Step("test", ("echo.py", str(output)), output)
    more = dataclasses.replace(plain, more=("--frames_per_batch=5",))
    runner().run(more)
    assert output.read_text() == f"--frames_per_batch=5 {output}"
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
        runner().run(make("train", "nothing"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_waits_for_the_command_to_save_its_work(number, tmp_path, runner):
    script = tmp_path / "saves.py"
    script.write_text(
        "import pathlib, signal, sys, time\n"
        "def save(*_):\n"
        "    time.sleep(0.3)\n"
        "    pathlib.Path(sys.argv[1]).write_text('saved')\n"
        "    sys.exit(130)\n"
        f"signal.signal({int(number)}, save)\n"
        "pathlib.Path(sys.argv[1] + '.ready').touch()\n"
        "time.sleep(60)\n"
    )
    output = tmp_path / "checkpoint"
    step = plans.Step("train", ("saves.py", str(output)), output)

    def stop():
        while not pathlib.Path(f"{output}.ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        runner().run(step)
    thread.join()
    assert output.read_text() == "saved"
    assert not runner().is_done(step)


def test_an_output_folder_belongs_to_its_flags(tmp_path):
    flags = {"scale": "small", "imagenet_run": ""}
    running.keep_flags(str(tmp_path), {"scale": "large"})  # Nothing was run with it.
    running.keep_flags(str(tmp_path), flags)
    (tmp_path / "runs").mkdir()
    running.keep_flags(str(tmp_path), flags | {"imagenet_run": "runs/a"})
    for changed in ({"scale": "paper"}, {"imagenet_run": ""}, {"imagenet_run": "runs/b"}):
        with pytest.raises(ValueError, match=f"holds results with --{next(iter(changed))}="):
            running.keep_flags(str(tmp_path), flags | {"imagenet_run": "runs/a"} | changed)
