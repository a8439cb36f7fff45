"""A network by itself, and as a file of LiteRT."""

import dataclasses
import warnings

import numpy as np
import pytest
import trained

from tf_twostream.evaluation import network_files
from tf_twostream.paper import recipes


def interpreter(path):
    """The runtime as a package of its own or, where this is missing, as a part of TensorFlow."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tensorflow.lite.python.interpreter import Interpreter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow says that its own one will end.
        return Interpreter(str(path))


@pytest.mark.parametrize("number", [0, 1])
def test_litert_computes_the_same_scores(drawn_pair, tmp_path, number):
    network = network_files.network(drawn_pair[number])
    network_files.write_litert(network, str(tmp_path / "it.tflite"))
    images = np.random.default_rng(0).uniform(0, 9, (3, *network.input.shape[1:])).astype("f4")
    run = interpreter(tmp_path / "it.tflite").get_signature_runner("serving_default")
    [name] = run.get_input_details()
    assert name == ("rgb", "volume")[number]
    wanted = network(images).numpy()
    assert np.ptp(wanted) > 0.01
    np.testing.assert_allclose(run(**{name: images})["scores"], wanted, atol=1e-5)


def test_a_network_of_bfloat16_is_written_in_float32(drawn_pair):
    recipe = dataclasses.replace(drawn_pair[0].recipe, precision="bfloat16")
    network = network_files.network(dataclasses.replace(drawn_pair[0], recipe=recipe))
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def test_where_a_video_may_show_several_classes_scores_are_sigmoids(drawn_pair):
    split = dataclasses.replace(drawn_pair[0].split, multi_label=True)
    run = dataclasses.replace(drawn_pair[0], tasks=(trained.task_of(split),))
    image = np.full((1, 41, 41, 3), 99, np.float32)
    several, single = (network_files.network(own)(image).numpy() for own in (run, drawn_pair[0]))
    odds = several / (1 - several)
    np.testing.assert_allclose(odds / odds.sum(), single, rtol=1e-4)


def test_two_kinds_of_scores_are_refused(drawn_pair, monkeypatch):
    class Model:
        output = {"spatial": 0, "temporal": 1}

    monkeypatch.setattr(network_files.runs, "load_model", lambda run: (Model, 0))
    with pytest.raises(ValueError, match="of spatial and temporal"):
        network_files.network(drawn_pair[0])


def test_what_a_volume_is_made_of_is_described(drawn_pair):
    assert network_files.describe(drawn_pair[0]) == {
        "shorter_side": 48, "crop_size": 41, "window_length": 1, "mirroring": True,
    }  # fmt: skip
    said = network_files.describe(drawn_pair[1])
    assert said["flow"]["method"] == "dis" and said["window_length"] == 3
    recipe = recipes.TemporalRecipe(stack_length=4, stacking="trajectory", bidirectional=True)
    said = network_files.describe(dataclasses.replace(drawn_pair[1], recipe=recipe))
    assert (said["stacking"], said["bidirectional"]) == ("trajectory", True)
