"""Which networks fit into ours."""

import dataclasses

import foreign_files as files
import numpy as np
import pytest

from tf_twostream import models
from tf_twostream.commands import advice
from tf_twostream.foreign_weights import OtherNetworkError, caffe, fitting
from tf_twostream.paper import recipes


@pytest.fixture(scope="module")
def ours():
    """Our networks by what they are called here."""
    size = {"crop_size": files.CROP, "width": files.WIDTH}
    temporal = {"stack_length": 3, **size}
    all_recipes = {
        "spatial": recipes.SpatialRecipe(**size),
        "temporal": recipes.TemporalRecipe(**temporal),
        "twice normalised": recipes.TemporalRecipe(second_normalisation=True, **temporal),
    }
    return {name: models.build(recipe, 4) for name, recipe in all_recipes.items()}


@pytest.fixture
def fill(ours, tmp_path):
    """Puts changed layers of a foreign network into ours."""

    def read_change_and_fill(change, stream="spatial"):
        net = files.weights(channels=3 if stream == "spatial" else 6)
        path = tmp_path / "net.caffemodel"
        path.write_bytes(files.caffemodel(files.caffe_layers(net)))
        foreign = caffe.read(str(path))
        layers = {layer.name: layer for layer in foreign.layers}
        change(layers)
        changed = dataclasses.replace(foreign, layers=tuple(layers.values()))
        shift = np.zeros(net["conv1"][0].shape[1])
        return fitting.fill(
            ours[stream], changed, models.ARCHITECTURES["cnn_m"], scale=1, shift=shift
        )

    return read_change_and_fill


def settings(name, **values):
    def apply(layers):
        layers[name].settings.update(values)

    return apply


def weights(name, kernel=lambda kernel: kernel, bias=lambda bias: bias):
    def apply(layers):
        layer = layers[name]
        layers[name] = dataclasses.replace(
            layer, kernel=kernel(layer.kernel.copy()), bias=bias(layer.bias.copy())
        )

    return apply


def kind(name, value):
    def apply(layers):
        layers[name] = dataclasses.replace(layers[name], kind=value)

    return apply


def with_another_layer(layers):
    softmax = layers.pop("prob")
    layers.update(fc9=dataclasses.replace(layers["fc8"], name="fc9"), prob=softmax)


def with_nan(array):
    array.flat[3] = np.nan
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda layers: layers.pop("conv4"), r"after relu3 comes conv4 \(conv\).*relu4 \(relu\)"),
        (lambda layers: layers.pop("norm2"), r"after relu2 comes norm2 \(lrn\).*pool2 \(pool\)"),
        (lambda layers: [layers.pop(n) for n in ("fc8", "prob")], "classes.*the end of the file"),
        (with_another_layer, r"after fc8 comes nothing. Received: fc9 \(conv\)"),
        (lambda layers: layers.update(prob2=layers["prob"]), "nothing. Received: prob"),
        (kind("relu1", "'Sigmoid'"), r"conv1 comes relu1 \(relu\). Received: relu1 \('Sigmoid'"),
        (kind("norm1", "lrn within channels"), r"norm1 \(lrn\). Received: norm1 \(lrn within"),
        (settings("relu3", slope=0.1), r"relu3 must have slope=0 .*Received: slope=0.1"),
        (settings("norm1", n=3), "norm1 must have n=5 .*Received: n=3"),
        (settings("norm1", beta=0.5), "norm1 must have beta=0.75 .*Received: beta=0.5"),
        (settings("norm1", k=0.0), "k and alpha of norm1 must be positive"),
        (settings("norm1", alpha=np.nan), "k and alpha of norm1 must be positive"),
        (settings("pool1", method="average"), "pool1 must have method=max .*average"),
        (settings("pool1", size=(2, 2)), r"pool1 must have size=\(3, 3\) .*\(2, 2\)"),
        (settings("pool1", padding=(1, 1, 1, 1)), r"pool1 must have padding=\(0, 0, 0, 0\)"),
        (settings("pool2", padding=(0, 0, 0, 0)), r"pool2 must have padding=\(0, 1, 0, 1\)"),
        (settings("conv1", stride=(4, 4)), r"conv1 must have stride=\(2, 2\) .*\(4, 4\)"),
        (settings("conv2", padding=(2,) * 4), r"conv2 must have padding=\(1, 1, 1, 1\)"),
        (settings("conv2", groups=2), "conv2 must have groups=1 .*Received: groups=2"),
        (settings("conv2", dilation=(2, 2)), r"conv2 must have dilation=\(1, 1\) .*\(2, 2\)"),
        (weights("conv2", lambda w: w[:3]), r"conv2 must have kernel=\(5, 5, 5, 13\)"),
        (weights("conv4", lambda w: w[..., None]), r"Received: kernel=\(3, 3, 26, 26, 1\)"),
        (weights("fc7", bias=lambda b: b[:7]), r"fc7 must have biases=\(102,\).*\(7,\)"),
        (weights("conv5", with_nan), "finite. Received: NaN or infinity in conv5"),
        (weights("fc8", bias=lambda b: b * np.inf), "NaN or infinity in fc8"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_by_layer(fill, change, message):
    with pytest.raises(ValueError, match=message):
        fill(change)


def test_another_size_is_met_with_the_flags_of_the_size(fill):
    with pytest.raises(OtherNetworkError, match="CNN-M-2048") as caught:
        fill(weights("conv2", lambda w: w[:3]))
    assert "--width and --crop_size" in advice.advise(caught.value)


def test_as_many_normalisations_as_in_the_temporal_network_must_be_in_the_file(fill):
    with pytest.raises(ValueError, match=r"temporal.*after relu2 comes pool2.*norm2 \(lrn\)"):
        fill(lambda layers: None, stream="temporal")
    fill(lambda layers: layers.pop("norm2"), stream="temporal")
    with pytest.raises(ValueError, match=r"temporal.*after relu2 comes norm2.*pool2 \(pool\)"):
        fill(lambda layers: layers.pop("norm2"), stream="twice normalised")
    fill(lambda layers: None, stream="twice normalised")


def test_rows_that_add_no_output_do_not_matter(fill):
    # conv1 and pool2 give 43 and 5 pixels, an odd number; conv2 gives 10.
    for name, padding in (
        ("pool1", (0, 1, 0, 0)),
        ("pool5", (0, 0, 0, 1)),
        ("pool2", (0, 2, 0, 1)),
    ):
        fill(settings(name, padding=padding))


def test_the_softmax_may_be_missing(fill):
    assert fill(lambda layers: layers.pop("prob")) == []
