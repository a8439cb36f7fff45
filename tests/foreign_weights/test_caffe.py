"""Reading .caffemodel and .binaryproto files."""

import foreign_files as files
import numpy as np
import pytest

from tf_twostream.commands import advice
from tf_twostream.foreign_weights import (
    ForeignFileError,
    OtherFormError,
    OtherNetworkError,
    caffe,
    network,
)


@pytest.fixture
def read(tmp_path):
    def write_and_read(layers, **how):
        path = tmp_path / "net.caffemodel"
        path.write_bytes(layers if isinstance(layers, bytes) else files.caffemodel(layers, **how))
        return caffe.read(str(path))

    return write_and_read


def index(layers, name):
    return [layer["name"] for layer in layers].index(name)


def parameter(layers, name, number, value):
    """Sets a field of a layer's parameters."""
    layer = layers[index(layers, name)]
    rest = [pair for pair in layer["parameters"] if pair[0] != number]
    layer["parameters"] = [*rest, (number, value)]


@pytest.mark.parametrize("old", [False, True])
def test_layers_come_in_order_with_their_settings(read, net, old):
    foreign = read(files.caffe_layers(net, k=2.0), old=old)
    kinds = [layer.kind for layer in foreign.layers]
    assert " ".join(kinds) == (
        "conv relu lrn pool conv relu lrn pool conv relu conv relu conv relu pool "
        "conv relu conv relu conv softmax"
    )
    assert foreign.is_bgr and foreign.mean is None and foreign.notes == ()
    conv2, norm2, pool2 = foreign.layers[4], foreign.layers[6], foreign.layers[7]
    assert conv2.settings == network.PLAIN | {"stride": (2, 2), "padding": (1, 1, 1, 1)}
    np.testing.assert_array_equal(conv2.kernel, net["conv2"][0].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(conv2.bias, net["conv2"][1])
    assert (norm2.settings["n"], norm2.settings["k"]) == (5, 2)
    np.testing.assert_allclose(norm2.settings["alpha"], 1e-4)  # Divided by n.
    # Rounding up is a row more at the end.
    assert pool2.settings["padding"] == (0, 1, 0, 1) and pool2.settings["method"] == "max"


def test_full6_is_reordered_from_channel_first(read):
    net = files.weights(width=0.01, side=3)
    fc6 = read(files.caffe_layers(net)).layers[15]
    assert fc6.name == "fc6" and fc6.kernel.shape == (3, 3, 5, 41)
    np.testing.assert_array_equal(fc6.kernel, net["fc6"][0].transpose(2, 3, 1, 0))


def test_layers_of_training_are_left_out(read, net):
    layers = files.caffe_layers(net)[:-1]
    data = {"name": "data", "type": "Data", "parameters": [], "blobs": []}
    loss = {"name": "loss", "type": "SoftmaxWithLoss", "parameters": [], "blobs": []}
    layers.insert(0, data | {"bottoms": [], "tops": ["data", "label"]})
    layers.append(loss | {"bottoms": ["fc8", "label"], "tops": ["loss"]})
    assert len(read(layers).layers) == 20


def test_directions_may_have_their_own_fields(read, net):
    layers = files.caffe_layers(net)
    for number, value in ((13, 2), (14, 3), (9, 4), (10, 5)):
        parameter(layers, "conv3", number, value)
    settings = read(layers).layers[8].settings
    assert settings == network.PLAIN | {"stride": (2, 3), "padding": (4, 4, 5, 5)}


def test_pooling_that_rounds_down_adds_nothing(read, net):
    layers = files.caffe_layers(net)
    parameter(layers, "pool2", 13, 1)
    assert read(layers).layers[7].settings["padding"] == (0, 0, 0, 0)


def test_a_k_left_out_is_one_and_said(read, net):
    foreign = read(files.caffe_layers(net, k=None))
    assert [layer.settings["k"] for layer in foreign.layers if layer.kind == "lrn"] == [1, 1]
    assert "leaves out k of norm1, norm2" in foreign.notes[0]


def split_in_two(layers):
    layers[index(layers, "conv4")]["bottoms"] = ["pool1"]


def without_bias(layers):
    layers[index(layers, "conv3")]["blobs"].pop()


def not_square(layers):
    layer = layers[index(layers, "fc6")]
    layer["blobs"][0] = np.zeros((41, 7), np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (split_in_two, "conv4, which takes pool1 instead of conv3"),
        (without_bias, r"conv3 must have weights and biases. Received: 1 arrays"),
        (not_square, r"fc6 must have weights \[C_out, 5 \* H \* W\].*\[41, 7\]"),
        (lambda layers: parameter(layers, "fc7", 6, 1), "fc7 must have.*transposed"),
    ],
)
def test_what_is_not_as_expected_is_named(read, net, change, message):
    layers = files.caffe_layers(net)
    change(layers)
    with pytest.raises(OtherNetworkError, match=f"net.caffemodel cannot be converted. .*{message}"):
        read(layers)


