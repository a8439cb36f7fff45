"""Tables of our numbers beside the paper's."""

import csv
import dataclasses
import json
import pathlib

import numpy as np
import pytest

from tf_twostream import experiments
from tf_twostream.experiments import chains, plans, results
from tf_twostream.scores import score_files

ROW = experiments.Row("a setting", 80.0, experiments.Network(name="n"), (1, 2, 3))


def step(output="none", result=""):
    train = chains.Step("runs/n", "train-temporal", {"seed": 0}, pathlib.Path("n"))
    return chains.Step("scores/n", "evaluate", {}, pathlib.Path(output), (train,), result)


def line(*values):
    """A line of one value per split, or of a tuple of them, one per seed."""
    by_split = tuple(value if isinstance(value, tuple) else (value,) for value in values)
    return results.Line(ROW, "twostream x", by_split, tuple(10 + n for n in range(len(values))))


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_accuracy_is_read_from_scores(tmp_path):
    scores = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    path = tmp_path / "scores.npz"
    labels = np.array([0, 1, 1, 1])
    score_files.save_scores(path, score_files.Scores(tuple("abcd"), labels, ("x", "y"), scores))
    assert results.read(step(path), "video accuracy") == (75.0, 4)


def test_mean_average_precision_is_read_from_scores_of_several_labels(tmp_path):
    path = tmp_path / "scores.npz"
    scores = np.array([[0.9, 0.5], [0.8, 0.4], [0.7, 0.9]], np.float32)
    labels = np.array([[True, True], [False, False], [True, True]])
    score_files.save_scores(path, score_files.Scores(tuple("abc"), labels, ("x", "y"), scores))
    value, videos = results.read(step(path), "mean average precision")
    assert value == pytest.approx(100 * ((1 + 2 / 3) / 2 + 1) / 2)
    assert videos == 3


def test_accuracy_of_a_fusion_is_read_from_its_results(tmp_path):
    path = tmp_path / "results.json"
    found = {"average": {"video_accuracy": 0.5}, "svm": {"video_accuracy": 0.75}}
    path.write_text(json.dumps({"num_videos": 8, "results": found}))
    assert results.read(step(path, "average"), "video accuracy") == (50.0, 8)
    assert results.read(step(path, "svm"), "video accuracy") == (75.0, 8)
    path.write_text(
        json.dumps({"num_videos": 8, "results": {"average": {"mean_average_precision": 0.25}}})
    )
    assert results.read(step(path, "average"), "mean average precision") == (25.0, 8)


def test_mean_and_standard_deviation_are_those_of_numpy():
    values = (80.0, 82.0, 87.0)
    assert line(*values).mean == pytest.approx(np.mean(values))
    assert line(*values).deviation == pytest.approx(np.std(values, ddof=1))
    assert line(80.0).deviation is None


def test_the_standard_deviation_is_over_splits_and_over_the_seeds_of_a_single_one():
    assert line((70.0, 90.0), (60.0, 80.0)).deviation == pytest.approx(np.std([80, 70], ddof=1))
    assert line((70.0, 90.0)).deviation == pytest.approx(np.std([70, 90], ddof=1))
    assert line((70.0, 90.0), (60.0, 80.0)).mean == pytest.approx(75.0)


def test_the_seeds_of_a_split_stay_together(setup, tmp_path):
    setup = dataclasses.replace(
        setup, scale="paper", seeds=(0, 7), output_dir=str(tmp_path), imagenet_run="imagenet"
    )
    viva = experiments.TABLES["other"].rows[1]
    steps = plans.plan(viva, setup)
    for number, last in enumerate(steps):  # Accuracy: the subject in tenths, less for seed 7.
        last.output.parent.mkdir(parents=True)
        split, seed = divmod(number, 2)
        assert f"viva_split{split + 1}_seed{7 * seed}" in str(last.output)
        found = {"average": {"video_accuracy": (split + 1 - seed / 2) / 10}}
        last.output.write_text(json.dumps({"num_videos": 100 + split, "results": found}))
    made = results.make_line(viva, steps, [True] * 16, "", num_seeds=2)
    assert len(made.values) == 8
    assert made.values[2] == pytest.approx((30.0, 25.0))
    subjects = [10 * (split + 0.75) for split in range(8)]
    assert made.mean == pytest.approx(np.mean(subjects))
    assert made.deviation == pytest.approx(np.std(subjects, ddof=1))
    assert made.num_videos[::2] == tuple(range(100, 108))


