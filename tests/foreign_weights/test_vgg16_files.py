"""Converted VGG-16 networks compute what the files' networks compute."""

import foreign_files as files
import foreign_vgg as vgg
import h5py
import numpy as np
import pytest
import torch_files
import trained

from tf_twostream import paper, runs
from tf_twostream.foreign_weights import (
    DescriptionError,
    ForeignFileError,
    OtherNetworkError,
    conversion,
    knobs,
    vgg16_files,
)
from tf_twostream.paper import recipes

MEAN = np.float32(paper.RGB_MEAN)


@pytest.fixture(scope="module")
def net():
    return vgg.weights()


@pytest.fixture
def convert(tmp_path):
    """Converts a file; returns the conversion and the network that is read back."""

    def call(path, **options):
        converted = conversion.convert(
            knobs.ForeignFile(weights=str(path), run_dir=str(tmp_path / "run"), **options),
            shape=recipes.SpatialRecipe(width=vgg.WIDTH, crop_size=vgg.CROP),
            settings=trained.SETTINGS,
        )
        return converted, runs.load_model(runs.load(str(tmp_path / "run")))[0]

    return call


def images():
    """`[B, H, W, 3]` float32 RGB: smooth, as photographs are, and not grey."""
    coarse = np.random.default_rng(1).uniform(0, 255, (2, 8, 8, 3))
    return coarse.repeat(8, 1).repeat(8, 2).astype(np.float32)


def planes(x):
    return x.transpose(0, 3, 1, 2)


def assert_logits(model, wanted, tolerance=1e-4):
    assert np.ptp(wanted) > 1  # Else agreement to 1e-4 would say little.
    np.testing.assert_allclose(model(images()).numpy(), wanted, atol=tolerance)


def test_a_file_of_keras_takes_bgr_and_gives_the_same_logits(net, convert, tmp_path):
    converted, model = convert(vgg.write_keras(tmp_path / "net.h5", net))
    assert converted.run.recipe.architecture == "vgg16"
    assert_logits(model, vgg.logits(net, planes((images() - MEAN)[..., ::-1])))


def test_a_file_of_torchvision_takes_rgb_by_its_deviation(net, convert, tmp_path):
    converted, model = convert(vgg.write_torch(tmp_path / "net.pth", net))
    assert any("torchvision's mean colour" in note for note in converted.notes)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    # At the border ours pads with our mean colour, which is not exactly torchvision's.
    wanted = vgg.logits(net, planes((images() / 255 - mean) / deviation))
    assert_logits(model, wanted, tolerance=0.05)


def test_a_file_of_torchvision_is_exact_but_for_the_border(net, convert, tmp_path, monkeypatch):
    monkeypatch.setattr(vgg16_files, "TORCH_MEAN", tuple(MEAN / 255))
    _, model = convert(vgg.write_torch(tmp_path / "net.pth", net))
    deviation = np.array([0.229, 0.224, 0.225])
    assert_logits(model, vgg.logits(net, planes((images() - MEAN) / 255 / deviation)))


def test_a_file_of_caffe_gives_the_same_logits(net, convert, tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(files.caffemodel(vgg.caffe_layers(net)))
    _, model = convert(path)
    assert_logits(model, vgg.logits(net, planes((images() - MEAN)[..., ::-1])))


def test_a_file_of_matconvnet_gives_the_same_logits(net, convert, tmp_path):
    path = files.write_mat(tmp_path / "net.mat", vgg.mat_layers(net), mean=MEAN[None, None])
    _, model = convert(path)
    assert_logits(model, vgg.logits(net, planes(images() - MEAN)))


def test_without_its_full_layers_the_convolutions_are_taken(net, convert, tmp_path):
    converted, model = convert(vgg.write_keras(tmp_path / "net.h5", net, notop=True))
    assert any("start afresh" in note for note in converted.notes)
    kernel = model.get_layer("conv5_3").kernel.numpy()
    np.testing.assert_array_equal(kernel, net["conv5_3"][0].transpose(2, 3, 1, 0))
    assert model.output_shape == (None, 2)


def test_names_are_in_their_natural_order(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for number in (10, 9):
            file[f"block1/layers/conv2d_{number}/vars/0"] = np.full((3, 3, 1, 1), number)
            file[f"block1/layers/conv2d_{number}/vars/1"] = np.zeros(1)
    with pytest.raises(OtherNetworkError, match="must have 13 convolutions .* Received: 2 and 0"):
        vgg16_files.read_keras(str(path))
    found = {"a.10.weight": np.zeros((1, 1)), "a.10.bias": np.ones(1)}
    found |= {"a.9.weight": np.zeros((2, 2)), "a.9.bias": np.ones(2)}
    assert [len(bias) for _, bias in vgg16_files._pairs(found)] == [2, 1]


@pytest.mark.parametrize("missing", ["conv3_2", "fc7"])
def test_a_network_without_a_layer_is_refused(net, tmp_path, missing):
    path = vgg.write_keras(tmp_path / "net.h5", net)
    with h5py.File(path, "a") as file:
        del file["block3_conv2" if missing == "conv3_2" else "fc2"]
    with pytest.raises(OtherNetworkError, match=r"net\.h5 cannot be converted. VGG-16 must have"):
        vgg16_files.read_keras(str(path))


def test_full_layers_that_see_no_square_are_refused(tmp_path):
    net = dict(vgg.weights())
    kernel, bias = net["fc6"]
    net["fc6"] = kernel.reshape(len(bias), -1, 1, 1)[:, :-1], bias
    for path, read in (
        (vgg.write_keras(tmp_path / "net.h5", net), vgg16_files.read_keras),
        (vgg.write_torch(tmp_path / "net.pth", net), vgg16_files.read_torch),
    ):
        with pytest.raises(OtherNetworkError, match="must see squares"):
            read(str(path))


def test_tensors_that_are_no_layers_are_refused(tmp_path):
    path = tmp_path / "a.pth"
    content = {"a.weight": torch_files.Tensor("0", "FloatStorage", 2, (2,))}
    path.write_bytes(torch_files.zip_form(content, {"0": np.zeros(2, np.float32)}))
    with pytest.raises(OtherNetworkError, match="a must be a kernel and a bias"):
        vgg16_files.read_torch(str(path))


@pytest.mark.parametrize("cut", [8, 100, 2000])
def test_a_damaged_file_of_keras_is_refused(net, tmp_path, cut):
    path = vgg.write_keras(tmp_path / "net.h5", net)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ForeignFileError, match="must be a whole HDF5 file of Keras"):
        vgg16_files.read_keras(str(path))


def test_what_other_files_say_of_normalisations_is_refused(net, convert, tmp_path):
    with pytest.raises(DescriptionError, match="`lrn_k` must be left out but for a .caffemodel"):
        convert(vgg.write_keras(tmp_path / "net.h5", net), lrn_k=2.0)


def test_numbers_that_are_not_in_the_file_are_refused(tmp_path):
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("block1_conv1/kernel", (1 << 30,), "u1", chunks=(1 << 20,))
    with pytest.raises(ForeignFileError, match="whose numbers are not all in the file"):
        vgg16_files.read_keras(str(path))
