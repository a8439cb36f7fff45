"""Slow fusion on the body of CNN-M-2048."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import models
from tf_twostream.models import slow_fusion
from tf_twostream.paper import recipes


@pytest.fixture(scope="module")
def network():
    return models.build(recipes.SlowFusionRecipe(), 101)


@pytest.fixture(scope="module")
def small():
    """A narrow network whose convolutions are all alive."""
    return models.build(recipes.SlowFusionRecipe(width=0.1, crop_size=41, dropout_rate=0.0), 3)


def clips(count=2, num_frames=11, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 255, (count, 41, 41, 3 * num_frames)).astype(np.float32)


def test_conv1_has_five_frames_and_conv2_and_conv3_have_two_responses(network):
    shapes = {name: network.get_layer(name).kernel.shape for name in ("conv1", "conv2", "conv3")}
    assert shapes == {
        "conv1": (7, 7, 5 * 3, 96), "conv2": (5, 5, 2 * 96, 256), "conv3": (3, 3, 2 * 256, 512)
    }  # fmt: skip
    assert network.input_shape == (None, 224, 224, 33)


def test_the_number_of_weights_is_that_of_the_spatial_net_and_of_time(network):
    count = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
    more = 7 * 7 * 12 * 96 + 5 * 5 * 96 * 256 + 3 * 3 * 256 * 512
    assert count == 90_627_813 + more == 92_478_309


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("pool1", (54, 54, 96)), ("pool2", (13, 13, 256)), ("conv3", (13, 13, 512)),
        ("pool5", (6, 6, 512)), ("full7", (2048,)), ("classes", (101,)),
    ],
)  # fmt: skip
def test_every_layer_has_the_shape_of_the_other_streams(network, layer, shape):
    assert network.get_layer(layer).output.shape == (None, *shape)


def test_it_is_normalised_as_the_spatial_net(network):
    norms = [layer.name for layer in network.layers if layer.name.startswith("norm")]
    assert norms == ["norm1", "norm2"]


def test_a_clip_has_four_responses_then_two_then_one(small):
    names = ("conv1", "conv2", "conv3", "classes")
    probe = keras.Model(small.input, [small.get_layer(name).output for name in names])
    assert [len(output) for output in probe(clips(3))] == [12, 6, 3, 3]


def test_windows_are_five_frames_two_apart():
    frames = np.repeat(np.arange(22, dtype=np.float32).reshape(2, 1, 1, 11), 3, axis=-1)
    windows = slow_fusion.joints(5)["conv1"](tf.constant(frames)).numpy()[:, 0, 0, ::3]
    first = [[0, 1, 2, 3, 4], [2, 3, 4, 5, 6], [4, 5, 6, 7, 8], [6, 7, 8, 9, 10]]
    np.testing.assert_array_equal(windows, np.concatenate([first, np.add(first, 11)]))


def test_pairs_are_of_one_clip_in_the_order_of_time():
    responses = np.random.default_rng(0).normal(size=(8, 2, 3, 5)).astype(np.float32)
    joined = slow_fusion.joints(5)["conv2"](tf.constant(responses)).numpy()
    assert joined.shape == (4, 2, 3, 10)
    for n, pair in enumerate(joined):
        np.testing.assert_array_equal(pair[..., :5], responses[2 * n])
        np.testing.assert_array_equal(pair[..., 5:], responses[2 * n + 1])


def test_the_first_three_layers_are_convolutions_over_time_as_well(small):
    """Against Conv3D of TensorFlow, without normalisation, pooling and padding in between."""
    joints = slow_fusion.joints(5)
    rng = np.random.default_rng(1)
    frames = rng.normal(size=(2, 15, 15, 33)).astype(np.float32)
    x, y = (
        tf.constant(frames),
        tf.transpose(tf.reshape(frames, (2, 15, 15, 11, 3)), (0, 3, 1, 2, 4)),
    )
    for name, extent, channels in (("conv1", 5, 3), ("conv2", 2, 4), ("conv3", 2, 4)):
        kernel = rng.normal(size=(extent, 3, 3, channels, 4)).astype(np.float32) / 5
        stacked = kernel.transpose(1, 2, 0, 3, 4).reshape(3, 3, extent * channels, 4)
        x = tf.nn.conv2d(joints[name](x), stacked, 1, "VALID")
        y = tf.nn.conv3d(y, kernel, (1, 2, 1, 1, 1), "VALID")
    assert y.shape[1] == 1
    np.testing.assert_allclose(x, y[:, 0], atol=1e-4)


@pytest.mark.parametrize("frame", range(11))
def test_every_frame_counts(small, frame):
    before = clips()
    after = before.copy()
    after[..., 3 * frame : 3 * frame + 3] = 255 - after[..., 3 * frame : 3 * frame + 3]
    assert np.abs(small(after) - small(before)).max() > 1e-6


def test_the_order_of_the_frames_counts(small):
    frames = clips().reshape(2, 41, 41, 11, 3)
    backward = frames[..., ::-1, :].reshape(2, 41, 41, 33)
    assert np.abs(small(backward) - small(clips())).max() > 1e-6


def test_clips_do_not_see_each_other(small):
    together = small(clips(3)).numpy()
    alone = np.concatenate([small(clips(3)[n : n + 1]) for n in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_still_clip_is_an_image_to_it(small):
    """With identical frames it is the spatial network whose kernels are summed over time."""
    image = clips(2, num_frames=1)
    still = np.tile(image, (1, 1, 1, 11))
    spatial = models.build(recipes.SpatialRecipe(width=0.1, crop_size=41, dropout_rate=0.0), 3)
    extents = {"conv1": 5, "conv2": 2, "conv3": 2}
    for layer in spatial.layers:
        weights = small.get_layer(layer.name).get_weights() if layer.weights else []
        if layer.name in extents:
            kernel, bias = weights
            parts = np.split(kernel, extents[layer.name], axis=2)
            weights = [np.sum(parts, axis=0), bias]
        if weights:
            layer.set_weights(weights)
    np.testing.assert_allclose(small(still), spatial(image), atol=1e-5)


@pytest.mark.parametrize("num_frames", [8, 10, 11, 16])
def test_other_lengths_have_other_windows(num_frames):
    recipe = recipes.SlowFusionRecipe(num_frames=num_frames, crop_size=41, width=0.05)
    model = models.build(recipe, 2)
    assert model.get_layer("conv1").kernel.shape[2] == 3 * (num_frames - 6)
    assert model(clips(2, num_frames)).shape == (2, 2)
