"""Times of labels; what a live source costs is in test_live."""

import pathlib
import sys

import pytest
from read_table import cells

from tf_twostream import runs
from tf_twostream.benchmarks import labels
from tf_twostream.paper import recipes
from tf_twostream.precompute import frames

KNOBS = {"width": 0.02, "crop_size": 42, "batch_size": 2}
RECIPES = (recipes.SpatialRecipe(**KNOBS), recipes.TemporalRecipe(**KNOBS))


@pytest.fixture(autouse=True)
def small_clips(monkeypatch):
    monkeypatch.setattr(labels, "SIZE", (48, 64))
    monkeypatch.setattr(labels, "SECONDS", 1)
    monkeypatch.setattr(labels, "FURTHER", 2)


def test_a_network_that_has_not_learnt_is_a_run_as_any_other(tmp_path):
    run = runs.load(labels.make_run(str(tmp_path / "run"), RECIPES[1]))
    assert run.recipe == RECIPES[1] and len(run.split.class_names) == 101
    assert run.task.settings.method == "dis" and run.task.settings.shorter_side == 48
    assert runs.load_model(run)[1] == 0


def test_clips_are_alike_and_the_live_one_is_longer(tmp_path):
    *clips, long = labels.draw_clips(str(tmp_path), seconds=2.2)
    assert len(clips) == 3 and len({pathlib.Path(clip).read_bytes() for clip in clips}) == 1
    counts = [sum(1 for _ in frames.read_frames(clip)) for clip in (clips[0], long)]
    assert counts == [25, 55] and frames.read_header(long).fps == 25


def predict(tmp_path, monkeypatch, body):
    """Replaces the command by a program."""
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\n{body}")
    program.chmod(0o755)
    monkeypatch.setattr(labels.sys, "executable", str(program))


def test_only_lines_with_a_label_count(tmp_path, monkeypatch):
    predict(
        tmp_path, monkeypatch,
        "import time\n"
        "print('a.avi', flush=True); time.sleep(0.2)\n"
        "print('  90 %  x', flush=True); time.sleep(0.2)\n"
        "print('b.avi'); print('  80 %  y')\n",
    )  # fmt: skip
    first, second = labels.label_times([])
    assert 0.2 <= first < second - 0.15


@pytest.mark.parametrize("code", [0, 1])
def test_a_command_without_a_label_is_an_error_with_its_words(tmp_path, monkeypatch, code):
    program = f"import sys\nprint('error: no run', file=sys.stderr)\nsys.exit({code})"
    predict(tmp_path, monkeypatch, program)
    with pytest.raises(OSError, match="must give a label.*error: no run"):
        labels.label_times([])


@pytest.mark.slow
def test_the_benchmark_needs_nothing_and_tells_all(monkeypatch):
    words, _, *lines = labels.measure([], RECIPES, seconds=2).splitlines()
    assert words.startswith("spatial: width 0.02, crop 42; temporal: width 0.02, crop 42; dis flow")
    middle = lines.index("")
    first, second = cells("\n".join(lines[:middle])), cells("\n".join(lines[middle:]).strip())
    assert [row[0] for row in first[2:]] == ["whole clips", "windows"] and len(second) == 5