def test_a_table_shows_ours_beside_the_papers(setup):
    lines = [line(80.0, 82.0, 87.0), line(79.0), results.Line(ROW, reason="needs imagenet_run")]
    text = results.write("1b", lines, setup)
    tables = pathlib.Path(setup.output_dir, "tables")
    assert (tables / "table_1b.md").read_text() == text
    cells = [
        [cell.strip() for cell in row.strip("|").split(" | ")]
        for row in text.splitlines()
        if row.startswith("| a setting")
    ]
    own = ["a setting", "video accuracy"]
    assert cells == [
        [*own, "83.0 ± 3.6", "80.0", "+3.0", "10, 11, 12", "`twostream x`"],
        [*own, "79.0", "80.0", "-1.0", "10", "`twostream x`"],
        [*own, "not run: needs imagenet_run", "80.0", "", "", ""],
    ]
    first, second, third = read_csv(tables / "table_1b.csv")
    assert float(first["ours"]) == pytest.approx(83.0)
    assert float(first["standard deviation"]) == pytest.approx(13**0.5, abs=1e-4)
    assert [row["splits"] for row in (first, second, third)] == ["3", "1", ""]
    assert [row["seeds"] for row in (first, second, third)] == ["1", "1", ""]
    assert first["measure"] == "video accuracy"
    assert float(first["difference"]) == pytest.approx(3.0)
    assert third["not run"] == "needs imagenet_run"


def test_the_table_of_other_data_sets_says_its_measures_and_whose_numbers_they_are(setup):
    full = dataclasses.replace(setup, scale="paper")
    lines = [results.Line(row) for row in experiments.TABLES["other"].rows]
    text = results.write("other", lines, full)
    assert "not the paper's" in text
    rows = [row for row in text.splitlines() if row.startswith(("| Charades", "| VIVA"))]
    measures = ["mean average precision", "video accuracy"]
    assert [row.split(" | ")[1].strip() for row in rows] == measures
    assert "not the paper's" not in results.write("4", [], full)


def test_published_numbers_have_the_decimals_of_their_paper(setup):
    for table, number in (("2016_2", "86.04"), ("1b", "81.0")):
        lines = [results.Line(row) for row in experiments.TABLES[table].rows]
        assert f" {number} |" in results.write(table, lines, setup)


def test_sizes_are_below_the_numbers_and_in_the_csv_file_of_tables_that_compare_them(setup):
    rows = experiments.TABLES["2016_1"].rows
    text = results.write("2016_1", [results.Line(row) for row in rows], setup)
    main, sizes = text.split("Sizes, for 101 classes")
    assert main.count("| Bilinear, ReLU5") == sizes.count("| Bilinear, ReLU5") == 1
    assert "not run" in main
    [line] = [row for row in sizes.splitlines() if row.startswith("| Concatenation")]
    cells = [cell.strip() for cell in line.strip("|").split(" | ")]
    assert cells[1:4] == ["172.73 M", "172.81 M", "4.27 G"]
    file = pathlib.Path(setup.output_dir, "tables", "table_2016_1.csv")
    found = {row["setting"]: row for row in read_csv(file)}["Concatenation, ReLU5"]
    assert int(found["parameters"]) == 172_733_897
    assert float(found["published parameters (M)"]) == 172.81
    assert "Sizes" not in results.write("2016_3", [], setup)
    assert "Sizes" not in results.write("1b", [], setup)
    assert "parameters" not in file.with_name("table_1b.csv").read_text()


def test_a_small_table_says_that_it_is_another_experiment(setup):
    small = results.write("1b", [], setup)
    assert "dropout 0.5 instead of 0.9" in small
    assert "Scale: small" in small
    full = results.write("1b", [], dataclasses.replace(setup, scale="paper"))
    assert "Scale: small" not in full


def test_a_row_counts_when_all_its_repeats_are_done(tmp_path):
    unfinished = results.make_line(ROW, [step(), step()], [True, False], "runs/n ended with code 1")
    assert unfinished.values == ()
    assert unfinished.reason == "runs/n ended with code 1; 1 of 2 done"
    assert unfinished.command == "twostream train-temporal --seed=0"
    assert results.make_line(ROW, [], [], "quoted").reason == "quoted"


def test_a_script_has_each_command_once_and_what_cannot_be_run_as_a_comment():
    other = dataclasses.replace(step(), name="other", command="fuse-scores")
    lines = [(ROW, [step()], "needs imagenet_run"), (ROW, [step()], ""), (ROW, [other], "")]
    text = results.script(lines, ["a note"])
    assert "# a note" in text
    assert [row for row in text.splitlines() if "twostream" in row] == [
        "# twostream train-temporal --seed=0",
        "# twostream evaluate",
        "twostream train-temporal --seed=0",
        "twostream evaluate",
        "twostream fuse-scores",
    ]


@pytest.mark.parametrize("scale", ["paper", "small"])
def test_every_table_names_the_flags_that_were_added(setup, scale):
    given = {"train_flags": "--jit_compile --width=0.5", "test_flags": "--num_frames=5"}
    text = results.write("1b", [line(79.0)], dataclasses.replace(setup, scale=scale, **given))
    assert "More flags of every training: `--jit_compile --width=0.5`." in text
    assert "More flags of every evaluation: `--num_frames=5`." in text
    [row] = read_csv(pathlib.Path(setup.output_dir, "tables", "table_1b.csv"))
    assert row["more training flags"] == given["train_flags"]
    assert row["more testing flags"] == given["test_flags"]
    assert "More flags" not in results.write("1b", [line(79.0)], setup)
