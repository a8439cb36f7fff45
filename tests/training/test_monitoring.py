"""What a training says of itself."""

import dataclasses
import pathlib
import time

import pytest
import tensorflow as tf
from trained import run_of, task_of

from tf_twostream import datasets, runs, store
from tf_twostream.paper import recipes
from tf_twostream.runs import history
from tf_twostream.training import monitoring

NOTHING = datasets.Split("", (), (), ())


def test_the_meter_averages_since_the_last_reading():
    run = run_of("run", recipes.SpatialRecipe(batch_size=4), NOTHING)
    meter = monitoring.Meter()
    for losses, hits in zip(
        [tf.constant([1.0]), tf.constant([3.0])], [tf.constant([1]), tf.constant([3])]
    ):
        meter.add(losses, hits)
    point = meter.read(50_001, run)
    assert (point["loss"], point["accuracy"]) == (2.0, 0.5)
    assert point["learning_rate"] == pytest.approx(1e-3)
    assert 0 <= point["share_waiting_for_input"] <= 1


def test_the_losses_of_tasks_are_summed_and_named():
    tasks = tuple(
        task_of(NOTHING, name=name, batch_size=size) for name, size in (("a", 3), ("b", 1))
    )
    meter = monitoring.Meter()
    for losses, hits in zip(
        [tf.constant([1.0, 2.0]), tf.constant([3.0, 2.0])],
        [tf.constant([3, 0]), tf.constant([0, 1])],
    ):
        meter.add(losses, hits)
    point = meter.read(1, runs.Run(pathlib.Path("run"), recipes.SpatialRecipe(batch_size=4), tasks))
    assert (point["loss"], point["loss/a"], point["loss/b"]) == (4.0, 2.0, 2.0)
    assert (point["accuracy"], point["accuracy/a"], point["accuracy/b"]) == (0.5, 0.5, 0.5)


def test_the_first_bad_iteration_is_named():
    meter = monitoring.Meter()
    for loss in (1.0, float("nan"), 2.0):
        meter.add(tf.constant([loss]), tf.constant([0]))
    with pytest.raises(monitoring.NotFiniteError, match="nan at iteration 9"):
        meter.read(10, run_of("run", recipes.SpatialRecipe(), NOTHING))


def test_the_progress_line_says_both_parts(tmp_path):
    recipe = recipes.SpatialRecipe(batch_size=4, num_iterations=9)
    run = run_of(tmp_path, recipe, NOTHING)
    history.write(run, [history.Point(0.25, -3.0, 5)])
    with monitoring.Journal(run, 5, tf.distribute.get_strategy()) as journal:
        journal.add(tf.constant([1.0]), tf.constant([3]))
        journal.write(6)
        assert "loss 1.00, accuracy 0.75, validation 0.25" in str(journal._bar)
        journal.write_validation(6, {"loss": 2.0, "accuracy": 0.5})
        assert "accuracy 0.75, validation 0.50" in str(journal._bar)


def test_the_time_left_is_not_made_of_the_first_iteration(tmp_path):
    run = run_of(tmp_path, recipes.SpatialRecipe(batch_size=4, num_iterations=100), NOTHING)
    with monitoring.Journal(run, 50, tf.distribute.get_strategy()) as journal:
        bar, now = journal._bar, time.time()
        bar._time = lambda: now
        now += 1000  # It was compiled.
        journal.add(tf.constant([1.0]), tf.constant([3]))
        assert "? left" in str(bar)
        now += 2
        journal.add(tf.constant([1.0]), tf.constant([3]))
        assert "52/100, 01:36 left,  2.00s/it" in str(bar)


def described(folder, recipe, split, chunk_size=0):
    run = run_of(folder, recipe, split)
    return monitoring.describe(run, num_weights=1234, replicas=1, chunk_size=chunk_size)


def test_a_run_is_described_in_the_papers_words(tmp_path, tiny_store):
    text = described(tmp_path, recipes.TemporalRecipe(), tiny_store[1], chunk_size=64)
    for words in (
        "drawn uniformly across the classes", "1,234 trainable weights, dropout 0.9",
        "224x224x20 volumes of dis flow, optical flow stacking (1), L = 10, channels u1",
        "u1 v1 ... u10 v10 in pixels per frame",
        "mean vector subtracted", "256 on 1 CPU, in chunks of 64", "80,000 iterations",
        "0.001 from 50,000; 0.0001 from 70,000",
    ):  # fmt: skip
        assert words in text


def test_products_in_tf32_are_said_where_the_card_has_them(tmp_path, tiny_store, monkeypatch):
    monkeypatch.setattr(monitoring.devices, "uses_tf32", lambda: True)
    split = tiny_store[1]
    run = run_of(tmp_path, recipes.SpatialRecipe(), split)
    assert "float32 (products in TF32" in monitoring.describe(
        run, num_weights=1, replicas=1, chunk_size=0
    )
    run = run_of(tmp_path, recipes.SpatialRecipe(precision="bfloat16"), split)
    assert "TF32" not in monitoring.describe(run, num_weights=1, replicas=1, chunk_size=0)


def test_each_input_configuration_has_its_words(tmp_path, tiny_store):
    recipe = recipes.TemporalRecipe(
        stack_length=6, stacking="trajectory", bidirectional=True, mean_subtraction=False
    )
    text = described(tmp_path, recipe, tiny_store[1])
    for words in (
        "224x224x12 volumes", "trajectory stacking (2), L = 6",
        "bi-directional (3 forward, 3 backward fields)", "u1 v1 ... u6 v6", "mean vector left in",
    ):  # fmt: skip
        assert words in text


def test_slow_fusion_and_added_classes_have_their_words(tmp_path, tiny_store):
    split = tiny_store[1]
    added = dataclasses.replace(split, train=(*split.train, datasets.Video(store.added_id("a"), 2)))
    text = described(tmp_path, recipes.SlowFusionRecipe(), added)
    for words in (
        "slow_fusion stream", "224x224 stacks of 11 RGB frames, 4 windows of 5 to conv1",
        "shorter side 256", "1 of these videos are of the other data set", "of all 3 classes",
    ):  # fmt: skip
        assert words in text


def test_videos_of_several_classes_have_their_words(tmp_path, tiny_store):
    several = dataclasses.replace(tiny_store[1], multi_label=True)
    text = described(tmp_path, recipes.SpatialRecipe(), several)
    assert "binary cross-entropies summed over the classes" in text


def test_the_rate_of_the_iteration_that_failed_is_named():
    recipe = recipes.SpatialRecipe()
    for iteration, rate in ((50_000, "0.01"), (50_001, "0.001")):
        error = monitoring.NotFiniteError("It broke", recipe, iteration)
        assert f"The learning rate was {rate}," in str(error)
