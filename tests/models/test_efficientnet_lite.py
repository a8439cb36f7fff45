"""EfficientNet-Lite is the original's, and its batch normalisations learn what they are told to."""

import keras
import numpy as np
import pytest

from tf_twostream import models
from tf_twostream.models import efficientnet_lite
from tf_twostream.paper import recipes

SMALL = {"architecture": "efficientnet_lite0", "width": 0.1, "crop_size": 32}


@pytest.mark.parametrize(
    ("variant", "count"), [("lite0", 4_652_008), ("lite1", 5_416_680), ("lite2", 6_092_072)]
)
def test_the_number_of_weights_is_exact(variant, count):
    model = models.build(recipes.SpatialRecipe(architecture=f"efficientnet_{variant}"), 1000)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == count
    assert model.get_layer("relu_head").output.shape == (None, 7, 7, 1280)


def test_blocks_of_the_larger_ones_are_repeated_but_for_the_first_and_the_last_stage():
    repeats = [len(names) for names in efficientnet_lite._stages("lite1")]
    assert repeats == [1, 3, 3, 4, 4, 5, 1]
    assert len(efficientnet_lite.block_names("lite0")) == 16


@pytest.mark.parametrize(("count", "rounded"), [(3.2, 8), (17.6, 16), (26.4, 24), (352, 352)])
def test_channels_are_multiples_of_eight(count, rounded):
    assert efficientnet_lite._channels(count) == rounded


def changed_statistics(**knobs):
    """Names the batch normalisations whose statistics a pass in training changes."""
    model = models.build(recipes.SpatialRecipe(**SMALL, **knobs), 3)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [norm.moving_mean.numpy() for norm in norms]
    model(np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)), training=True)
    after = [norm.moving_mean.numpy() for norm in norms]
    return [n.name for n, a, b in zip(norms, before, after) if not np.array_equal(a, b)], norms


@pytest.mark.parametrize(
    ("batch_norm", "init_from", "learned"),
    [
        ("learned", "", "all"),
        ("first", "", "first"),
        ("frozen", "", "none"),
        ("auto", "", "all"),
        ("auto", "imagenet", "none"),
    ],
)
def test_statistics_are_learnt_where_the_recipe_says(batch_norm, init_from, learned):
    changed, norms = changed_statistics(batch_norm=batch_norm, init_from=init_from)
    names = [norm.name for norm in norms]
    assert changed == {"all": names, "first": ["norm_stem"], "none": []}[learned]
    assert all(norm.trainable for norm in norms)  # Scales and shifts always learn.


@pytest.mark.parametrize("cross_modality", [False, True])
def test_flow_learns_the_first_statistics(cross_modality):
    recipe = recipes.TemporalRecipe(**SMALL, init_from="run", cross_modality=cross_modality)
    assert recipe.learns_statistics(first=True) and not recipe.learns_statistics(first=False)