def test_what_only_ours_cannot_do_is_read_for_the_fitting_to_refuse(read, net):
    layers = files.caffe_layers(net)
    parameter(layers, "conv2", 5, 2)
    parameter(layers, "conv3", 18, 2)
    parameter(layers, "norm1", 4, 1)
    layers[1]["type"] = "Sigmoid"
    foreign = {layer.name: layer for layer in read(layers).layers}
    assert foreign["conv2"].settings["groups"] == 2
    assert foreign["conv3"].settings["dilation"] == (2, 2)
    assert (foreign["norm1"].kind, foreign["relu1"].kind) == ("lrn within channels", "'Sigmoid'")


@pytest.mark.parametrize("old", [False, True])
def test_a_cut_off_file_is_refused_wherever_it_ends(net, tmp_path, old):
    data = files.caffemodel(files.caffe_layers(net), old=old)
    path = tmp_path / "cut.caffemodel"
    for length in [*range(60), *range(60, len(data), len(data) // 50)]:
        path.write_bytes(data[:length])
        with pytest.raises(
            (ForeignFileError, OtherNetworkError),
            match="cut.caffemodel (must be a whole|cannot be .* must hold layers with weights)",
        ):
            caffe.read(str(path))


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body>404</body></html>",
        b"\x89HDF\r\n\x1a\n" + b"\0" * 90,
        b'name: "VGG_CNN_M_2048"\nlayers {',
        b"\x80\x04\x95cbuiltins\neval\n",
    ],
)
def test_another_kind_of_file_is_refused(read, data):
    with pytest.raises(ForeignFileError, match="must be a whole .caffemodel") as caught:
        read(data)
    assert "another kind of file" in advice.advise(caught.value)


def test_an_empty_file_is_refused(read):
    with pytest.raises(OtherNetworkError, match="layers with weights. Received: 0 layers"):
        read(b"")


def test_the_format_before_2014_is_refused_with_the_way_out(read):
    oldest = files.message([(2, files.message([(1, files.message([(1, "conv1")]))]))])
    with pytest.raises(OtherFormError, match="format of 2014 or later") as caught:
        read(oldest)
    assert "upgrade_net_proto_binary" in advice.advise(caught.value)


@pytest.mark.parametrize(
    ("shape", "count"),
    [((1, 2, 3), 5), ((2**62, 2**62, 0), 0), ((2**63, 2), 0), ((1,) * 9, 1), ((), 0), ((0,), 0)],
)
def test_dimensions_that_the_numbers_do_not_fill_are_refused(tmp_path, shape, count):
    sizes = files.message([(1, b"".join(map(files.varint, shape)))])
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(files.message([(7, sizes), (5, np.zeros(count, "<f4").tobytes())]))
    with pytest.raises(ForeignFileError, match="must be a whole .binaryproto of Caffe"):
        caffe.read_mean(str(path))


@pytest.mark.parametrize("old", [False, True])
def test_a_mean_image_is_read_rows_first(tmp_path, old):
    mean = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(files.blob(mean, old=old))
    np.testing.assert_array_equal(caffe.read_mean(str(path)), mean[0].transpose(1, 2, 0))


def test_a_mean_without_three_axes_is_refused(tmp_path):
    (tmp_path / "mean.binaryproto").write_bytes(files.blob(np.zeros((2, 3, 4, 5))))
    with pytest.raises(ForeignFileError, match=r"the axes \[2, 3, 4, 5\] instead of three"):
        caffe.read_mean(str(tmp_path / "mean.binaryproto"))


def test_random_damage_is_refused_or_read(net, tmp_path):
    data = files.caffemodel(files.caffe_layers(net))
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged.caffemodel"
    refused = 0
    for _ in range(60):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), 3):
            damaged[at] = rng.integers(256)
        damaged[int(rng.integers(200))] ^= 0xFF
        path.write_bytes(damaged)
        try:
            caffe.read(str(path))
        except ValueError:
            refused += 1
    assert refused > 10
