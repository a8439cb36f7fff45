"""Two joined towers from the store to the scores."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
import trained
from tensorboard.backend.event_processing import event_accumulator

from tf_twostream import inputs, runs, store
from tf_twostream.evaluation import export, scoring
from tf_twostream.models import conv_fusion
from tf_twostream.paper import testing
from tf_twostream.scores import score_files
from tf_twostream.training import devices


@pytest.fixture(scope="module")
def recipe(join):
    """Two towers that are kept, of a clip of two snippets."""
    return join(
        temporal_fusion="3d_conv_3d_pool",
        keep_temporal_tower=True,
        num_snippets=2,
        batch_size=4,
        num_iterations=4,
        learning_rate=1e-2,
    )


@pytest.fixture(scope="module")
def whole(recipe, tiny_store, tiny_source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return trained.train(tiny_source, tiny_store[0], folder, recipe, checkpoint_every=2)


def numbers(model):
    """The weights of a network; the states of its dropout masks are none."""
    return [v.numpy() for v in model.weights if v.dtype == "float32"]


def test_only_what_follows_the_fusion_changes(whole, recipe):
    after = numbers(runs.load_model(whole)[0])
    model = runs.build_model(whole)
    runs.start_towers(model, whole)
    before = numbers(model)
    conv_fusion.freeze(model, recipe)
    learnt = {id(variable) for variable in model.trainable_variables}
    learns = [id(v) in learnt for v in model.weights if v.dtype == "float32"]
    same = [np.array_equal(*pair) for pair in zip(before, after, strict=True)]
    assert all(is_same for is_same, does in zip(same, learns) if not does)
    # The bank, and three layers of each tower: of every one the kernel changes.
    changed = [b.ndim > 1 for b, is_same in zip(before, same) if not is_same]
    assert sum(changed) == 7 and sum(learns) == 14


def test_dropout_masks_are_those_of_the_seed_of_the_joined_network(whole):
    """Towers that were trained with one seed for as long would else drop the same features."""
    fresh, model = runs.build_model(whole), runs.build_model(whole)
    runs.start_towers(model, whole)
    states = [
        [v.numpy().tolist() for v in network.weights if v.dtype != "float32"]
        for network in (fresh, model)
    ]
    assert states[0] == states[1]
    assert len({tuple(state) for state in states[1]}) == len(states[1]) == 4


def test_both_towers_and_their_banks_are_in_tensorboard(whole):
    events = event_accumulator.EventAccumulator(str(whole.path / "tensorboard")).Reload()
    wanted = {"loss", "loss/spatial", "loss/temporal"}
    wanted |= {"filters of fusion_conv5", "network inputs/rgb"}
    assert wanted <= set(events.Tags()["tensors"])
    total, *parts = (
        tf.make_ndarray(events.Tensors(name)[-1].tensor_proto)
        for name in ("loss", "loss/spatial", "loss/temporal")
    )
    assert total == pytest.approx(sum(parts), rel=1e-5)


def test_a_training_that_was_interrupted_ends_with_the_same_weights(
    whole, recipe, tiny_store, tiny_source, tmp_path
):
    shutil.copytree(whole.path, tmp_path / "run", ignore=shutil.ignore_patterns("ckpt-4*"))
    (tmp_path / "run/checkpoints/checkpoint").write_text('model_checkpoint_path: "ckpt-2"\n')
    run = trained.train(tiny_source, tiny_store[0], tmp_path / "run", recipe, checkpoint_every=2)
    models_ = [runs.load_model(trained_run)[0] for trained_run in (whole, run)]
    for wanted, found in zip(*map(numbers, models_), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_two_devices_train_like_one(
    join, tiny_store, tiny_source, tmp_path, monkeypatch, two_devices
):
    given = {"keep_temporal_tower": True, "batch_size": 4, "num_iterations": 2}
    recipe = join(dropout_rate=0.0, **given)
    one = trained.train(tiny_source, tiny_store[0], tmp_path / "one", recipe)
    monkeypatch.setattr(devices, "make_strategy", lambda **_: two_devices)
    two = trained.train(tiny_source, tiny_store[0], tmp_path / "two", recipe, chunk_size=1)
    models_ = [runs.load_model(run)[0] for run in (one, two)]
    for own, its in zip(*map(numbers, models_), strict=True):
        np.testing.assert_allclose(own, its, atol=1e-5)


def test_the_scores_of_both_towers_have_files_of_their_own(whole, tiny_store, tmp_path):
    path = tmp_path / "scores.npz"
    fused = trained.evaluate(whole, tiny_store[0], path, test_clips=2)
    towers_ = [score_files.load_scores(tmp_path / f"scores.{n}.npz") for n in conv_fusion.TOWERS]
    assert [fused.stream, *(s.stream for s in towers_)] == ["conv_fusion", "spatial", "temporal"]
    # Class values are averaged, not probabilities: a mean of logarithms, up to a constant.
    logs = np.mean([np.log(s.scores) for s in towers_], axis=0)
    wanted = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fused.scores, wanted, atol=1e-5)


@pytest.mark.parametrize("test", ["ten_views", "center"])
def test_views_and_averages_can_be_those_of_the_2014_paper(whole, tiny_store, test):
    protocol = testing.Testing(test=test, average="scores", test_clips=1)
    reader = store.Reader(tiny_store[0])
    model = runs.load_model(whole)[0]
    tables = scoring.score_videos(model, whole, reader, whole.split.test, protocol=protocol)
    mean = (tables["spatial"] + tables["temporal"]) / 2
    np.testing.assert_allclose(tables["conv_fusion"], mean, atol=1e-6)


def test_a_saved_model_gives_the_scores_of_ten_views(whole, tiny_store, tmp_path):
    video = whole.split.test[:1]
    reader, model = store.Reader(tiny_store[0]), runs.load_model(whole)[0]
    protocol = testing.Testing(test="ten_views", test_clips=3)
    wanted = scoring.score_videos(model, whole, reader, video, protocol=protocol)
    export.export([whole], str(tmp_path / "model"))
    clips = inputs.Clips(reader, video, whole.recipe)
    [batch] = inputs.evaluation(clips, batch_size=3, num_windows=3)
    given = {"frames": "rgb", "flow": "codes", "flow_ranges": "ranges", "flow_means": "means"}
    saved = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    outputs = saved(**{name: batch[kept] for name, kept in given.items()})
    assert [name.decode() for name in outputs["class_names"].numpy()] == [*whole.split.class_names]
    np.testing.assert_allclose(outputs["scores"], wanted["conv_fusion"][0], atol=1e-5)
    for tower in conv_fusion.TOWERS:
        np.testing.assert_allclose(outputs[f"{tower}_scores"], wanted[tower][0], atol=1e-5)
