"""What a training says of itself."""

import pytest
import tensorflow as tf

from tf_twostream import monitoring, paper, runs

SETTINGS = {"method": "dis", "shorter_side": 256}


def test_the_meter_averages_since_the_last_reading():
    recipe = paper.SpatialRecipe(batch_size=4)
    meter = monitoring.Meter()
    meter.losses += [tf.constant(1.0), tf.constant(3.0)]
    meter.hits += [tf.constant(1), tf.constant(3)]
    point = meter.read(50_001, recipe)
    assert (point["loss"], point["accuracy"]) == (2.0, 0.5)
    assert point["learning_rate"] == pytest.approx(1e-3)
    assert 0 <= point["share_waiting_for_input"] <= 1


def test_the_first_bad_iteration_is_named():
    meter = monitoring.Meter()
    meter.losses += [tf.constant(1.0), tf.constant(float("nan")), tf.constant(2.0)]
    with pytest.raises(monitoring.NotFiniteError, match="nan at iteration 8"):
        meter.read(10, paper.SpatialRecipe())


def test_a_run_is_described_in_the_papers_words(tmp_path, tiny_store):
    run = runs.Run(tmp_path, paper.TemporalRecipe(), tiny_store[1], SETTINGS)
    text = monitoring.describe(run, num_weights=1234, replicas=1, chunk_size=64)
    for words in (
        "drawn uniformly across the classes", "1,234 trainable weights, dropout 0.9",
        "224x224x20 volumes of dis flow", "u1 v1 ... u10 v10 in pixels per frame",
        "mean vector subtracted", "256 on 1 CPU, in chunks of 64", "80,000 iterations",
        "0.001 from 50,000; 0.0001 from 70,000",
    ):  # fmt: skip
        assert words in text
