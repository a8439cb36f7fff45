"""A forecast is arithmetic on what was measured, and measures nothing twice."""

import dataclasses

import pytest

from tf_twostream import datasets, store
from tf_twostream.benchmarks import forecast, pace
from tf_twostream.experiments import learning, presets
from tf_twostream.precompute import estimating
from tf_twostream.precompute.resources import Resources

SPLIT = datasets.Split(
    "own",
    ("a", "b"),
    tuple(datasets.Video(f"{n}.mp4", n % 2) for n in range(10)),
    tuple(datasets.Video(f"{n}.mp4", n % 2) for n in range(10, 14)),
)
FOUND = estimating.Survey(14, 7000, 280.0, {"320x240": 14}, {"1.mp4": 500}, ())


def plan_of(name):
    preset = presets.PRESETS[name]
    split = learning.with_validation(SPLIT, preset)
    source = datasets.Source(dataset="folders", videos_dir="clips")
    given = learning.Learning(output_dir="out")
    steps = learning.in_order(learning.plan(source, split, given, preset))
    return forecast.Plan(steps, split, store.Settings.of("dis", shorter_side=128))


@pytest.fixture
def measured(monkeypatch):
    """Replaces what takes seconds; lists what was asked for."""
    asked = []

    def rate(videos, found, *, path, settings, resources):
        asked.append("store")
        return estimating.Rate(frames_per_second=100.0, bytes_per_frame=1000.0)

    def steps(reader, recipe, protocol, *, num_classes):
        asked.append(recipe.stream)
        return pace.Pace(iteration=0.5, window=0.01, start=5.0, weights=1000)

    monkeypatch.setattr(estimating, "measure", rate)
    monkeypatch.setattr(pace, "measure", steps)
    monkeypatch.setattr(store, "Reader", lambda path: None)
    return asked


def run(*names):
    job = forecast.Job([], FOUND, {name: plan_of(name) for name in names}, Resources())
    return _end(forecast.forecast(job)).value


def _end(generator):
    with pytest.raises(StopIteration) as stop:
        next(generator)
    return stop.value


def test_times_are_those_of_the_steps_times_their_number(measured):
    machine, found = run("small")
    assert "cores, CPU" in machine
    seconds = found["small"].seconds
    start = seconds["fused"]  # To import what a command needs.
    assert set(seconds) == {step.name for step in plan_of("small").steps}
    assert seconds["store"] == pytest.approx(start + 70)
    # 200 iterations, and 2 validation videos x 5 frames at each of 10 checkpoints.
    assert seconds["runs/spatial"] == pytest.approx(start + 5 + 100 + 1)
    # 4 videos of 25 frames, by a network that is built first.
    assert seconds["scores/temporal.test"] == pytest.approx(start + 5 + 4 * 25 * 0.01)
    assert found["small"].num_bytes["frames and flow"] == 7e6
    assert found["small"].num_bytes["networks"] == 2 * 1000 * forecast.BYTES_PER_WEIGHT


def test_what_a_store_has_already_takes_no_time(measured):
    own = dataclasses.replace(plan_of("small"), lacking=0.5)
    job = forecast.Job([], FOUND, {"small": own}, Resources())
    _, found = _end(forecast.forecast(job)).value
    small = found["small"]
    assert small.seconds["store"] == pytest.approx(small.seconds["fused"] + 35)
    assert small.num_bytes["frames and flow"] == 3.5e6


def test_what_presets_have_in_common_is_measured_once(measured):
    _, found = run("quick", "small")
    assert measured == ["store", "spatial", "temporal"]
    assert sum(found["quick"].seconds.values()) < sum(found["small"].seconds.values())


def test_the_store_that_was_measured_is_removed(measured, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run("small")
    assert not [*tmp_path.iterdir()]
