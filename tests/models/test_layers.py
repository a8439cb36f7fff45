"""Local response normalisation and dropout."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.models import layers


def test_normalisation_is_that_of_alexnet():
    activations = np.random.default_rng(0).normal(0, 50, (1, 2, 2, 9)).astype(np.float32)
    wanted = np.zeros_like(activations)
    for i in range(9):
        neighbours = activations[..., max(0, i - 2) : i + 3]
        scale = 2 + 1e-4 * np.sum(neighbours**2, -1)
        wanted[..., i] = activations[..., i] / scale**0.75
    result = layers.LocalResponseNormalization()(activations)
    np.testing.assert_allclose(result, wanted, rtol=1e-5)


def test_dropout_zeroes_the_rate_and_keeps_the_mean():
    result = layers.Dropout(0.9, seed=1)(tf.ones((100, 1000)), training=True).numpy()
    assert abs((result == 0).mean() - 0.9) < 0.01
    assert np.allclose(result[result != 0], 10, rtol=1e-6)


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.95])
def test_dropout_keeps_its_share_and_the_mean_in_half_precision_too(rate):
    layer = layers.Dropout(rate, seed=1, dtype="mixed_bfloat16")
    outputs = tf.cast(layer(tf.ones([1000, 1000], tf.bfloat16), training=True), tf.float32).numpy()
    assert np.mean(outputs > 0) == pytest.approx(1 - rate, rel=0.01)
    assert outputs.mean() == pytest.approx(1, rel=0.01)


def test_dropout_is_the_identity_in_testing():
    x = tf.random.stateless_uniform((3, 5), [0, 0])
    np.testing.assert_array_equal(layers.Dropout(0.9)(x, training=False), x)


def masks(strategy, layer, steps):
    """[replicas, steps, 512] masks as an iteration after the other draws them."""

    @tf.function
    def draw():
        return strategy.run(lambda: layer(tf.ones((1, 512)), training=True))

    drawn = [strategy.experimental_local_results(draw()) for _ in range(steps)]
    return np.array([[mask.numpy()[0] > 0 for mask in step] for step in drawn]).swapaxes(0, 1)


def test_replicas_draw_different_masks_now_and_later(two_devices):
    with two_devices.scope():
        layer = layers.Dropout(0.5, seed=3)
    drawn = masks(two_devices, layer, 4).reshape(8, 512)
    agreement = [(drawn[i] == drawn[j]).mean() for i in range(8) for j in range(i)]
    assert max(agreement) < 0.65  # 0.5 on average for independent masks.


def test_layers_draw_different_masks():
    first, second = (layers.Dropout(0.5, seed=seed) for seed in (20, 21))
    x = tf.ones((1, 512))
    same = (first(x, training=True).numpy() > 0) == (second(x, training=True).numpy() > 0)
    assert same.mean() < 0.65


def test_a_checkpoint_continues_the_sequence_of_masks(tmp_path):
    x = tf.ones((4, 64))
    layer = layers.Dropout(0.5, seed=3)
    layer(x, training=True)
    path = tf.train.Checkpoint(layer=layer).save(tmp_path / "c")
    wanted = layer(x, training=True)
    restored = layers.Dropout(0.5, seed=3)
    tf.train.Checkpoint(layer=restored).restore(path).assert_consumed()
    np.testing.assert_array_equal(restored(x, training=True), wanted)
