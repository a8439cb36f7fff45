"""The last layer, learnt from features that are computed once."""

import dataclasses

import numpy as np
import pytest
import trained

from tf_twostream import inputs, models, runs, store
from tf_twostream.paper import recipes
from tf_twostream.training import features, steps

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 6, "num_iterations": 4}
FIRST = {
    "spatial": recipes.SpatialRecipe(**KNOBS),
    "temporal": recipes.TemporalRecipe(**KNOBS, stack_length=3),
}


@pytest.fixture(scope="module", params=FIRST)
def start(request, tiny_store, tmp_path_factory):
    """A run to start from, and the recipe that trains its last layer from kept features."""
    path = tmp_path_factory.mktemp("runs") / request.param
    first = trained.run_of(path, FIRST[request.param], tiny_store[1])
    trained.with_checkpoint(first)
    knobs = {"init_from": str(path), "train_last_layer_only": True, "cache_features": True}
    return first, dataclasses.replace(FIRST[request.param], **knobs)


one_stream = pytest.mark.parametrize("start", ["temporal"], indirect=True)


def windows_of(tiny_store, recipe):
    return inputs.Windows(store.Reader(tiny_store[0]), tiny_store[1].train, recipe)


def test_features_are_those_of_samples_of_each_video(start, tiny_store):
    run, recipe = start
    model = runs.load_model(run)[0]
    windows = windows_of(tiny_store, recipe)
    found = features.compute(model, recipe, windows, 3)
    assert found.shape == (len(windows.videos), 3, model.get_layer("full7").output.shape[-1])
    batches = [*inputs.several_of_each(windows, 3).unbatch().batch(999)]
    [batch] = batches
    assert batch["video"].numpy().tolist() == sorted([*range(len(windows.videos))] * 3)
    assert batch["views"].shape[1:] == (1, 3)
    assert ("jitter" in batch) == (not recipe.sees_flow)
    # The rest of the network takes them to the logits of the whole one.
    head = features.head(steps.Head(model, 1, np.ones(3)), recipe)
    assert head.class_weights is not None
    logits = head.model(found.reshape(-1, found.shape[-1]), training=False)
    wanted = model(inputs.prepare(batch, recipe), training=False)
    np.testing.assert_allclose(logits, wanted, atol=1e-4)


@one_stream
def test_batches_have_the_videos_of_a_training_and_any_of_their_features(start, tiny_store):
    recipe = dataclasses.replace(start[1], batch_size=64)
    windows = windows_of(tiny_store, recipe)
    count = len(windows.videos)
    numbers = np.arange(count * 5, dtype=np.float32).reshape(count, 5, 1)
    [batch] = inputs.from_features(windows, numbers).take(1)
    [usual] = inputs.training(windows).take(1)
    video, sample = np.divmod(batch["features"].numpy()[:, 0].astype(int), 5)
    np.testing.assert_array_equal(video, usual["video"])
    np.testing.assert_array_equal(batch["label"], usual["label"])
    assert {*sample} == {0, 1, 2, 3, 4}
    later = next(iter(inputs.from_features(windows, numbers, first_iteration=1)))
    assert not np.array_equal(later["features"], batch["features"])
    halves = [
        next(iter(inputs.from_features(windows, numbers, shard=n, num_shards=2, num_replicas=2)))
        for n in range(2)
    ]
    joined = np.concatenate([half["features"] for half in halves])
    np.testing.assert_array_equal(joined, batch["features"])


@one_stream
def test_only_the_last_layer_learns_and_a_stopped_training_continues(start, tiny_store, tmp_path):
    first, recipe = start
    run = trained.train_splits({"": tiny_store[1]}, tiny_store[0], tmp_path / "run", recipe)
    before, after = (
        {
            layer.name: layer.get_weights()
            for layer in runs.load_model(r)[0].layers
            if layer.trainable_weights
        }
        for r in (first, run)
    )
    for name in before:
        same = all(map(np.array_equal, before[name], after[name]))
        assert same == (name != models.head_name("")), name
    # Over, and nothing is computed again.
    trained.train_splits({"": tiny_store[1]}, tiny_store[0], tmp_path / "run", recipe)


def test_what_is_below_must_be_frozen():
    with pytest.raises(recipes.StartError, match="train_last_layer_only.*Received: cache_features"):
        recipes.SpatialRecipe(init_from="there", cache_features=True)


@one_stream
def test_still_images_are_not_kept(start):
    with pytest.raises(ValueError, match="on videos. Received: still images"):
        features.streams(None, start[1], ())
