"""All of a training step can run on a GPU."""

import pytest
import tensorflow as tf

from tf_twostream import inputs, paper, placement, steps
from tf_twostream.models import cnn_m

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 2}
BATCHES = {
    "spatial": {
        "rgb": tf.TensorSpec([2, None, None, 3], tf.uint8),
        "jitter": tf.TensorSpec([2, 3]),
    },
    "temporal": {
        "codes": tf.TensorSpec([2, 3, 2, None, None], tf.uint8),
        "ranges": tf.TensorSpec([2, 3, 2, 2]),
        "means": tf.TensorSpec([2, 3, 2]),
    },
}
BOTH = {"views": tf.TensorSpec([2, 1, 3], tf.int32), "label": tf.TensorSpec([2], tf.int32)}


def recipe_of(stream, **knobs):
    if stream == "spatial":
        return paper.SpatialRecipe(**KNOBS, **knobs)
    return paper.TemporalRecipe(stack_length=3, **KNOBS, **knobs)


@pytest.mark.parametrize("stream", ["spatial", "temporal"])
def test_inputs_are_prepared_on_the_gpu(stream):
    prepare = tf.function(lambda batch: inputs.prepare(batch, recipe_of(stream)))
    traced = prepare.get_concrete_function({**BATCHES[stream], **BOTH})
    assert placement.ops_without_gpu_kernel(traced) == set()


@pytest.mark.parametrize("stream", ["spatial", "temporal"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_runs_on_the_gpu(stream, precision):
    recipe = recipe_of(stream, precision=precision)
    model = cnn_m.build(recipe, 3)
    optimizer = steps.make_optimizer(recipe)
    optimizer.build(model.trainable_variables)
    step = tf.function(steps.make_step(model, optimizer, recipe))
    traced = step.get_concrete_function({**BATCHES[stream], **BOTH})
    assert placement.ops_without_gpu_kernel(traced) == set()


def test_what_has_no_gpu_kernel_is_named():
    gather = tf.function(lambda x, i: tf.gather(x, i))
    traced = gather.get_concrete_function(
        tf.TensorSpec([5], tf.uint8), tf.TensorSpec([2], tf.int64)
    )
    [name] = placement.ops_without_gpu_kernel(traced)
    assert name.startswith("GatherV2(")
