"""Every architecture keeps its promises to the rest of the project."""

import keras
import numpy as np
import pytest

from tf_twostream import models
from tf_twostream.models import architecture
from tf_twostream.paper import recipes

NAMES = sorted(models.ARCHITECTURES)


@pytest.fixture(scope="module", params=NAMES)
def built(request):
    """The name of an architecture and its smallest temporal network."""
    least = models.ARCHITECTURES[request.param].min_crop_size
    recipe = recipes.TemporalRecipe(
        architecture=request.param, width=0.05, crop_size=least, stack_length=2
    )
    return request.param, models.build(recipe, 3)


def test_the_first_layer_takes_any_number_of_channels(built):
    name, model = built
    first = model.get_layer(models.ARCHITECTURES[name].first)
    assert first.kernel.shape[2] == 4
    # Nothing but the input, a padding and a scaling is before it.
    before = [layer.name for layer in model.layers[: model.layers.index(first)]]
    assert all("padding" in each or each == "volume" for each in before)


def test_other_networks_may_join_at_grids_that_do_not_grow(built):
    name, model = built
    shapes = [model.get_layer(stage).output.shape for stage in models.ARCHITECTURES[name].stages]
    assert all(len(shape) == 4 for shape in shapes)
    sides = [shape[1] for shape in shapes]
    assert sides == sorted(sides, reverse=True)


def test_features_come_before_dropout_and_classes(built):
    name, model = built
    features = model.get_layer(models.ARCHITECTURES[name].features)
    assert len(features.output.shape) == 2
    position = model.layers.index(features)
    assert [type(layer).__name__ for layer in model.layers[position + 1 :]] == ["Dropout", "Dense"]


def test_a_smaller_input_is_refused(built):
    name, _ = built
    least = models.ARCHITECTURES[name].min_crop_size
    recipe = recipes.SpatialRecipe(architecture=name, width=0.05, crop_size=least - 1)
    with pytest.raises(ValueError, match=f"must be at least {least}. Received: {least - 1}"):
        models.build(recipe, 3)


def test_batch_normalisation_is_where_it_is_said_to_be(built):
    name, model = built
    kinds = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert bool(kinds) == models.ARCHITECTURES[name].normalises_batches
    if not kinds:
        recipe = recipes.SpatialRecipe(architecture=name, batch_norm="learned")
        with pytest.raises(ValueError, match="`batch_norm` is for architectures that have some"):
            models.build(recipe, 3)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides_all_weights_and_no_two_layers_share_them(name):
    least = models.ARCHITECTURES[name].min_crop_size
    first, same, other = (
        models.build(
            recipes.SpatialRecipe(architecture=name, width=0.05, crop_size=least, seed=seed), 2
        )
        for seed in (1, 1, 2)
    )
    kernels = [
        [w.numpy() for w in model.trainable_variables if w.name == "kernel"]
        for model in (first, same, other)
    ]
    for a, b, c in zip(*kernels, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    for n, a in enumerate(kernels[0]):
        assert not any(
            np.array_equal(a, b) for b in kernels[0][n + 1 :] if b.shape == a.shape and a.size > 1
        )


@pytest.mark.parametrize(
    ("width", "channels", "scaled"), [(0.25, 96, 24), (0.001, 96, 1), (1, 7, 7)]
)
def test_every_width_leaves_a_channel(width, channels, scaled):
    assert architecture.scaled(channels, width) == scaled


def test_kernels_are_not_drawn_where_weights_follow(built):
    name, drawn = built
    recipe = recipes.TemporalRecipe(
        architecture=name, width=0.05, crop_size=drawn.input_shape[1], stack_length=2
    )
    with models.without_drawing():
        undrawn = models.build(recipe, 3)
    kernels = [w.numpy() for w in undrawn.trainable_variables if w.name == "kernel"]
    assert kernels and not any(kernel.any() for kernel in kernels)
    again = models.build(recipe, 3)
    assert all(w.numpy().any() for w in again.trainable_variables if w.name == "kernel")
