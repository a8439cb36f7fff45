"""All of a training step can run on a GPU."""

import pytest
import tensorflow as tf

from tf_twostream import inputs, models
from tf_twostream.benchmarks import placement
from tf_twostream.paper import recipes
from tf_twostream.training import steps

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 2}
PIXELS = KNOBS["crop_size"] ** 2  # Of a view. What has fewer numbers, may lie on the CPU.
BATCHES = {
    "spatial": {
        "rgb": tf.TensorSpec([2, None, None, 3], tf.uint8),
        "jitter": tf.TensorSpec([2, 3]),
    },
    "temporal": {
        "codes": tf.TensorSpec([2, 4, 2, None, None], tf.uint8),
        "ranges": tf.TensorSpec([2, 4, 2, 2]),
        "means": tf.TensorSpec([2, 4, 2]),
    },
}
BOTH = {
    "views": tf.TensorSpec([2, 1, 3], tf.int32),
    "size": tf.TensorSpec([2, 2], tf.int32),
    "label": tf.TensorSpec([2], tf.int32),
}
TRACED = {"stacking": "trajectory", "bidirectional": True}


def recipe_of(stream, **knobs):
    if stream == "spatial":
        return recipes.SpatialRecipe(**KNOBS, **knobs)
    return recipes.TemporalRecipe(stack_length=4, **KNOBS, **knobs)


CONFIGURATIONS = [
    ("spatial", {}),
    ("temporal", {}),
    ("temporal", {"bidirectional": True}),
    ("temporal", {"stacking": "trajectory"}),
    ("temporal", TRACED),
    ("temporal", {**TRACED, "mean_subtraction": False}),
]


@pytest.mark.parametrize(("stream", "knobs"), CONFIGURATIONS)
@pytest.mark.parametrize("testing", [False, True])
def test_inputs_are_prepared_on_the_gpu(stream, knobs, testing):
    batch = {**BATCHES[stream], **BOTH}
    if testing:  # As in an exported model.
        batch = {name: spec for name, spec in batch.items() if name not in ("size", "jitter")}
        batch["views"] = tf.TensorSpec([2, 10, 3], tf.int32)
    prepare = tf.function(lambda batch: inputs.prepare(batch, recipe_of(stream, **knobs)))
    traced = prepare.get_concrete_function(batch)
    assert placement.ops_without_gpu_kernel(traced) == set()
    assert placement.ops_in_host_memory(traced, more_than=PIXELS - 1) == set()


@pytest.mark.parametrize(
    ("stream", "knobs"), [("spatial", {}), ("temporal", {}), ("temporal", TRACED)]
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_runs_on_the_gpu(stream, knobs, precision):
    recipe = recipe_of(stream, precision=precision, **knobs)
    model = models.build(recipe, 3)
    optimizer = steps.make_optimizer(recipe, model.trainable_variables)
    heads = [steps.Head(model, recipe.batch_size)]
    step = steps.make_step(heads, model.trainable_variables, optimizer, recipe)
    traced = tf.function(step).get_concrete_function(({**BATCHES[stream], **BOTH},))
    assert placement.ops_without_gpu_kernel(traced) == set()
    assert placement.ops_in_host_memory(traced, more_than=PIXELS - 1) == set()


def test_what_has_no_gpu_kernel_is_named():
    gather = tf.function(lambda x, i: tf.gather(x, i))
    traced = gather.get_concrete_function(
        tf.TensorSpec([5], tf.uint8), tf.TensorSpec([2], tf.int64)
    )
    [name] = placement.ops_without_gpu_kernel(traced)
    assert name.startswith("GatherV2(")


def test_what_a_gpu_leaves_to_the_cpu_is_named():
    apart = tf.function(lambda x: tf.unstack(x, axis=1))
    whole, real = (
        apart.get_concrete_function(tf.TensorSpec([9, 2], kind)) for kind in (tf.int64, tf.float32)
    )
    [name] = placement.ops_in_host_memory(whole, more_than=8)
    assert name.startswith("Unpack(")
    assert placement.ops_in_host_memory(whole, more_than=9) == set()
    assert placement.ops_in_host_memory(real, more_than=8) == set()
