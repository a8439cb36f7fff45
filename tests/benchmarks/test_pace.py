"""A pace is that of real steps."""

from tf_twostream import store
from tf_twostream.benchmarks import pace
from tf_twostream.paper import recipes, testing


def test_training_and_testing_are_measured_by_real_steps(tiny_store):
    recipe = recipes.SpatialRecipe(crop_size=41, width=0.05, batch_size=6)
    protocol = testing.Testing(test="center", num_frames=3)
    found = pace.measure(store.Reader(tiny_store[0]), recipe, protocol, num_classes=3)
    assert 0 < found.iteration < found.start
    assert found.window > 0
    assert found.weights > 10_000
