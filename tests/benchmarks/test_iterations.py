"""What is timed are iterations of the training itself."""

import itertools
import types

import tensorflow as tf
from read_table import cells

from tf_twostream import store
from tf_twostream.benchmarks import iterations
from tf_twostream.paper import recipes


def test_the_real_step_and_the_real_input_are_measured(tiny_store):
    recipe = recipes.TemporalRecipe(stack_length=1, crop_size=41, width=0.05, batch_size=2)
    text = iterations.measure(store.Reader(tiny_store[0]), recipe, seconds=0)
    header, _, [per_iteration, samples, waiting, memory, first] = cells(text)
    assert header == list(iterations.HEADER)
    assert float(per_iteration) > 0 and float(samples) > 0
    assert 0 <= float(waiting.removesuffix(" %")) <= 100
    assert float(memory.removesuffix(" GiB")) > 0
    # It traces, which takes longer than to compute: the wait for the input is in the others alone.
    computing = float(per_iteration) * (1 - float(waiting.removesuffix(" %")) / 100)
    assert float(first.removesuffix(" s")) >= computing
    assert "batch 2, chunks of 2, crop 41, width 0.05, float32, without XLA" in text
    assert "ops of the input without GPU kernel: none" in text


def test_the_first_iteration_does_not_count_and_waiting_is_a_share_of_the_others(monkeypatch):
    # Seconds: the first iteration from 0 to 50; then four of 10, of which 2 are spent on waiting.
    times = iter([0, 50, 100, 101, 103, 111, 113, 121, 123, 130, 131, 133, 140, 140])
    monkeypatch.setattr(iterations, "time", types.SimpleNamespace(perf_counter=times.__next__))
    calls = []

    def step(batches):
        calls.append(batches)
        return tf.zeros([1]), tf.zeros([1])

    row = iterations._time(step, itertools.count(), batch_size=5, seconds=35)
    assert row[:3] == ["10.000", "0.5", "20 %"]
    assert row[4] == "50.0 s"
    assert calls == [0, 1, 2, 3, 4]
