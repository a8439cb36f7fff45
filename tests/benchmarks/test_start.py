"""What a start consists of."""

import json

import pytest
from read_table import cells

from tf_twostream.benchmarks import labels, start
from tf_twostream.paper import recipes

RECIPE = recipes.TemporalRecipe(width=0.02, crop_size=42, batch_size=2, stack_length=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that has not learnt."""
    return labels.make_run(str(tmp_path_factory.mktemp("start") / "run"), RECIPE)


def test_every_stage_takes_its_own_time(run, capsys):
    start.report(run, start.time.monotonic() - 5)
    took = json.loads(capsys.readouterr().out)
    assert len(took) == len(start.STAGES)
    assert 5 <= took[0] < 6 and all(seconds > 0 for seconds in took)
    assert took[2] > took[3]  # The first step traces.


def test_a_process_that_fails_is_an_error_with_its_words(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "_PROGRAM", "import sys; sys.exit('no run in {}, {}')")
    with pytest.raises(OSError, match=r"must end well.*no run in here"):
        start._stage_times("here")


def test_the_table_has_the_median_of_each_stage(monkeypatch):
    times = iter([[1, 2, 3, 4], [9, 9, 9, 9], [2, 3, 4, 5]])
    monkeypatch.setattr(start, "_stage_times", lambda path: next(times))
    monkeypatch.setattr(labels, "label_times", lambda arguments: [7.0])
    monkeypatch.setattr(labels, "draw_clips", lambda folder, seconds: ["a.avi"])
    text = start.measure([], [RECIPE])
    header, _, row = cells(text.split("\n\n")[1])
    assert header == list(start.HEADER)
    assert row == ["temporal, width 0.02, crop 42", "2.00", "3.00", "4.00", "5.00", "7.00"]
