"""One iteration of gradient descent."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import inputs, models, store
from tf_twostream.paper import recipes
from tf_twostream.training import steps

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=6, num_iterations=8, dropout_rate=0.0
)


def assert_close(first, second, tolerance):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def batch(tiny_store):
    path, split = tiny_store
    return next(iter(inputs.training(inputs.Windows(store.Reader(path), split.train, RECIPE))))


def step_of(model, optimizer, recipe, **knobs):
    """The iteration of a network of one task."""
    heads = [steps.Head(model, recipe.batch_size)]
    return steps.make_step(heads, model.trainable_variables, optimizer, recipe, **knobs)


def one_step(batch, recipe, **knobs):
    """The change that one step makes to each variable of a fresh network."""
    model = models.build(recipe, 3)
    before = [variable.numpy() for variable in model.trainable_variables]
    optimizer = steps.make_optimizer(recipe, model.trainable_variables)
    step = step_of(model, optimizer, recipe, **knobs)
    loss, hits = tf.function(step)((batch,))
    after = [variable.numpy() for variable in model.trainable_variables]
    return [new - old for new, old in zip(after, before)], float(loss[0]), int(hits[0])


def test_a_step_is_gradient_descent_with_decay_on_kernels(batch):
    change, loss, _ = one_step(batch, RECIPE)
    model = models.build(RECIPE, 3)
    with tf.GradientTape() as tape:
        logits = model(inputs.prepare(batch, RECIPE))
        picked = tf.gather(tf.nn.log_softmax(logits), batch["label"], batch_dims=1)
        wanted_loss = -tf.reduce_mean(picked)
    values = [variable.value for variable in model.trainable_variables]
    gradients = tape.gradient(wanted_loss, values)
    assert loss == pytest.approx(float(wanted_loss), rel=1e-5)
    for variable, gradient, moved in zip(model.trainable_variables, gradients, change):
        decay = 5e-4 * variable.numpy() if variable.name == "kernel" else 0
        np.testing.assert_allclose(moved, -1e-2 * (gradient.numpy() + decay), atol=2e-7)


@pytest.mark.parametrize("chunk_size", [0, 4])
def test_the_loss_of_a_class_counts_by_its_weight(batch, chunk_size):
    weights, labels = np.float32([0.5, 2, 0]), batch["label"].numpy()
    model = models.build(RECIPE, 3)
    losses = steps.losses(model(inputs.prepare(batch, RECIPE)), batch["label"]).numpy()
    heads = [steps.Head(model, RECIPE.batch_size, weights)]
    optimizer = steps.make_optimizer(RECIPE, model.trainable_variables)
    step = steps.make_step(
        heads, model.trainable_variables, optimizer, RECIPE, chunk_size=chunk_size
    )
    [loss], _ = tf.function(step)((batch,))
    assert float(loss) == pytest.approx(np.mean(weights[labels] * losses), rel=1e-5)


@pytest.mark.parametrize("chunk_size", [1, 3, 4])
def test_chunks_add_up_to_the_batch(batch, chunk_size):
    whole, loss, hits = one_step(batch, RECIPE)
    parts, loss_of_parts, hits_of_parts = one_step(batch, RECIPE, chunk_size=chunk_size)
    assert_close(whole, parts, 1e-7)
    assert loss_of_parts == pytest.approx(loss, rel=1e-5)
    assert hits_of_parts == hits


def test_xla_takes_the_same_step(batch):
    plain, compiled = one_step(batch, RECIPE)[0], one_step(batch, RECIPE, jit_compile=True)[0]
    assert_close(plain, compiled, 1e-6)


def test_the_rate_in_force_is_the_recipes():
    recipe = recipes.TemporalRecipe()
    schedule = steps.make_optimizer(recipe, [])._learning_rate
    for iteration in (0, 49_999, 50_000, 69_999, 70_000, 79_999):
        assert float(schedule(iteration)) == pytest.approx(recipe.learning_rate_at(iteration))


def test_batches_of_many_sizes_do_not_trace_anew(monkeypatch):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = models.build(RECIPE, 3)
        optimizer = steps.make_optimizer(RECIPE, model.trainable_variables)
    step = steps.on_all_replicas(step_of(model, optimizer, RECIPE), strategy)
    traced = []
    original = inputs.prepare
    monkeypatch.setattr(inputs, "prepare", lambda *args: traced.append(1) or original(*args))
    for height, width in [(48, 60), (48, 64), (54, 60), (60, 80), (61, 90), (70, 71)]:
        codes = tf.zeros((6, 3, 2, height, width), tf.uint8)
        zeros = {"ranges": tf.zeros((6, 3, 2, 2)), "means": tf.zeros((6, 3, 2))}
        places = {"views": tf.zeros((6, 1, 3), tf.int32), "label": tf.zeros(6, tf.int32)}
        step(({"codes": codes, **zeros, **places},))
    assert len(traced) <= 3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "knobs",
    [{}, pytest.param({"chunk_size": 3, "jit_compile": True}, marks=pytest.mark.slow)],
    ids=["plain", "xla"],
)
def test_two_devices_step_with_dropout_in_any_precision(batch, precision, knobs, two_devices):
    recipe = dataclasses.replace(RECIPE, dropout_rate=0.5, precision=precision)
    strategy = two_devices
    with strategy.scope():
        model = models.build(recipe, 3)
        optimizer = steps.make_optimizer(recipe, model.trainable_variables)
    step = step_of(model, optimizer, recipe, **knobs)
    before = model.get_weights()
    loss, _ = tf.function(lambda b: strategy.run(step, (b,)))((batch,))
    losses = [float(value[0]) for value in strategy.experimental_local_results(loss)]
    assert np.isfinite(losses).all()
    assert losses[0] != losses[1]  # One batch on both devices: only the masks differ.
    assert any(np.any(a != b) for a, b in zip(before, model.get_weights()))


@pytest.mark.slow
def test_replicas_keep_the_same_statistics(batch, two_devices):
    recipe = dataclasses.replace(RECIPE, architecture="efficientnet_lite0", crop_size=32)
    strategy = two_devices
    with strategy.scope():
        model = models.build(recipe, 3)
        optimizer = steps.make_optimizer(recipe, model.trainable_variables)
    half = strategy.experimental_distribute_values_from_function(
        lambda context: {
            name: value[3 * context.replica_id_in_sync_group :][:3] for name, value in batch.items()
        }
    )
    steps.on_all_replicas(step_of(model, optimizer, recipe), strategy)((half,))
    mean = model.get_layer("norm_stem").moving_mean.value
    first, second = (part.numpy() for part in strategy.experimental_local_results(mean))
    np.testing.assert_array_equal(first, second)
    assert first.any()  # It has been learnt: it begins with zeros.


def test_where_videos_show_several_classes_each_class_is_a_question_of_its_own():
    logits = np.array([[2.0, -1.0, 0.5], [-3.0, 4.0, 1.0]], np.float32)
    shows = np.array([[True, False, True], [False, False, True]])
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    wanted = -np.log(np.where(shows, probability, 1 - probability)).sum(axis=1)
    np.testing.assert_allclose(steps.losses(tf.constant(logits), tf.constant(shows)), wanted, 1e-6)


def test_a_hit_is_one_of_the_classes_that_a_video_shows(batch):
    recipe = dataclasses.replace(RECIPE, learning_rate=1e-9)
    every, none = tf.ones([6, 3], tf.bool), tf.zeros([6, 3], tf.bool)
    assert one_step({**batch, "label": every}, recipe)[2] == 6
    assert one_step({**batch, "label": none}, recipe)[2] == 0
    best = tf.argmax(models.build(recipe, 3)(inputs.prepare(batch, recipe)), axis=1)
    assert one_step({**batch, "label": tf.one_hot(best, 3, True, False)}, recipe)[2] == 6


def test_several_classes_take_the_same_step_in_chunks(batch):
    shows = tf.constant(np.random.default_rng(0).random((6, 3)) < 0.5)
    own = {**batch, "label": shows}
    assert_close(one_step(own, RECIPE)[0], one_step(own, RECIPE, chunk_size=2)[0], 1e-6)


def test_the_velocity_shrinks_with_the_rate_when_it_drops():
    import keras

    weight = keras.Variable(np.float32([0.0]))
    rates = keras.optimizers.schedules.PiecewiseConstantDecay([2], [1.0, 0.1])
    optimizer = steps.Momentum(rates, momentum=0.9)
    optimizer.build([weight])
    moved, velocity = 0.0, 0.0
    for rate in (1.0, 1.0, 1.0, 0.1, 0.1):
        optimizer.apply([np.float32([1.0])], [weight])
        velocity = 0.9 * velocity + 1.0
        moved -= rate * velocity
        np.testing.assert_allclose(weight.numpy(), [moved], rtol=1e-5)


def test_without_momentum_a_step_is_the_rate_times_the_gradient():
    import keras

    weight = keras.Variable(np.float32([1.0]))
    optimizer = steps.make_optimizer(dataclasses.replace(RECIPE, momentum=0.0), [weight])
    optimizer.apply([np.float32([2.0])], [weight])
    np.testing.assert_allclose(weight.numpy(), [1.0 - 2.0 * RECIPE.initial_rate], rtol=1e-5)
