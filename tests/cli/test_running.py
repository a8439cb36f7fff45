"""A command ends with its exit code, and with one line where something cannot be meant."""

import os
import subprocess
import sys
import textwrap

import pytest

from tf_twostream.cli import running

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
    assert running._in_words(error) == "corrupted record at 12"


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
