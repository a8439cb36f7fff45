"""The scripts and manifests of docs/cluster.md: what can be checked without a cluster."""

import importlib
import pathlib
import re
import subprocess

import pytest

from tf_twostream import cli, commands

ROOT = pathlib.Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "docs" / "deploy").glob("*.sh"))
PAGES = [ROOT / "docs" / "cluster.md", ROOT / "docs" / "deploy" / "flow_job.yaml", *SCRIPTS]


def flags_of(command):
    main = importlib.import_module(f"tf_twostream.commands.{command.replace('-', '_')}").main
    knobs = cli.parameters_of(main).knobs.values()
    return {field.name: field.metadata for kind in knobs for field in cli.flags_of(kind)}


def calls_in(text):
    """Yields (command, names of flags) of each `twostream` line, with the lines it goes on in."""
    for call in re.findall(r"twostream ([a-z-]+) ((?:[^\n\\]|\\\n)*)", text):
        yield call[0], re.findall(r"--([a-z_]+)", call[1])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_parsed(path):
    subprocess.run(["bash", "-n", path], check=True)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_and_flags_exist(path):
    for command, flags in calls_in(path.read_text()):
        assert command.replace("-", "_") in commands.NAMES
        assert {*flags} <= flags_of(command).keys(), command


def test_the_page_names_all_files():
    text = PAGES[0].read_text()
    assert all(f"deploy/{path.name}" in text for path in PAGES[1:])


def test_an_array_of_slurm_has_as_many_jobs_as_parts():
    text = (ROOT / "docs" / "deploy" / "flow_array.sh").read_text()
    [last] = re.findall(r"^#SBATCH --array=0-(\d+)$", text, re.MULTILINE)
    assert f"--num_shards={int(last) + 1} " in text


def test_jobs_of_kubernetes_are_whole():
    yaml = pytest.importorskip("yaml")
    flow, join = yaml.safe_load_all(PAGES[1].read_text())
    shards = re.search(r"--num_shards=(\d+)", PAGES[1].read_text())[1]
    assert flow["spec"]["completionMode"] == "Indexed"
    assert flow["spec"]["completions"] == int(shards)
    for job in (flow, join):
        assert job["kind"] == "Job"
        [container] = job["spec"]["template"]["spec"]["containers"]
        [script] = container["args"]
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        mounted = {volume["name"] for volume in container["volumeMounts"]}
        assert mounted == {v["name"] for v in job["spec"]["template"]["spec"]["volumes"]}


def test_the_page_says_which_flags_take_addresses():
    text = PAGES[0].read_text()
    [row] = [line for line in text.splitlines() if line.startswith("| flags that take `gs://`")]
    remote = {
        name
        for command in commands.NAMES
        for name, metadata in flags_of(command).items()
        if metadata["remote"]
    }
    assert {*re.findall(r"--([a-z_]+)", row)} == remote
