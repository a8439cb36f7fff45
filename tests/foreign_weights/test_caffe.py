"""Reading .caffemodel and .binaryproto files."""

import numpy as np
import pytest

from tf_twostream.foreign_weights import caffe


@pytest.fixture
def read(tmp_path, files):
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
def test_layers_come_in_order_with_their_settings(read, files, net, old):
    foreign = read(files.caffe_layers(net, k=2.0), old=old)
    kinds = [layer.kind for layer in foreign.layers]
    assert " ".join(kinds) == (
        "conv relu lrn pool conv relu lrn pool conv relu conv relu conv relu pool "
        "conv relu conv relu conv softmax"
    )
    assert foreign.is_bgr and foreign.mean is None and foreign.notes == ()
    conv2, norm2, pool2 = foreign.layers[4], foreign.layers[6], foreign.layers[7]
    assert conv2.settings == {"stride": (2, 2), "padding": (1, 1, 1, 1)}
    np.testing.assert_array_equal(conv2.kernel, net["conv2"][0].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(conv2.bias, net["conv2"][1])
    assert (norm2.settings["n"], norm2.settings["k"]) == (5, 2)
    np.testing.assert_allclose(norm2.settings["alpha"], 1e-4)  # Divided by n.
    # Rounding up is a row more at the end.
    assert pool2.settings["padding"] == (0, 1, 0, 1) and pool2.settings["method"] == "max"


def test_full6_is_reordered_from_channel_first(read, files):
    net = files.weights(width=0.01, side=3)
    fc6 = read(files.caffe_layers(net)).layers[15]
    assert fc6.name == "fc6" and fc6.kernel.shape == (3, 3, 5, 41)
    np.testing.assert_array_equal(fc6.kernel, net["fc6"][0].transpose(2, 3, 1, 0))


def test_layers_of_training_are_left_out(read, files, net):
    layers = files.caffe_layers(net)[:-1]
    data = {"name": "data", "type": "Data", "parameters": [], "blobs": []}
    loss = {"name": "loss", "type": "SoftmaxWithLoss", "parameters": [], "blobs": []}
    layers.insert(0, data | {"bottoms": [], "tops": ["data", "label"]})
    layers.append(loss | {"bottoms": ["fc8", "label"], "tops": ["loss"]})
    assert len(read(layers).layers) == 20


def test_directions_may_have_their_own_fields(read, files, net):
    layers = files.caffe_layers(net)
    for number, value in ((13, 2), (14, 3), (9, 4), (10, 5)):
        parameter(layers, "conv3", number, value)
    settings = read(layers).layers[8].settings
    assert settings == {"stride": (2, 3), "padding": (4, 4, 5, 5)}


def test_pooling_that_rounds_down_adds_nothing(read, files, net):
    layers = files.caffe_layers(net)
    parameter(layers, "pool2", 13, 1)
    assert read(layers).layers[7].settings["padding"] == (0, 0, 0, 0)


def test_a_k_left_out_is_one_and_said(read, files, net):
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
        (not_square, r"fc6 must have weights \[C_out, C_in \* H \* W\].*C_in = 5.*\[41, 7\]"),
        (lambda layers: parameter(layers, "conv2", 5, 2), r"conv2 must be.*2 groups"),
        (lambda layers: parameter(layers, "conv2", 18, 2), "conv2 must be.*without dilation"),
        (lambda layers: parameter(layers, "norm1", 4, 1), "norm1 must normalise across channels"),
        (lambda layers: parameter(layers, "fc7", 6, 1), "fc7 must have.*transposed"),
        (lambda layers: layers[1].update(type="Sigmoid"), "relu1, Sigmoid"),
    ],
)
def test_what_ours_cannot_do_is_named(read, files, net, change, message):
    layers = files.caffe_layers(net)
    change(layers)
    with pytest.raises(ValueError, match=message):
        read(layers)


@pytest.mark.parametrize("old", [False, True])
def test_a_cut_off_file_is_refused_wherever_it_ends(files, net, tmp_path, old):
    data = files.caffemodel(files.caffe_layers(net), old=old)
    path = tmp_path / "cut.caffemodel"
    for length in [*range(60), *range(60, len(data), len(data) // 50)]:
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match="must be a whole|must hold layers with weights"):
            caffe.read(str(path))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 layers"),
        (b"<html><body>404</body></html>", "another kind of file"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 90, "another kind of file"),
        (b'name: "VGG_CNN_M_2048"\nlayers {', "another kind of file"),
        (b"\x80\x04\x95cbuiltins\neval\n", "another kind of file"),
    ],
)
def test_another_kind_of_file_is_refused(read, data, message):
    with pytest.raises(ValueError, match=message):
        read(data)


def test_the_format_before_2014_is_refused_with_the_way_out(read, files):
    with pytest.raises(ValueError, match="upgrade_net_proto_binary"):
        read(files.message([(2, files.message([(1, files.message([(1, "conv1")]))]))]))


@pytest.mark.parametrize(
    ("shape", "count"),
    [((1, 2, 3), 5), ((2**62, 2**62, 0), 0), ((2**63, 2), 0), ((1,) * 9, 1), ((), 0), ((0,), 0)],
)
def test_dimensions_that_the_numbers_do_not_fill_are_refused(tmp_path, files, shape, count):
    sizes = files.message([(1, b"".join(map(files.varint, shape)))])
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(files.message([(7, sizes), (5, np.zeros(count, "<f4").tobytes())]))
    with pytest.raises(ValueError, match="must be a .binaryproto file"):
        caffe.read_mean(str(path))


@pytest.mark.parametrize("old", [False, True])
def test_a_mean_image_is_read_rows_first(tmp_path, files, old):
    mean = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(files.blob(mean, old=old))
    np.testing.assert_array_equal(caffe.read_mean(str(path)), mean[0].transpose(1, 2, 0))


def test_a_mean_without_three_axes_is_refused(tmp_path, files):
    (tmp_path / "mean.binaryproto").write_bytes(files.blob(np.zeros((2, 3, 4, 5))))
    with pytest.raises(ValueError, match=r"three axes. Received: \[2, 3, 4, 5\]"):
        caffe.read_mean(str(tmp_path / "mean.binaryproto"))


def test_random_damage_is_refused_or_read(files, net, tmp_path):
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
