"""Two trained towers, to be joined."""

import pytest
import trained

from tf_twostream.paper import recipes
from tf_twostream.training import towers

KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 4, "num_iterations": 1}


@pytest.fixture(scope="session")
def join(tiny_store, tiny_source, tmp_path_factory):
    """A function from knobs to the recipe of a network of two towers that have been trained."""
    folder = tmp_path_factory.mktemp("towers")
    for own in (recipes.SpatialRecipe(**KNOBS), recipes.TemporalRecipe(stack_length=3, **KNOBS)):
        trained.train(tiny_source, tiny_store[0], folder / own.stream, own)
    given = {"spatial_run": str(folder / "spatial"), "temporal_run": str(folder / "temporal")}
    return lambda **knobs: towers.complete(recipes.ConvFusionRecipe(**given, **knobs), "no run yet")
