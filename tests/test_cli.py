"""One field, one flag, one help text."""

import dataclasses
import os
import pathlib
import subprocess
import sys
import textwrap
from typing import Literal

import pytest
from absl import flags

from tf_twostream import cli


@dataclasses.dataclass(frozen=True, kw_only=True)
class Knobs:
    needed: str = cli.knob(cli.REQUIRED, "Must be given.")
    count: int = cli.knob(3, "A number.")
    rate: float | None = cli.knob(None, "May be left out.")
    names: tuple[str, ...] = cli.knob((), "Several.")
    weights: tuple[float, ...] = cli.knob((1.0, 2.0), "Several numbers.")
    way: Literal["in", "out"] = cli.knob("in", "One of two.")
    loud: bool = cli.knob(False, "Yes or no.")


@pytest.fixture
def parse(monkeypatch):
    values = flags.FlagValues()
    monkeypatch.setattr(flags, "FLAGS", values)
    for define in ("bool", "integer", "float", "string", "list", "enum"):
        original = getattr(flags, f"DEFINE_{define}")
        monkeypatch.setattr(
            flags,
            f"DEFINE_{define}",
            lambda *args, original=original: original(*args, flag_values=values),
        )
    original_required = flags.mark_flag_as_required
    monkeypatch.setattr(
        flags, "mark_flag_as_required", lambda name: original_required(name, flag_values=values)
    )
    cli.define(Knobs)

    def call(*arguments):
        values(["program", *arguments])
        return cli.parse(Knobs)

    return call


def test_defaults_come_from_the_dataclass(parse):
    assert parse("--needed=x") == Knobs(needed="x")


def test_each_field_is_a_flag_of_its_type(parse):
    knobs = parse(
        "--needed=x", "--count=5", "--rate=0.5", "--names=a,b", "--weights=3,4", "--way=out",
        "--loud",
    )  # fmt: skip
    assert knobs == Knobs(
        needed="x", count=5, rate=0.5, names=("a", "b"), weights=(3.0, 4.0), way="out", loud=True
    )


def test_a_missing_flag_is_named(parse):
    with pytest.raises(flags.Error, match="needed"):
        parse()


def test_a_bad_item_of_a_list_is_named(parse):
    with pytest.raises(ValueError, match=r"--weights .* Received: 3,x"):
        parse("--needed=x", "--weights=3,x")


SCRIPT = """
    import dataclasses
    from tf_twostream import cli

    @dataclasses.dataclass(frozen=True)
    class Knobs:
        count: int = cli.knob(3, "How many there are.")

    cli.define(Knobs)

    def main():
        if cli.parse(Knobs).count == 0:
            raise ValueError("`count` must be positive. Received: count=0.")
        if cli.parse(Knobs).count == 9:
            raise KeyboardInterrupt

    cli.run(main)
"""


@pytest.fixture
def script(tmp_path, root):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT))

    def call(*arguments):
        return subprocess.run(
            [sys.executable, path, *arguments],
            capture_output=True, text=True, check=False, env={"PYTHONPATH": str(root)},
        )  # fmt: skip

    return call


def test_help_shows_the_flags_of_the_dataclass(script):
    assert "How many there are." in script("--help").stdout


def test_a_mistake_of_the_user_is_one_line(script):
    result = script("--count=0")
    assert result.returncode == 1
    assert result.stderr.startswith("error: `count` must be positive. Received: count=0.")
    assert len(result.stderr.splitlines()) == 1


def test_where_a_mistake_arose_is_shown_on_request(script):
    assert "Traceback" in script("--count=0", "--verbosity=1").stderr


def test_an_error_of_tensorflow_is_one_line_with_advice():
    import tensorflow as tf

    error = tf.errors.DataLossError(None, None, "corrupted record at 12\nand more")
    assert cli._in_one_line(error).startswith("corrupted record at 12 A file of the store")


def test_ctrl_c_leaves_with_130(script):
    assert script("--count=9").returncode == 130


def test_a_stray_argument_is_an_error(script):
    result = script("count=3")
    assert result.returncode == 2
    assert "count=3" in result.stderr


@pytest.fixture
def xla_flags(root, tmp_path):
    """What TF_XLA_FLAGS is in a new process that has imported `cli`."""

    def read(**environment):
        code = "import os; from tf_twostream import cli; print(os.environ.get('TF_XLA_FLAGS'))"
        clean = {name: value for name, value in os.environ.items() if name != "TF_XLA_FLAGS"}
        return subprocess.run(
            [sys.executable, "-c", code], cwd=root, text=True, check=True, stdout=subprocess.PIPE,
            env={**clean, "XDG_CACHE_HOME": str(tmp_path / "cache"), **environment},
        ).stdout.strip()  # fmt: skip

    return read


def test_compiled_code_is_kept_for_later_processes(xla_flags, tmp_path):
    flag, folder = xla_flags().split("=")
    assert flag == "--tf_xla_persistent_cache_directory"
    folder = folder.strip("'")  # Quoted, for TensorFlow splits flags at spaces.
    assert pathlib.Path(folder).is_relative_to(tmp_path / "cache") and pathlib.Path(folder).is_dir()
    (pathlib.Path(folder) / "cut.pb").write_bytes(b"")
    assert xla_flags() == f"{flag}='{folder}'"
    assert not any(pathlib.Path(folder).iterdir())  # Neither the probe nor what a full disk left.
    old, new = (pathlib.Path(folder) / name for name in ("old.pb", "new.pb"))
    for path in (old, new):
        path.write_bytes(b"code")
    month = 31 * 24 * 3600
    os.utime(old, (old.stat().st_atime, old.stat().st_mtime - month))
    xla_flags()
    assert [path.name for path in pathlib.Path(folder).iterdir()] == ["new.pb"]


def test_a_users_flags_of_xla_are_left_alone(xla_flags):
    assert xla_flags(TF_XLA_FLAGS="--tf_xla_auto_jit=1") == "--tf_xla_auto_jit=1"


def test_without_a_place_to_keep_it_nothing_is_kept(xla_flags, tmp_path):
    (tmp_path / "file").write_text("")
    assert xla_flags(XDG_CACHE_HOME=str(tmp_path / "file")) == "None"
