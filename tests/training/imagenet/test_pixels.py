"""From the bytes of an image to what the network sees."""

import dataclasses
import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from made_up_images import CROP, RECIPE, SIDE, encode, picture

from tf_twostream import inputs
from tf_twostream.inputs import raw_frames
from tf_twostream.training.imagenet import labelled_images, pixels


def take(found, count, *, recipe=RECIPE, **more):
    return list(pixels.training(found, recipe, shorter_side=SIDE, **more).take(count))


def assert_equal_batches(first, second):
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA"])
def test_whatever_the_form_an_image_becomes_rgb(mode):
    encoded = encode(mode, 40, 50)
    decoded = pixels.decode(tf.constant(encoded), tf.constant("name")).numpy()
    wanted = np.asarray(PIL.Image.open(io.BytesIO(encoded)).convert("RGB"))
    np.testing.assert_allclose(decoded, wanted, atol=1)
    assert decoded.std() > 30


@pytest.mark.parametrize(("height", "width"), [(90, 133), (150, 60), (20, 33), (48, 48)])
def test_a_cut_is_a_part_of_the_rescaled_image(height, width):
    image = tf.constant(picture(height, width))
    size = raw_frames.rescaled_size(tf.shape(image)[:2], SIDE)
    assert min(size.numpy()) == SIDE
    assert max(size.numpy()) == round(SIDE * max(height, width) / min(height, width))
    whole = tf.image.resize(image, size, antialias=True).numpy()
    np.testing.assert_allclose(pixels.rescale(image, size), whole, atol=0.501)
    top, left = size.numpy() - CROP
    cut = pixels.rescale(image, size, corner=tf.constant([top, left]), crop=CROP)
    np.testing.assert_allclose(cut, whole[top:, left:], atol=0.501)


def test_training_views_come_from_the_whole_image_and_are_mirrored(tmp_path):
    (tmp_path / "n01").mkdir()
    height, width = SIDE, SIDE + 6
    rows, columns = np.mgrid[:height, :width]
    places = np.uint8(np.stack([rows, columns, 0 * rows], axis=-1))
    PIL.Image.fromarray(places).save(tmp_path / "n01" / "places.png")
    recipe = dataclasses.replace(RECIPE, batch_size=512)
    [batch] = take(labelled_images.find_folders(str(tmp_path)), 1, recipe=recipe)
    corners = batch["rgb"].numpy()[:, 0, 0, :2]
    assert set(corners[:, 0]) == set(range(height - CROP + 1))
    assert set(corners[:, 1]) == set(range(width - CROP + 1))
    assert set(map(tuple, batch["views"].numpy()[:, 0])) == {(0, 0, 0), (0, 0, 1)}
    batch.pop("jitter")
    seen = inputs.prepare(batch, recipe).numpy()
    flipped = batch["views"].numpy()[:, 0, 2] == 1
    assert (np.diff(seen[~flipped, 0, :, 1]) == 1).all()
    assert (np.diff(seen[flipped, 0, :, 1]) == -1).all()


def test_the_stream_can_start_at_any_iteration(folder):
    found = labelled_images.find_folders(str(folder))
    assert_equal_batches(take(found, 6)[4:], take(found, 2, first_iteration=4))


def test_hosts_and_devices_share_the_batches_of_one(folder):
    found = labelled_images.find_folders(str(folder))
    whole = take(found, 2)
    for shard in (0, 1):
        half = take(found, 2, shard=shard, num_shards=2, num_replicas=2)
        rows = slice(2 * shard, 2 * shard + 2)
        assert_equal_batches([{k: v[rows] for k, v in batch.items()} for batch in whole], half)


def test_a_batch_that_devices_cannot_share_is_refused(folder):
    with pytest.raises(ValueError, match="batch_size=4"):
        take(labelled_images.find_folders(str(folder)), 1, num_replicas=3)


def test_ten_views_of_each_image_are_its_corners_and_centre(folder):
    found = labelled_images.find_folders(str(folder))
    batches = list(pixels.evaluation(found, RECIPE, shorter_side=SIDE, batch_size=5))
    assert [len(batch["label"]) for batch in batches] == [5, 5, 2]
    labels = np.concatenate([batch["label"] for batch in batches])
    np.testing.assert_array_equal(labels, np.repeat([0, 1, 2], 4))
    seen = np.concatenate([inputs.prepare(batch, RECIPE) for batch in batches])
    for number, path in enumerate(found.paths):
        with open(path, "rb") as file:
            image = pixels.decode(tf.constant(file.read()), tf.constant(path))
        whole = pixels.rescale(image, raw_frames.rescaled_size(tf.shape(image)[:2], SIDE)).numpy()
        views = seen[10 * number : 10 * number + 10]
        np.testing.assert_array_equal(views[0], whole[:CROP, :CROP])
        np.testing.assert_array_equal(views[3], whole[-CROP:, -CROP:])
        np.testing.assert_array_equal(views[5:], views[:5, :, ::-1])
