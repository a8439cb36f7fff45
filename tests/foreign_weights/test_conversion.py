"""Converted networks compute what the files' networks compute."""

import dataclasses
import json

import foreign_files as files
import keras
import numpy as np
import pytest
import trained

from tf_twostream import datasets, models, paper, runs, store
from tf_twostream.commands import advice
from tf_twostream.foreign_weights import (
    DescriptionError,
    OtherNetworkError,
    conversion,
    knobs,
    matconvnet,
)
from tf_twostream.paper import recipes

LRN = {"n": 5, "k": 2, "alpha": 1e-4, "beta": 0.75}
MEAN = np.float32([124.1, 115.9, 102.6])  # RGB, grey levels; not ours.


@pytest.fixture
def shape():
    return recipes.SpatialRecipe(width=files.WIDTH, crop_size=files.CROP)


def convert(weights, tmp_path, shape, *, split=None, **options):
    run_dir = str(tmp_path / "run")
    return conversion.convert(
        knobs.ForeignFile(weights=str(weights), run_dir=run_dir, **options),
        shape=shape,
        settings=trained.SETTINGS,
        split=split,
    )


def write_caffe(tmp_path, layers, **how):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(files.caffemodel(layers, **how))
    return path


def images(size, count=2):
    """`[B, H, W, 3]` float32 RGB: smooth, as photographs are, and not grey."""
    rng = np.random.default_rng(1)
    coarse = rng.uniform(0, 255, (count, size // 8 + 1, size // 8 + 1, 3))
    return coarse.repeat(8, 1).repeat(8, 2)[:, :size, :size].astype(np.float32)


def loaded(tmp_path):
    return runs.load_model(runs.load(str(tmp_path / "run")))[0]


def planes(x):
    return x.transpose(0, 3, 1, 2)


def assert_logits(model, x, wanted):
    assert np.ptp(wanted) > 1  # Else agreement to 1e-4 would say little.
    np.testing.assert_allclose(model(x).numpy(), wanted, atol=1e-4)


@pytest.mark.parametrize("old", [False, True])
def test_a_matconvnet_network_gives_the_same_logits(tmp_path, shape, old):
    net = files.weights()
    layers = files.mat_layers(net, old=old)
    path = files.write_mat(tmp_path / "net.mat", layers, mean=MEAN[None, None], old=old)
    convert(path, tmp_path, shape)
    x = images(files.CROP)
    assert_logits(loaded(tmp_path), x, files.logits(net, planes(x - MEAN), lrn=LRN))


@pytest.mark.parametrize("old", [False, True])
def test_a_caffe_network_takes_bgr_and_gives_the_same_logits(tmp_path, shape, old):
    net = files.weights()
    path = write_caffe(tmp_path, files.caffe_layers(net), old=old)
    mean = tmp_path / "mean.binaryproto"
    mean.write_bytes(files.blob(np.broadcast_to(MEAN[::-1, None, None], (1, 3, 7, 7)), old=old))
    converted = convert(path, tmp_path, shape, mean=str(mean))
    np.testing.assert_allclose(converted.mean, MEAN)
    x = images(files.CROP)
    assert_logits(loaded(tmp_path), x, files.logits(net, planes((x - MEAN)[..., ::-1]), lrn=LRN))


def test_without_a_mean_file_the_mean_is_imagenets(tmp_path, shape):
    net = files.weights()
    convert(write_caffe(tmp_path, files.caffe_layers(net)), tmp_path, shape)
    x = images(files.CROP)
    free = planes((x - np.float32(paper.RGB_MEAN))[..., ::-1])
    assert_logits(loaded(tmp_path), x, files.logits(net, free, lrn=LRN))


@pytest.mark.parametrize("bound", [20.0, 15.0])
def test_a_flow_network_takes_pixels_instead_of_codes(tmp_path, shape, bound):
    net = files.weights(channels=6)
    layers = files.caffe_layers(net, normalised=("conv1",))
    converted = convert(write_caffe(tmp_path, layers), tmp_path, shape, flow_bound=bound)
    recipe = converted.run.recipe
    assert (recipe.stream, recipe.stack_length, recipe.mean_subtraction) == ("temporal", 3, False)
    flow = np.random.default_rng(2).uniform(-bound, bound, (2, files.CROP, files.CROP, 6))
    codes = 255 * (flow + bound) / (2 * bound)
    wanted = files.logits(net, planes(codes - 128), lrn=LRN, normalised=("conv1",))
    assert_logits(loaded(tmp_path), flow.astype(np.float32), wanted)


def change_normalisation(layers, name, *, alpha, k):
    [layer] = [layer for layer in layers if layer["name"] == name]
    layer["parameters"] = [(1, 5), (2, 5 * alpha), (3, 0.75), (5, k)]


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("second", [{}, {"alpha": 3e-4, "k": 1.5}, {"alpha": 2e-5, "k": 3.0}])
def test_a_flow_network_keeps_its_second_normalisation(tmp_path, shape, old, second):
    """Those of Wang et al. (2015) have two and leave k out, which is then 1."""
    net = files.weights(channels=20)
    layers = files.caffe_layers(net, k=None)
    if second:
        change_normalisation(layers, "norm2", **second)
    recipe = convert(write_caffe(tmp_path, layers, old=old), tmp_path, shape).run.recipe
    assert (recipe.stream, recipe.stack_length) == ("temporal", 10)
    assert recipe.second_normalisation and not recipe.mean_subtraction
    flow = np.random.default_rng(2).uniform(-20, 20, (2, files.CROP, files.CROP, 20))
    codes = planes(255 * (flow + 20) / 40 - 128)
    lrn = LRN | {"k": 1}
    wanted = files.logits(net, codes, lrn=lrn, second=second)
    assert_logits(loaded(tmp_path), flow.astype(np.float32), wanted)
    for other in (
        files.logits(net, codes, lrn=lrn, normalised=("conv1",)),
        files.logits(net, codes, lrn=lrn, second={"alpha": 1e-4, "k": 2}),
    ):
        assert np.abs(wanted - other).max() > 0.01  # The second normalisation is not negligible.


def test_the_file_decides_whether_there_is_a_second_normalisation(tmp_path, shape):
    layers = files.caffe_layers(files.weights(channels=6), normalised=("conv1",))
    run = convert(write_caffe(tmp_path, layers), tmp_path, shape).run
    assert not run.recipe.second_normalisation
    assert not runs.load(str(run.path)).recipe.second_normalisation


def test_normalisations_at_other_places_are_refused(tmp_path, shape):
    net = files.weights(channels=6)
    for normalised in (("conv2",), ("conv1", "conv3"), ("conv1", "conv2", "conv3")):
        layers = files.caffe_layers(net, normalised=normalised)
        with pytest.raises(ValueError, match="temporal network must be CNN-M-2048, "):
            convert(write_caffe(tmp_path, layers), tmp_path, shape)


@pytest.mark.parametrize(
    ("k", "flag", "meant"), [(1.0, None, 1), (None, None, 1), (None, 2.0, 2), (3.0, 2.0, 3)]
)
def test_another_k_is_folded_exactly(tmp_path, shape, k, flag, meant):
    net = files.weights()
    path = write_caffe(tmp_path, files.caffe_layers(net, k=k))
    notes = convert(path, tmp_path, shape, lrn_k=flag).notes
    assert any("folded into conv1" in note for note in notes) == (meant != 2)
    assert any("leaves out k of norm1, norm2" in note for note in notes) == (k is flag is None)
    x = images(files.CROP)
    free = planes((x - np.float32(paper.RGB_MEAN))[..., ::-1])
    wanted = {k: files.logits(net, free, lrn=LRN | {"k": k}) for k in (meant, 2.5)}
    assert_logits(loaded(tmp_path), x, wanted[meant])
    assert np.abs(wanted[meant] - wanted[2.5]).max() > 0.01  # k is not negligible here.


def test_another_alpha_is_folded_exactly(tmp_path, shape):
    net = files.weights()
    layers = files.mat_layers(net, param=(5, 1, 2e-5, 0.75))
    convert(files.write_mat(tmp_path / "net.mat", layers, mean=MEAN), tmp_path, shape)
    x = images(files.CROP)
    lrn = {"n": 5, "k": 1, "alpha": 2e-5, "beta": 0.75}
    assert_logits(loaded(tmp_path), x, files.logits(net, planes(x - MEAN), lrn=lrn))


def test_a_mean_image_is_kept_and_its_mean_colour_subtracted(tmp_path, shape):
    net = files.weights()
    mean = MEAN + np.random.default_rng(3).normal(0, 5, (9, 9, 3)).astype(np.float32)
    path = files.write_mat(tmp_path / "net.mat", files.mat_layers(net), mean=mean)
    converted = convert(path, tmp_path, shape)
    [note] = converted.notes
    assert "deviates by 5." in note
    np.testing.assert_array_equal(np.load(tmp_path / "run" / "mean_image.npy"), mean)
    x = images(files.CROP)
    colour = mean.mean((0, 1))
    assert_logits(loaded(tmp_path), x, files.logits(net, planes(x - colour), lrn=LRN))


def test_the_source_is_on_record(tmp_path, shape):
    path = write_caffe(tmp_path, files.caffe_layers(files.weights()))
    convert(path, tmp_path, shape)
    source = json.loads((tmp_path / "run" / "source.json").read_text())
    assert source["file"] == "net.caffemodel" and len(source["sha256"]) == 64
    np.testing.assert_allclose(source["mean"], paper.RGB_MEAN)
    assert (source["scale"], source["shift"]) == ([58] * 3, [0] * 3)
    assert not (tmp_path / "run" / "mean_image.npy").exists()


def test_training_can_start_from_it(tmp_path, shape):
    convert(write_caffe(tmp_path, files.caffe_layers(files.weights())), tmp_path, shape)
    run = runs.load(str(tmp_path / "run"))
    runs.check_store(run, trained.SETTINGS, where="there")
    model = models.build(run.recipe, 7)
    split = dataclasses.replace(run.split, class_names=tuple("abcdefg"))
    target = trained.run_of(tmp_path / "other", run.recipe, split)
    assert runs.initialise(model, run, target) == ["classes"]


def test_a_second_normalisation_lasts_through_training(tmp_path, tiny_store, tiny_source):
    layers = files.caffe_layers(files.weights(channels=6, side=1))
    small = recipes.SpatialRecipe(width=files.WIDTH, crop_size=41)
    recipe = dataclasses.replace(
        convert(write_caffe(tmp_path, layers), tmp_path, small).run.recipe,
        init_from=str(tmp_path / "run"), num_iterations=1, batch_size=2, learning_rate=1e-9,
    )  # fmt: skip
    tuned = trained.train(tiny_source, tiny_store[0], tmp_path / "tuned", recipe)
    x = np.random.default_rng(0).normal(0, 9, (2, 41, 41, 6)).astype(np.float32)
    features = [
        keras.Model(model.input, model.get_layer("full7").output)(x).numpy()
        for model in (loaded(tmp_path), runs.load_model(tuned)[0])
    ]
    assert features[0].max() > 1
    np.testing.assert_allclose(*features, rtol=1e-4, atol=1e-4)


def test_it_can_be_tested_on_a_data_set(tmp_path, tiny_store):
    net = files.weights(num_classes=3, side=1)
    path = write_caffe(tmp_path, files.caffe_layers(net))
    converted = conversion.convert(
        knobs.ForeignFile(weights=str(path), run_dir=str(tmp_path / "run")),
        shape=recipes.SpatialRecipe(width=files.WIDTH, crop_size=41),
        settings=store.Reader(tiny_store[0]).settings,
        split=tiny_store[1],
    )
    scores = trained.evaluate(converted.run, tiny_store[0], tmp_path / "scores.npz")
    assert scores.scores.shape == (len(tiny_store[1].test), 3)


@pytest.mark.parametrize("named_by", ["file", "flag", "nobody", "data set"])
def test_classes_have_names(tmp_path, shape, named_by):
    names = ("crane", "crane", "cock", "hen")
    path = files.write_mat(
        tmp_path / "net.mat",
        files.mat_layers(files.weights()),
        mean=MEAN,
        names=names if named_by in ("file", "flag") else (),
    )
    options, split = {}, None
    if named_by == "flag":
        (tmp_path / "names.txt").write_text("a b\nc\n\nd\ne\n")
        options = {"class_names": str(tmp_path / "names.txt")}
    if named_by == "data set":
        split = datasets.Split("own", tuple("wxyz"), (datasets.Video("v.avi", 0),), ())
    run = convert(path, tmp_path, shape, split=split, **options).run
    assert (
        run.split.class_names
        == {
            "file": ("n00000000 crane", "n00000001 crane", "n00000002 cock", "n00000003 hen"),
            "flag": ("a b", "c", "d", "e"),
            "nobody": ("class 0", "class 1", "class 2", "class 3"),
            "data set": tuple("wxyz"),
        }[named_by]
    )
    assert run.split.train == (split.train if split else ())


def test_the_number_of_classes_must_be_the_networks(tmp_path, shape):
    path = write_caffe(tmp_path, files.caffe_layers(files.weights()))
    (tmp_path / "names.txt").write_text("a\nb\n")
    with pytest.raises(DescriptionError, match=r"those of the network, 4\. Received: 2"):
        convert(path, tmp_path, shape, class_names=str(tmp_path / "names.txt"))
    split = datasets.Split("own", tuple("wxyz"), (), ())
    with pytest.raises(DescriptionError, match="names.txt and own") as caught:
        convert(path, tmp_path, shape, split=split, class_names=str(tmp_path / "names.txt"))
    assert "--class_names and --dataset" in advice.advise(caught.value)


def test_a_data_set_whose_videos_show_several_classes_is_refused(tmp_path, shape):
    path = write_caffe(tmp_path, files.caffe_layers(files.weights()))
    split = datasets.Split("own", tuple("wxyz"), (), (), multi_label=True)
    with pytest.raises(DescriptionError, match="Received: own, where it may show several"):
        convert(path, tmp_path, shape, split=split)


def test_nothing_is_written_over_and_nothing_is_left_half_done(tmp_path, shape):
    layers = files.caffe_layers(files.weights())
    convert(write_caffe(tmp_path, layers), tmp_path, shape)
    with pytest.raises(FileExistsError, match="`run_dir` must not exist"):
        convert(tmp_path / "net.caffemodel", tmp_path, shape)
    (tmp_path / "other").mkdir()
    broken = write_caffe(tmp_path / "other", layers[:-3])
    with pytest.raises(OtherNetworkError, match="the end of the file"):
        convert(broken, tmp_path / "other", shape)
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["net.caffemodel"]


@pytest.mark.parametrize(
    ("mean", "message"),
    [(np.zeros((5, 5, 4)), r"\[H, W, 3\].*\[5, 5, 4\]"), (np.full((5, 5, 3), np.nan), "finite")],
)
def test_a_mean_that_does_not_fit_is_refused(tmp_path, shape, mean, message):
    path = files.write_mat(tmp_path / "net.mat", files.mat_layers(files.weights()), mean=mean)
    with pytest.raises(DescriptionError, match=message) as caught:
        convert(path, tmp_path, shape)
    assert "--mean" in advice.advise(caught.value)


def test_an_odd_number_of_input_channels_is_refused(tmp_path, shape):
    path = write_caffe(tmp_path, files.caffe_layers(files.weights(channels=5)))
    with pytest.raises(OtherNetworkError, match="2L channels.*Received: 5"):
        convert(path, tmp_path, shape)


def test_k_cannot_be_said_twice(tmp_path, shape):
    path = files.write_mat(tmp_path / "net.mat", files.mat_layers(files.weights()), mean=MEAN)
    with pytest.raises(
        DescriptionError, match="`lrn_k` must be left .* Received: lrn_k=2 for .*net.mat"
    ):
        convert(path, tmp_path, shape, lrn_k=2.0)


def test_the_published_mean_images_are_read(shared_data):
    read_mean = matconvnet.read_mean
    colours = read_mean(str(shared_data / "cnn_m" / "VGG_mean.mat"))
    assert colours.shape == (224, 224, 3)
    # Blue, green, red: within 1.3 grey levels of the mean colour of ImageNet.
    np.testing.assert_allclose(colours.mean((0, 1))[::-1], paper.RGB_MEAN, atol=1.3)
    flow = read_mean(str(shared_data / "cnn_m" / "flow_mean.mat"))
    assert flow.shape == (224, 224, 20) and set(flow.ravel()) == {paper.FLOW_CODE_MEAN}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mat", "caffemodel", "flow caffemodel"])
def test_at_full_size_the_logits_are_the_same(tmp_path, kind):
    channels, k = (20, 1.0) if kind == "flow caffemodel" else (3, 2.0)
    net = files.weights(channels=channels, width=1, side=6, num_classes=1000)
    x = images(224, 1)
    if kind == "mat":
        path = files.write_mat(tmp_path / "net.mat", files.mat_layers(net), mean=MEAN)
        free = x - MEAN
    else:
        path = write_caffe(tmp_path, files.caffe_layers(net, k=k))
        free = (x - np.float32(paper.RGB_MEAN))[..., ::-1]
    if kind == "flow caffemodel":
        x = np.random.default_rng(2).uniform(-20, 20, (1, 224, 224, 20)).astype(np.float32)
        free = 255 * (x.astype(np.float64) + 20) / 40 - 128
    convert(path, tmp_path, recipes.SpatialRecipe())
    assert_logits(loaded(tmp_path), x, files.logits(net, planes(free), lrn=LRN | {"k": k}))
