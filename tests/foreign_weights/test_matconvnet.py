"""Reading .mat files."""

import foreign_files as files
import numpy as np
import pytest
import scipy.io

from tf_twostream.commands import advice
from tf_twostream.foreign_weights import OtherFormError, OtherNetworkError, matconvnet, network


@pytest.fixture
def read(tmp_path):
    def write_and_read(layers, **variables):
        return matconvnet.read(files.write_mat(tmp_path / "net.mat", layers, **variables))

    return write_and_read


def index(layers, name):
    return [layer["name"] for layer in layers].index(name)


@pytest.mark.parametrize("old", [False, True])
def test_layers_come_in_order_with_their_settings(read, net, old):
    mean = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    foreign = read(files.mat_layers(net, old=old), mean=mean, names=("a", "b"), old=old)
    kinds = [layer.kind for layer in foreign.layers]
    assert " ".join(kinds) == (
        "conv relu lrn pool conv relu lrn pool conv relu conv relu conv relu pool "
        "conv relu conv relu conv softmax"
    )
    conv2, norm2, pool2 = foreign.layers[4], foreign.layers[6], foreign.layers[7]
    assert conv2.settings == network.PLAIN | {"stride": (2, 2), "padding": (1, 1, 1, 1)}
    np.testing.assert_array_equal(conv2.kernel, net["conv2"][0].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(conv2.bias, net["conv2"][1])
    assert norm2.settings == {"n": 5, "k": 2, "alpha": 1e-4, "beta": 0.75}
    assert pool2.settings["padding"] == (0, 1, 0, 1) and pool2.settings["method"] == "max"
    np.testing.assert_array_equal(foreign.mean, mean)
    assert foreign.class_names == ("n00000000 a", "n00000001 b") and not foreign.is_bgr


def test_a_file_may_say_nothing_but_the_layers(tmp_path, net):
    scipy.io.savemat(tmp_path / "net.mat", {"layers": files.cells(files.mat_layers(net))})
    foreign = matconvnet.read(str(tmp_path / "net.mat"))
    assert foreign.mean is None and foreign.class_names == () and len(foreign.layers) == 21


def test_dropout_is_left_out(read, net):
    layers = files.mat_layers(net)
    layers.insert(index(layers, "fc7"), {"name": "drop6", "type": "dropout", "rate": 0.5})
    assert len(read(layers).layers) == 21


def test_one_length_stands_for_all(read, net):
    layers = files.mat_layers(net)
    layers[index(layers, "conv3")].update(stride=2.0, pad=3.0)
    settings = read(layers).layers[8].settings
    assert settings == network.PLAIN | {"stride": (2, 2), "padding": (3, 3, 3, 3)}


def change(name, **values):
    def apply(layers):
        layers[index(layers, name)].update(values)

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change("norm1", param=[5.0, 2, 1e-4]), "`param` of layer norm1 must hold 4 numbers"),
        (change("conv3", stride=[[1.0, 1, 1]]), "`stride` of layer conv3 must hold 2"),
        (change("conv3", weights="none"), "`weights` of layer conv3 must be a cell array"),
        (
            change("conv3", weights=np.zeros((1, 3), object)),
            ".*conv3 .*Received: 3 cells",
        ),
        (change("pool2", method=3.0), "`method` of layer pool2 must be a text"),
        (
            change("relu1", type=np.eye(9)),
            r"The type of layer relu1 .*: array\(\[\[1., 0., 0[^\n]*\.$",
        ),
        (change("pool2", pool="three"), "`pool` of layer pool2 must be numbers"),
        (change("conv3", type=1.0), "The type of layer conv3 must be a text"),
        (lambda layers: layers.insert(3, "text"), "Layer 3 must be a struct"),
    ],
)
def test_what_is_not_as_expected_is_named(read, net, damage, message):
    layers = files.mat_layers(net)
    damage(layers)
    with pytest.raises(OtherNetworkError, match=f"net.mat cannot be converted. {message}"):
        read(layers)


def test_what_only_ours_cannot_do_is_read_for_the_fitting_to_refuse(read, net):
    layers = files.mat_layers(net)
    layers[index(layers, "conv3")]["dilate"] = 2.0
    layers[index(layers, "relu1")]["type"] = "sigmoid"
    layers[index(layers, "conv4")]["weights"][0, 0] = np.zeros((3, 3, 5, 5, 2), np.float32)
    foreign = {layer.name: layer for layer in read(layers).layers}
    assert foreign["conv3"].settings["dilation"] == (2, 2)
    assert foreign["conv4"].kernel.shape == (3, 3, 5, 5, 2)
    assert foreign["relu1"].kind == "'sigmoid'"


def test_a_file_without_layers_says_what_it_has(tmp_path):
    scipy.io.savemat(tmp_path / "net.mat", {"net": {"layers": 1.0}})
    with pytest.raises(OtherFormError, match="`layers`. Received: .*net.mat with net") as caught:
        matconvnet.read(str(tmp_path / "net.mat"))
    assert "save('it.mat', '-struct', 'net')" in advice.advise(caught.value)


def test_a_flow_network_is_refused(read):
    net = files.weights(channels=20, width=0.01, side=1)
    with pytest.raises(ValueError, match="3 channels.*Received: 20"):
        read(files.mat_layers(net))


def test_layers_without_weights_are_refused(read, net):
    with pytest.raises(ValueError, match="layers with weights. Received: 1 layers without"):
        read([files.mat_layers(net)[1]])


def test_a_mean_image_has_a_name(tmp_path):
    path = str(tmp_path / "mean.mat")
    mean = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    scipy.io.savemat(path, {"image_mean": mean})
    np.testing.assert_array_equal(matconvnet.read_mean(path), mean)
    scipy.io.savemat(path, {"mean": mean})
    with pytest.raises(ValueError, match="`image_mean`. Received: .*mean.mat with mean"):
        matconvnet.read_mean(path)
    scipy.io.savemat(path, {"image_mean": "grey"})
    with pytest.raises(OtherNetworkError, match="must be numbers. Received: 'grey'"):
        matconvnet.read_mean(path)
