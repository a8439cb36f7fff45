"""Steps are timed, and their work is counted."""

import pytest
import tensorflow as tf

from tf_twostream import models
from tf_twostream.benchmarks import iterations
from tf_twostream.benchmarks.gpu import setting, throughput
from tf_twostream.paper import recipes


@pytest.fixture(autouse=True)
def tf32():
    """Leaves TF32 as it was."""
    yield
    tf.config.experimental.enable_tensor_float_32_execution(True)


GIVEN = setting.Setting("", "", "", "", setting.TINY)


def test_the_work_of_cnn_m_is_counted():
    # conv1 of 218 / 2 = 109 pixels: 2 * 7 * 7 * 3 * 96 * 109^2 and so on; of full6 18,432 inputs.
    recipe = recipes.SpatialRecipe()
    forward = 2 * (
        109**2 * 49 * 3 * 96
        + 26**2 * 25 * 96 * 256
        + 13**2 * 9 * (256 * 512 + 2 * 512 * 512)
        + 18_432 * 4096
        + 4096 * 2048
        + 2048 * 101
    )
    first = 2 * 109**2 * 49 * 3 * 96
    model = models.build(recipe, 101)
    assert throughput.flops_per_sample(model) == pytest.approx(3 * forward - first)


def test_a_row_says_how_fast_a_step_is(monkeypatch):
    _, row = next(throughput.measure(GIVEN, precisions=("float32",)))
    assert (row["stream"], row["XLA"], row["batch"]) == ("temporal", "no", 4)
    assert row["samples/s"] == pytest.approx(4 / (row["ms"] / 1000))
    assert 0 < row["of it making the input"] < row["ms"]


def test_a_batch_is_halved_until_it_fits(monkeypatch):
    def measure(given, recipe, precision, jit_compile):
        if recipe.batch_size > 1:
            raise tf.errors.ResourceExhaustedError(None, None, "no memory")
        return {"batch": recipe.batch_size}

    monkeypatch.setattr(throughput, "_measure", measure)
    recipe = GIVEN.recipe("temporal")
    assert throughput._largest_that_fits(GIVEN, recipe, "TF32", False) == {"batch": 1}


def test_the_first_call_does_not_count():
    calls = []

    def call():
        calls.append(None)
        return tf.zeros([])

    throughput.seconds_per_call(call, 0)
    assert len(calls) == 1 + iterations.FEWEST
