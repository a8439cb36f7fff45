"""Tables of the paper on a handful of tiny videos, by the real commands."""

import csv
import pathlib
import shutil
import signal
import time

import pytest

from tf_twostream import experiments
from tf_twostream.experiments import plans, results, running
from tf_twostream.experiments.knobs import Setup

TINY = "--width=0.05 --crop_size=41 --batch_size=6 --num_iterations=2"


@pytest.fixture
def data_root(tiny_store, tiny_source, tmp_path):
    """The store of the tiny videos under the names of --scale=small."""
    root = tmp_path / "data"
    (root / "lists").mkdir(parents=True)
    (root / "stores").mkdir()
    (root / "stores" / "first").symlink_to(tiny_store[0])
    shutil.copy(tiny_source.annotations, root / "lists" / "first.csv")
    return root


@pytest.fixture(scope="session")
def output_of(start):
    """Runs a script to its end; returns what it printed, errors included."""

    def call(script, *flags, code=0):
        process = start(script, *flags)
        out, err = process.communicate()
        assert process.returncode == code, err
        return out + err

    return call


def read(folder, name):
    with (pathlib.Path(folder) / "tables" / f"table_{name}.csv").open(newline="") as file:
        return {line["setting"]: line for line in csv.DictReader(file)}


def test_a_row_is_trained_and_tested_by_the_commands(data_root, tmp_path, root, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(root))
    setup = Setup(
        data_root=str(data_root), output_dir=str(tmp_path), scale="small", train_flags=TINY
    )
    row = experiments.TABLES["1b"].rows[0]
    [step] = plans.plan(row, setup)
    runner = running.Runner(setup.output_dir)
    runner.run(step)
    line = results.make_line(row, [step], [runner.is_done(step)], "")
    assert line.num_videos == (3,)
    assert line.mean in [pytest.approx(100 * hits / 3) for hits in range(4)]
    assert "--stack_length=1" in line.command


def test_rows_that_cannot_be_run_say_so_and_how_to_go_on(output_of, tmp_path):
    flags = ["--table=2,3", f"--data_root={tmp_path}", f"--output_dir={tmp_path / 'out'}"]
    printed = output_of("scripts/reproduce_table.py", *flags, code=1)
    assert "twostream precompute-flow --dataset=hmdb51" in printed
    assert "twostream precompute-flow --dataset=ucf101" in printed
    third = read(tmp_path / "out", "3").values()
    assert {line["not run"] for line in third} == {"needs imagenet_run"}
    second = read(tmp_path / "out", "2").values()
    assert all("stores/hmdb51" in line["not run"] for line in list(second)[:1])
    assert all(line["ours"] == "" for line in (*second, *third))


def test_a_dry_run_prints_the_commands_and_writes_nothing(output_of, data_root, tmp_path):
    flags = [f"--data_root={data_root}", f"--output_dir={tmp_path / 'out'}", "--scale=small"]
    printed = output_of("scripts/reproduce_table.py", "--table=1a", "--dry_run", *flags)
    lines = [line for line in printed.splitlines() if line.startswith("twostream ")]
    assert [line.split()[1] for line in lines] == ["train-spatial", "evaluate"] * 2
    assert "needs imagenet_run" in printed
    assert not (tmp_path / "out").exists()


def test_an_unknown_table_is_one_line(output_of, tmp_path):
    printed = output_of(
        "scripts/reproduce_table.py", "--table=5", f"--data_root={tmp_path}", code=1
    )
    assert "1a, 1b, 2, 3, 4, other, 2016_1, 2016_2" in printed
    assert "2016_6, all, all_2016" in printed
    assert "Traceback" not in printed


def test_all_are_the_tables_of_one_paper(output_of, tmp_path):
    flags = [f"--data_root={tmp_path}", "--dry_run"]
    papers = output_of("scripts/reproduce_table.py", "--table=all", *flags)
    others = output_of("scripts/reproduce_table.py", "--table=other", *flags)
    for dataset in ("charades", "viva"):
        assert f"--dataset={dataset} " not in papers
        assert f"--dataset={dataset} " in others

    assert "train-conv-fusion" not in papers
    second = output_of("scripts/reproduce_table.py", "--table=all_2016", *flags)
    assert "train-conv-fusion" in second
    assert "train-multitask" not in second


