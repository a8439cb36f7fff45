"""All commands: where they are found, what --help says, what a wrong command line gets."""

import importlib
import subprocess
import sys

import pytest

from tf_twostream import cli, commands

FOLDERS = ("scripts", "data_tools")


@pytest.fixture
def twostream(root, tmp_path):
    """Runs `twostream` in a folder that is not the checkout."""

    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "tf_twostream.commands", *arguments],
            cwd=tmp_path, env={"PYTHONPATH": str(root)}, capture_output=True, text=True,
        )  # fmt: skip

    return call


def main_of(name):
    return importlib.import_module(f"tf_twostream.commands.{name}").main


def test_every_command_has_a_file_of_its_name(root):
    files = [path for folder in FOLDERS for path in (root / folder).glob("*.py")]
    assert sorted(path.stem for path in files) == sorted(commands.NAMES)
    for path in files:
        text = path.read_text()
        assert f'commands.run("{path.stem}")' in text
        # Who opens the file reads what the command does.
        [first, *_] = importlib.import_module(
            f"tf_twostream.commands.{path.stem}"
        ).__doc__.splitlines()
        assert text.startswith(f'"""{first}"""')


def test_without_a_name_they_are_listed_in_the_order_of_use(twostream):
    for arguments in ((), ("--help",)):
        result = twostream(*arguments)
        assert result.returncode == 0
        listed = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
        assert listed == [name.replace("_", "-") for name in commands.NAMES]


def test_a_name_that_none_has_is_one_line(twostream):
    result = twostream("train-temporral")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1
    assert "Received: 'train-temporral'. Did you mean train-temporal or " in result.stderr


def test_a_flag_that_must_be_given_is_named_in_one_line(twostream):
    result = twostream("train-temporal", "--dataset=csv", "--store=s")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1
    assert "error: --run_dir must be given." in result.stderr


def test_a_command_runs_from_any_folder(twostream, tmp_path):
    size = ("--videos_per_class=2", "--num_frames=2", "--height=32", "--width=32")
    result = twostream("make-sample-videos", "--output_dir=made", *size)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "made" / "manifest.csv").exists()


def test_help_needs_no_tensorflow(root):
    code = (
        "import sys; from tf_twostream import cli, commands; import importlib\n"
        "for name in commands.NAMES:\n"
        "    module = importlib.import_module(f'tf_twostream.commands.{name}')\n"
        "    assert len(cli.describe(module.main, name)) > 200, name\n"
        "assert not {'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


@pytest.mark.parametrize("name", commands.NAMES)
def test_flags_are_described_in_groups(name):
    for kind in cli.parameters_of(main_of(name)).knobs.values():
        for field in cli.flags_of(kind):
            assert (field.metadata["group"] or kind.group) in cli.GROUPS, field.name
            assert field.metadata["help"].rstrip(")")[-1] in '.:"', field.name


@pytest.mark.parametrize("name", commands.NAMES)
def test_no_flag_stands_twice(name):
    knobs = cli.parameters_of(main_of(name)).knobs
    names = [field.name for kind in knobs.values() for field in cli.flags_of(kind)]
    assert len(set(names)) == len(names)
