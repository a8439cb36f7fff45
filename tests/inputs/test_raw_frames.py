"""What an exported model makes of raw frames is what a store makes of them."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import datasets, inputs, store
from tf_twostream.flow import brox, codec
from tf_twostream.inputs import raw_frames
from tf_twostream.paper import recipes
from tf_twostream.precompute import frames
from tf_twostream.store import coding

rng = np.random.default_rng(0)


def picture(height, width, channels=3):
    noise = rng.integers(0, 256, (height, width, channels)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5).reshape(height, width, channels)


@pytest.mark.parametrize(
    "size, shorter_side",
    [((48, 64), 41), ((100, 37), 24), ((37, 90), 64), ((24, 32), 25), ((30, 40), 30), ((9, 9), 18)],
)
def test_frames_are_rescaled_as_by_opencv(size, shorter_side):
    image = picture(*size)
    wanted = frames._resize(image, frames.rescaled_size(*size, shorter_side=shorter_side))
    rescaled = raw_frames.rescale(tf.constant(image[None]), shorter_side).numpy()[0]
    assert rescaled.shape == wanted.shape
    difference = np.abs(rescaled.astype(int) - wanted)
    assert difference.max() <= 1 and difference.mean() < 0.2


def test_grey_is_that_of_opencv():
    image = rng.integers(0, 256, (50, 60, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        raw_frames.grey(tf.constant(image)), cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    )


def test_windows_start_where_the_evaluation_starts_them():
    num_starts = np.arange(1, 1000)
    starts = tf.map_fn(inputs.equally_spaced, tf.constant(num_starts, tf.int32))
    np.testing.assert_array_equal(starts, inputs.equally_spaced(num_starts))


def test_frames_go_through_the_jpeg_of_the_store():
    image = picture(33, 47)
    jpeg = coding.encode(image)
    wanted = tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE")
    windows = raw_frames.spatial_windows(tf.constant(np.stack([image] * 3)))
    assert windows["rgb"].shape == (25, 33, 47, 3)
    assert all(np.array_equal(frame, wanted) for frame in windows["rgb"])


def test_fields_are_coded_as_in_the_store():
    fields = rng.normal(0, 3, (3, 20, 30, 2)).astype(np.float32)
    fields[2, ..., 1] = 0.25  # A constant component.
    codes, ranges = raw_frames._quantise(tf.constant(fields))
    for n, field in enumerate(fields):
        wanted, own_ranges = codec.quantise(field)
        assert np.abs(codes[n].numpy().astype(int) - wanted).max() <= 1
        assert (codes[n].numpy() != wanted).mean() < 0.01  # Rounding of a factor.
        np.testing.assert_array_equal(ranges[n], own_ranges)


@pytest.fixture
def quick_flow(monkeypatch):
    """A stand-in for the solver: fields are (10 t, t'), of the first pixels of their frames."""

    def flow(frames, _, *, backward):
        values = 255 * frames[:, :, 0, 0]
        pair = (values[:, 1:], values[:, :-1]) if backward else (values[:, :-1], values[:, 1:])
        field = tf.stack([10 * pair[0], pair[1]], axis=-1)
        shape = tf.shape(frames)
        return tf.ones([shape[0], shape[1] - 1, shape[2], shape[3], 1]) * field[:, :, None, None]

    monkeypatch.setattr(brox, "flow", flow)


def windows_of(num_frames, recipe, **given):
    times = np.arange(num_frames).astype(np.uint8)
    video = np.ones([num_frames, 20, 24, 3], np.uint8) * times[:, None, None, None]
    make = tf.function(
        lambda x: raw_frames.temporal_windows(x, recipe, brox.FAST, **given),
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)],
    )
    return make(tf.constant(video))


@pytest.mark.parametrize("num_frames", [2, 5, 14, 40])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_windows_hold_the_fields_that_the_inputs_read(
    quick_flow, tmp_path, num_frames, bidirectional
):
    recipe = recipes.TemporalRecipe(stack_length=4, bidirectional=bidirectional, crop_size=16)
    windows = windows_of(num_frames, recipe)
    settings = store.Settings(
        method="", parameters={}, directions=("forward", "backward"), shorter_side=20
    )
    writer = store.Writer(str(tmp_path / "store"), settings)
    jpeg = codec.encode(np.zeros([2, 20, 24], np.uint8))
    with writer.video("a.avi") as video:
        for t in range(num_frames):
            video.add_rgb(b"")
            if t:
                field = np.array([10 * (t - 1), t], np.float32)
                video.add_flow("forward", jpeg, np.stack([field, field], -1), field)
                field = np.array([10 * t, t - 1], np.float32)
                video.add_flow("backward", jpeg, np.stack([field, field], -1), field)
        video.finish(height=20, width=24, promised_frames=num_frames, fps=25.0)
    writer.write_index()
    reader = store.Reader(str(tmp_path / "store"))
    [wanted] = inputs.evaluation(inputs.Windows(reader, [datasets.Video("a.avi", 0)], recipe))
    assert windows["codes"].shape == (25, 4, 2, 20, 24)
    np.testing.assert_allclose(windows["means"], wanted["means"], rtol=1e-5)
    np.testing.assert_allclose(windows["ranges"], wanted["ranges"], rtol=1e-5)


def test_without_a_quality_codes_do_not_go_through_jpeg(monkeypatch):
    noise = tf.constant(np.random.default_rng(0).normal(size=(1, 1, 20, 24, 2)), tf.float32)

    def flow(frames, parameters, *, backward):
        return tf.tile(noise, [tf.shape(frames)[0], 1, 1, 1, 1])

    monkeypatch.setattr(brox, "flow", flow)
    recipe = recipes.TemporalRecipe(stack_length=1, crop_size=16)
    wanted, _ = codec.quantise(noise[0, 0].numpy())
    raw, jpeg = (windows_of(2, recipe, **given)["codes"] for given in ({"flow_quality": None}, {}))
    np.testing.assert_array_equal(raw[0, 0], wanted)
    assert np.any(jpeg[0, 0] != wanted)


def test_one_frame_has_no_flow(quick_flow):
    with pytest.raises(tf.errors.InvalidArgumentError, match="two frames"):
        windows_of(1, recipes.TemporalRecipe())
