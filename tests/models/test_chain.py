"""Layers follow one another as their table says."""

import keras
import pytest

from tf_twostream import paper
from tf_twostream.models import architecture, chain
from tf_twostream.paper import recipes


@pytest.mark.parametrize(("side", "pooled"), [(8, 4), (9, 5)])
def test_sizes_after_pooling_are_rounded_up(side, pooled):
    rows = (paper.ConvLayer("conv1", 4, kernel=3, stride=1, padding=1, pool=True),)
    table = architecture.Chain(rows, pool_size=2, pool_stride=2, full=(("full6", 5),))
    x = keras.Input((side, side, 2))
    model = keras.Model(x, chain.body(x, recipes.SpatialRecipe(crop_size=side), table))
    assert model.get_layer("pool1").output.shape == (None, pooled, pooled, 4)
    assert model.output_shape == (None, 5)


def test_more_than_ten_convolutions_have_weights_of_their_own():
    rows = tuple(
        paper.ConvLayer(f"conv{n}", 2, kernel=1, stride=1, padding=0) for n in range(1, 14)
    )
    x = keras.Input((4, 4, 2))
    table = architecture.Chain(rows, 2, 2, (("full6", 2), ("full7", 2)))
    model = keras.Model(x, chain.body(x, recipes.SpatialRecipe(crop_size=4), table))
    kernels = {model.get_layer(row.name).kernel.numpy().tobytes() for row in rows}
    assert len(kernels) == 13
