"""The one form that networks of all programs take."""

import foreign_files as files
import numpy as np
import pytest

from tf_twostream.foreign_weights import OtherNetworkError, caffe, matconvnet, network


@pytest.fixture
def networks(net, tmp_path):
    """The same network, read from a file of Caffe and from one of MatConvNet."""
    path = tmp_path / "net.caffemodel"
    path.write_bytes(files.caffemodel(files.caffe_layers(net, k=2.0)))
    mat = files.write_mat(tmp_path / "net.mat", files.mat_layers(net))
    return caffe.read(str(path)), matconvnet.read(mat)


def test_one_network_reads_the_same_from_both_programs(networks):
    for ours, theirs in zip(*(foreign.layers for foreign in networks), strict=True):
        assert (ours.name, ours.kind) == (theirs.name, theirs.kind)
        for name in ours.settings.keys() | theirs.settings.keys():
            if (ours.kind, name) != ("pool", "padding"):  # Caffe's is where rounding up may lead.
                assert ours.settings[name] == pytest.approx(theirs.settings[name]), ours.name


def test_weights_are_rows_columns_inputs_outputs_in_both(networks, net):
    for foreign in networks:
        read = {layer.name: layer for layer in foreign.layers if layer.kind == "conv"}
        assert read.keys() == net.keys()
        for name, (kernel, bias) in net.items():
            np.testing.assert_array_equal(read[name].kernel, kernel.transpose(2, 3, 1, 0))
            np.testing.assert_array_equal(read[name].bias, bias)


def test_only_convolutions_have_weights(networks):
    for layer in (layer for foreign in networks for layer in foreign.layers):
        has_weights = layer.kernel is not None, layer.bias is not None
        assert has_weights == (layer.kind == "conv",) * 2


def test_a_network_knows_its_channels_and_classes(networks):
    for foreign in networks:
        assert (foreign.input_channels, foreign.num_classes) == (3, 4)


def test_a_network_without_weights_is_refused():
    layers = (network.Layer("relu1", "relu", {"slope": 0}),)
    with pytest.raises(OtherNetworkError, match="layers with weights. Received: 1 layers without"):
        network.ForeignNetwork(layers, is_bgr=False)
