"""A pair of networks that tell classes apart, without a training."""

import numpy as np
import pytest
import trained

from tf_twostream import models, runs, store
from tf_twostream.paper import recipes


@pytest.fixture(scope="session")
def drawn_pair(tiny_store, tmp_path_factory):
    """Runs of both streams on `dis` flow, whose drawn weights are large enough to differ by."""
    folder, pair = tmp_path_factory.mktemp("drawn"), []
    for recipe in (
        recipes.SpatialRecipe(crop_size=41, width=0.05),
        recipes.TemporalRecipe(stack_length=3, crop_size=41, width=0.05),
    ):
        settings = store.Settings.of("dis", shorter_side=48)
        run = trained.run_of(folder / recipe.stream, recipe, tiny_store[1], settings)
        model = runs.build_model(run)
        kernel = model.get_layer(models.LAST_LAYER).kernel
        scale = 0.2 if recipe.stream == "spatial" else 10.0
        kernel.assign(scale * np.random.default_rng(0).normal(size=kernel.shape))
        runs.create(run)
        runs.save(run, model, 7)
        pair.append(run)
    return pair
