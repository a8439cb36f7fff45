"""Networks as files of ONNX, run by OpenCV and, where it is installed, by onnxruntime."""

import importlib.util

import cv2
import keras
import numpy as np
import pytest

from tf_twostream import models
from tf_twostream.evaluation import onnx_files
from tf_twostream.paper import recipes

SMALL = {"width": 0.05, "crop_size": 41}
RECIPES = {
    "cnn_m": recipes.TemporalRecipe(stack_length=2, **SMALL),
    "vgg16": recipes.SpatialRecipe(architecture="vgg16", **SMALL),
    "efficientnet_lite0": recipes.TemporalRecipe(
        architecture="efficientnet_lite0", batch_norm="first", stack_length=2, **SMALL
    ),
}


def lively(recipe):
    """A network whose biases, statistics and classes are drawn, too, so that each counts."""
    model = models.build(recipe, 5)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if len(weight.shape) == 1 and weight.dtype == "float32":
            weight.assign(rng.uniform(0.5, 1.0, weight.shape))
    model.get_layer(models.LAST_LAYER).kernel.assign(
        rng.normal(0, 0.1, model.layers[-1].kernel.shape)
    )
    scores = keras.layers.Activation("softmax", name="scores")(model.output)
    return keras.Model(model.input, scores)


@pytest.mark.parametrize("name", RECIPES)
def test_other_runtimes_compute_the_same_scores(name, tmp_path):
    pytest.importorskip("onnx")
    recipe, path = RECIPES[name], str(tmp_path / "network.onnx")
    model = lively(recipe)
    onnx_files.write(model, path)
    images = np.random.default_rng(1).uniform(-4, 4, (3, *model.input.shape[1:]))
    images = (images if recipe.sees_flow else 128 + 30 * images).astype(np.float32)
    wanted = model(images).numpy()
    assert np.ptp(wanted) > 0.01
    network = cv2.dnn.readNetFromONNX(path)
    network.setInput(images)
    np.testing.assert_allclose(network.forward(), wanted, atol=1e-5)
    if importlib.util.find_spec("onnxruntime"):
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        [given] = session.get_inputs()
        assert (given.name, given.shape) == (model.input.name, ["B", 41, 41, images.shape[-1]])
        np.testing.assert_allclose(
            session.run(["scores"], {given.name: images})[0], wanted, atol=1e-5
        )


def test_the_file_is_valid(tmp_path):
    onnx = pytest.importorskip("onnx")
    onnx_files.write(lively(RECIPES["cnn_m"]), str(tmp_path / "network.onnx"))
    onnx.checker.check_model(str(tmp_path / "network.onnx"), full_check=True)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (keras.layers.Conv2DTranspose(3, 3, name="up"), "up, Conv2DTranspose, of net"),
        (keras.layers.Conv2D(3, 3, activation="gelu", name="soft"), "gelu, of soft"),
    ],
)
def test_a_layer_that_cannot_be_written_is_named(layer, said, tmp_path):
    pytest.importorskip("onnx")
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, keras.layers.Flatten()(layer(image)), name="net")
    with pytest.raises(onnx_files.UnsupportedLayerError, match=said):
        onnx_files.write(model, str(tmp_path / "network.onnx"))
    assert not list(tmp_path.iterdir())


def test_writing_needs_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(onnx_files.NoOnnxError, match="by the package onnx"):
        onnx_files.write(keras.Model(), str(tmp_path / "network.onnx"))
