"""The points of a training and of its validation part."""

import json

import trained

from tf_twostream.paper import recipes
from tf_twostream.runs import history

POINTS = [history.Point(0.5, -1.0, 20), history.Point(0.7, -2.0, 40), history.Point(0.7, -1.5, 60)]


def run_in(tmp_path, tiny_store):
    return trained.run_of(tmp_path / "run", recipes.SpatialRecipe(crop_size=41), tiny_store[1])


def test_what_is_written_is_read(tmp_path, tiny_store):
    run = run_in(tmp_path, tiny_store)
    assert history.read(run) == []
    history.write(run, POINTS)
    read = history.read(run)
    assert [(p.accuracy, p.gain, p.iteration) for p in read] == [
        (p.accuracy, p.gain, p.iteration) for p in POINTS
    ]
    assert [point.iteration for point in history.read(run, until=40)] == [20, 40]


def test_the_training_has_a_file_of_its_own(tmp_path, tiny_store):
    run = run_in(tmp_path, tiny_store)
    history.write(run, POINTS[:1], part="training")
    assert history.read(run, part="training") == POINTS[:1] and history.read(run) == []
    points = json.loads((run.path / "training.json").read_text())["points"]
    assert points == [{"iteration": 20, "accuracy": 0.5, "loss": 1.0}]


def test_the_best_is_the_most_accurate_and_of_equals_the_one_with_the_least_loss():
    assert max(POINTS).iteration == 60


def test_what_is_no_better_waits():
    assert history.waited([]) == 0
    assert history.waited(POINTS) == 0
    assert history.waited([*POINTS, history.Point(0.7, -1.5, 80), POINTS[0]]) == 2
