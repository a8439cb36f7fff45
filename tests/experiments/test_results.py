"""Tables of our numbers beside the paper's."""

import csv
import dataclasses
import json
import pathlib

import numpy as np
import pytest

from tf_twostream import experiments, score_fusion
from tf_twostream.experiments import commands, results

ROW = experiments.Row("a setting", 80.0, experiments.Network(name="n"), (1, 2, 3))


def step(output="none", result=""):
    train = commands.Step("runs/n", ("scripts/train_temporal.py", "--seed=0"), pathlib.Path("n"))
    return commands.Step(
        "scores/n", ("scripts/evaluate.py",), pathlib.Path(output), (train,), result
    )


def line(*accuracies):
    return results.Line(ROW, "python x", accuracies, tuple(10 + n for n in range(len(accuracies))))


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_accuracy_is_read_from_scores(tmp_path):
    scores = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    path = tmp_path / "scores.npz"
    labels = np.array([0, 1, 1, 1])
    score_fusion.save_scores(path, score_fusion.Scores(tuple("abcd"), labels, ("x", "y"), scores))
    assert results.read(step(path)) == (75.0, 4)


def test_accuracy_of_a_fusion_is_read_from_its_results(tmp_path):
    path = tmp_path / "results.json"
    found = {"average": {"video_accuracy": 0.5}, "svm": {"video_accuracy": 0.75}}
    path.write_text(json.dumps({"num_videos": 8, "results": found}))
    assert results.read(step(path, "average")) == (50.0, 8)
    assert results.read(step(path, "svm")) == (75.0, 8)


def test_mean_and_standard_deviation_are_those_of_numpy():
    values = (80.0, 82.0, 87.0)
    assert line(*values).mean == pytest.approx(np.mean(values))
    assert line(*values).deviation == pytest.approx(np.std(values, ddof=1))
    assert line(80.0).deviation is None


def test_a_table_shows_ours_beside_the_papers(setup):
    lines = [line(80.0, 82.0, 87.0), line(79.0), results.Line(ROW, reason="needs --imagenet_run")]
    text = results.write("1b", lines, setup)
    tables = pathlib.Path(setup.output_dir, "tables")
    assert (tables / "table_1b.md").read_text() == text
    cells = [
        [cell.strip() for cell in row.strip("|").split(" | ")]
        for row in text.splitlines()
        if row.startswith("| a setting")
    ]
    assert cells == [
        ["a setting", "83.0 ± 3.6", "80.0", "+3.0", "10, 11, 12", "`python x`"],
        ["a setting", "79.0", "80.0", "-1.0", "10", "`python x`"],
        ["a setting", "not run: needs --imagenet_run", "80.0", "", "", ""],
    ]
    first, second, third = read_csv(tables / "table_1b.csv")
    assert float(first["ours"]) == pytest.approx(83.0)
    assert float(first["standard deviation"]) == pytest.approx(13**0.5, abs=1e-4)
    assert (first["repeats"], second["repeats"], third["repeats"]) == ("3", "1", "")
    assert float(first["difference"]) == pytest.approx(3.0)
    assert third["not run"] == "needs --imagenet_run"


def test_a_small_table_says_that_it_is_another_experiment(setup):
    small = results.write("1b", [], setup)
    assert "dropout 0.5 instead of 0.9" in small
    assert "Scale: small" in small
    full = results.write("1b", [], dataclasses.replace(setup, scale="paper"))
    assert "Scale: small" not in full


def test_a_row_counts_when_all_its_repeats_are_done(tmp_path):
    unfinished = results.make_line(ROW, [step(), step()], [True, False], "runs/n ended with code 1")
    assert unfinished.accuracies == ()
    assert unfinished.reason == "runs/n ended with code 1; 1 of 2 done"
    assert unfinished.command == "python scripts/train_temporal.py --seed=0"
    assert results.make_line(ROW, [], [], "quoted").reason == "quoted"


def test_a_script_has_each_command_once_and_what_cannot_be_run_as_a_comment():
    other = dataclasses.replace(step(), name="other", command=("scripts/fuse_scores.py",))
    lines = [(ROW, [step()], "needs --imagenet_run"), (ROW, [step()], ""), (ROW, [other], "")]
    text = results.script(lines, ["a note"])
    assert "# a note" in text
    assert [row for row in text.splitlines() if "python" in row] == [
        "# python scripts/train_temporal.py --seed=0",
        "# python scripts/evaluate.py",
        "python scripts/train_temporal.py --seed=0",
        "python scripts/evaluate.py",
        "python scripts/fuse_scores.py",
    ]
