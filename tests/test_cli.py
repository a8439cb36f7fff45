"""One field, one flag, one help text; one line where something cannot be meant."""

import dataclasses
import os
import subprocess
import sys
import textwrap
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
        Knobs(needed="x", **value)


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


SCRIPT = """
    '''Counts.'''
    import dataclasses
    import os
    import signal
    from tf_twostream import cli

    @dataclasses.dataclass(frozen=True)
    class Knobs(cli.Knobs):
        count: int = cli.knob(3, "How many there are.")

    def main(knobs: Knobs) -> int:
        if knobs.count == 0:
            raise ValueError("`count` must be positive. Received: count=0.")
        if knobs.count == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        if knobs.count == 8:
            print("über 走 \\udcff")
            return 0
        if knobs.count == 10:
            raise ValueError("Received: red\\x1b[31m.avi and\\ncaf\\udce9.avi.")
        if knobs.count == 9:
            raise KeyboardInterrupt
        return knobs.count

    cli.run(main, advise=lambda error: "Take more.")
"""


@pytest.fixture
def script(tmp_path, root):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT))

    def call(*arguments, **environment):
        return subprocess.run(
            [sys.executable, path, *arguments],
            capture_output=True, text=True, check=False,
            env={"PYTHONPATH": str(root), **environment},
        )  # fmt: skip

    return call


def test_help_shows_the_flags_and_leaves_with_0(script):
    result = script("--count=0", "--help")
    assert result.returncode == 0
    assert "Counts." in result.stdout and "How many there are." in result.stdout


def test_the_exit_code_is_what_main_returns(script):
    assert script("--count=4").returncode == 4


def test_a_mistake_of_the_user_is_one_line_with_advice(script):
    result = script("--count=0")
    assert result.returncode == 1
    begin = "error: `count` must be positive. Received: count=0. Take more.   (--verbosity=1"
    assert result.stderr.startswith(begin)
    assert len(result.stderr.splitlines()) == 1


def test_what_a_terminal_would_obey_is_escaped(script):
    result = script("--count=10")
    begin = "error: Received: red\\x1b[31m.avi and\ncaf\\udce9.avi.\nTake more."
    assert result.stderr.startswith(begin)


def test_where_a_mistake_arose_is_shown_on_request(script):
    assert "Traceback" in script("--count=0", "--verbosity=1").stderr


def test_an_error_of_tensorflow_is_one_line():
    import tensorflow as tf

    error = tf.errors.DataLossError(None, None, "corrupted record at 12\nand more")
    assert cli._in_words(error) == "corrupted record at 12"


def test_ctrl_c_leaves_with_130(script):
    assert script("--count=9").returncode == 130


def test_sigterm_leaves_with_143_and_one_line(script):
    result = script("--count=7")
    assert (result.returncode, result.stderr) == (143, "ended by SIGTERM\n")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_a_terminal_cannot_show_are_escaped(script, encoding):
    result = script("--count=8", PYTHONIOENCODING=encoding)
    shown = "über 走" if encoding == "utf-8" else "\\xfcber \\u8d70"
    assert (result.returncode, result.stdout) == (0, f"{shown} \\udcff\n")


@pytest.mark.parametrize("argument", ["count=3", "--cuont=3", "--count=x"])
def test_a_command_line_that_is_not_understood_is_one_line(script, argument):
    result = script(argument)
    assert result.returncode == 2
    assert argument.lstrip("-").partition("=")[0] in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_importing_the_package_sets_no_variable_and_writes_no_file(root, tmp_path):
    names = sorted(
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in (root / "tf_twostream").rglob("*.py")
        if path.name not in ("__main__.py", "page.py")  # A page needs gradio, which is an extra.
    )
    code = (
        "import os, importlib; before = dict(os.environ)\n"
        f"for name in {[name.removesuffix('.__init__') for name in names]}:\n"
        "    importlib.import_module(name)\n"
        "changed = {k for k in os.environ if os.environ[k] != before.get(k)}\n"
        "print(sorted(k for k in changed if k.startswith(('TF', 'XLA', 'CUDA'))))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "XLA"))}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True,
        env={**environment, "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert result.stdout.splitlines()[-1] == "[]"
    assert not any((tmp_path / "tf_twostream").glob("*"))


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


@pytest.mark.parametrize("knobs", [{"folder": "gs://b/runs"}, {"files": ("a", "s3://b")}])
def test_a_scheme_is_refused_where_a_path_must_be_of_this_machine(knobs):
    with pytest.raises(ValueError, match="must be a path of this machine.*Received: .*://b"):
        Paths(**knobs)
    assert Paths(bucket="gs://b/store").bucket == "gs://b/store"
