"""The errors of a network, measured on still images."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from made_up_images import CLASSES, CROP, RECIPE, SIDE, source, write_folders, write_shards
from trained import run_of, with_checkpoint

from tf_twostream import datasets, runs
from tf_twostream.evaluation import images
from tf_twostream.inputs import raw_frames
from tf_twostream.training.imagenet import labelled_images, pixels

SPLIT = datasets.Split("images", CLASSES, (), ())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network with a checkpoint, whose guesses differ from image to image."""
    run = run_of(tmp_path_factory.mktemp("runs") / "run", RECIPE, SPLIT)
    with_checkpoint(run)
    return run


@pytest.fixture(scope="module", params=["folders", "shards"])
def found(request, tmp_path_factory):
    top = tmp_path_factory.mktemp("images")
    if request.param == "folders":
        return labelled_images.find_folders(str(write_folders(top)))
    return labelled_images.find_shards(write_shards(top / "shards"), CLASSES, first_label=1)


def settings(images_per_batch=5):
    knobs = {"shorter_side": SIDE, "images_per_batch": images_per_batch}
    return dataclasses.replace(source(train_images="none"), **knobs)


def views_slowly(image):
    """Ten views of an image, `[10, CROP, CROP, 3]`: corners and centre, then mirrored."""
    size = raw_frames.rescaled_size(tf.shape(image)[:2], SIDE)
    whole = pixels.rescale(image, size).numpy()
    down, right = (side - CROP for side in whole.shape[:2])
    corners = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
    plain = [whole[top : top + CROP, left : left + CROP] for top, left in corners]
    return np.float32([*plain, *(view[:, ::-1] for view in plain)])


def test_an_error_is_that_of_the_mean_softmax_over_ten_views(run, found):
    model, _ = runs.load_model(run)
    wrong = []
    for place in found.once():
        file = found.read(place)
        views = views_slowly(pixels.decode(file["encoded"], file["name"]))
        guess = np.mean(tf.nn.softmax(model(views)), axis=0).argmax()
        wrong.append(guess != int(file["label"]))
    assert len(wrong) == 12 and 0 < np.mean(wrong) < 1
    top_1, top_5 = images.measure(run, found, settings())
    assert top_1 == pytest.approx(np.mean(wrong))
    assert top_5 == 0  # There are three classes.


@pytest.mark.parametrize("images_per_batch", [1, 12, 64])
def test_batches_of_any_size_give_the_same_errors(run, found, images_per_batch):
    assert images.measure(run, found, settings(images_per_batch)) == images.measure(
        run, found, settings()
    )


def test_a_network_without_weights_is_refused(tmp_path, found):
    untrained = run_of(tmp_path / "run", RECIPE, SPLIT)
    with pytest.raises(runs.NoCheckpointError, match="must have a checkpoint"):
        images.measure(untrained, found, settings())


def test_a_damaged_image_is_named(run, tmp_path):
    found = labelled_images.find_folders(str(write_folders(tmp_path)))
    (tmp_path / "n02" / "n02_3.JPEG").write_bytes(b"no image")
    with pytest.raises(labelled_images.DamagedImageError, match=r"Received: \S+n02_3.JPEG"):
        images.measure(run, found, settings())