@pytest.mark.slow
def test_a_row_of_the_second_paper_is_trained_and_tested_by_the_commands(
    data_root, tmp_path, root, monkeypatch, output_of
):
    monkeypatch.setenv("PYTHONPATH", str(root))
    output_of(
        "scripts/train_spatial.py", "--dataset=csv", f"--store={data_root}/stores/first",
        f"--annotations={data_root}/lists/first.csv", f"--run_dir={tmp_path}/start", *TINY.split(),
    )  # fmt: skip
    setup = Setup(
        data_root=str(data_root), output_dir=str(tmp_path), scale="small", train_flags=TINY,
        imagenet_run=f"{tmp_path}/start",
    )  # fmt: skip
    [row] = [row for row in experiments.TABLES["2016_1"].rows if row.setting == "Conv, ReLU5"]
    [step] = plans.plan(row, setup)
    runner = running.Runner(setup.output_dir)
    runner.run(step)
    line = results.make_line(row, [step], [runner.is_done(step)], "")
    assert line.num_videos == (3,)
    assert line.mean in [pytest.approx(100 * hits / 3) for hits in range(4)]
    assert line.command.startswith("twostream train-conv-fusion")


@pytest.fixture(scope="module")
def sample(output_of, tmp_path_factory):
    """Two data sets of drawn videos, the first with flow in both directions, and a network."""
    root = tmp_path_factory.mktemp("sample")
    size = ["--videos_per_class=3", "--num_frames=12", "--height=48", "--width=64"]
    output_of("data_tools/make_sample_videos.py", f"--output_dir={root}", *size)
    (root / "lists").mkdir()
    with (root / "manifest.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    for name in ("first", "second"):
        with (root / "lists" / f"{name}.csv").open("w", newline="") as file:
            label = header.index("label")
            own = [[*row[:label], f"{name} {row[label]}", *row[label + 1 :]] for row in rows]
            csv.writer(file).writerows([header, *own])
        output_of(
            "data_tools/precompute_flow.py", "--dataset=csv", "--shorter_side=48",
            f"--annotations={root / 'lists' / name}.csv", f"--videos_dir={root / 'videos'}",
            f"--store={root / 'stores' / name}", "--method=dis",
            "--directions=forward,backward" if name == "first" else "--directions=forward",
        )  # fmt: skip
    output_of(
        "scripts/train_spatial.py", "--dataset=csv", f"--annotations={root / 'lists'}/second.csv",
        f"--store={root / 'stores' / 'second'}", f"--run_dir={root / 'imagenet'}", *TINY.split(),
    )  # fmt: skip
    return root


@pytest.mark.slow
def test_tables_2_and_3_are_made_although_the_run_is_killed(start, output_of, sample, tmp_path):
    flags = [
        "--table=2,3", f"--data_root={sample}", f"--output_dir={tmp_path}", "--scale=small",
        f"--imagenet_run={sample / 'imagenet'}", f"--train_flags={TINY}",
    ]  # fmt: skip
    steps = tmp_path / "steps"
    process = start("scripts/reproduce_table.py", *flags)
    while len(list(steps.rglob("*.json"))) < 3:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    done = {path: path.read_text() for path in steps.rglob("*.json")}
    printed = output_of("scripts/reproduce_table.py", *flags)
    assert all(path.read_text() == text for path, text in done.items())
    for name in ("2", "3"):
        for line in read(tmp_path, name).values():
            assert 0 <= float(line["ours"]) <= 100, line
        assert (tmp_path / "tables" / f"table_{name}.md").read_text() in printed
    again = output_of("scripts/reproduce_table.py", *flags)
    assert "==" not in again  # Nothing is left to do.
