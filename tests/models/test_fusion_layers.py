"""What joins two towers, against NumPy."""

import keras
import numpy as np
import pytest

from tf_twostream.models import fusion_layers
from tf_twostream.paper import recipes

RNG = np.random.default_rng(0)
SPATIAL = RNG.random((4, 5, 6, 3), np.float32)
TEMPORAL = RNG.random((4, 5, 6, 3), np.float32)


def apply(function, *arrays):
    """Builds a model of a function of symbolic tensors, and applies it to arrays."""
    inputs = [keras.Input(array.shape[1:]) for array in arrays]
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], function(*inputs))
    return model, np.asarray(model(list(arrays) if len(arrays) > 1 else arrays[0]))


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        ("sum", SPATIAL + TEMPORAL),
        ("max", np.maximum(SPATIAL, TEMPORAL)),
        ("concatenation", np.concatenate([SPATIAL, TEMPORAL], axis=-1)),
    ],
)
def test_functions_without_weights(function, wanted):
    _, y = apply(lambda a, b: fusion_layers.fuse(a, b, function), SPATIAL, TEMPORAL)
    np.testing.assert_array_equal(y, wanted)


def test_bilinear_sums_outer_products_and_normalises_them():
    signs = np.where(RNG.random(SPATIAL.shape) < 0.5, -1, 1).astype(np.float32)
    a, b = SPATIAL * signs, TEMPORAL[..., :2]
    _, y = apply(lambda a, b: fusion_layers.fuse(a, b, "bilinear"), a, b)
    for n in range(len(a)):
        products = sum(np.outer(a[n, i, j], b[n, i, j]) for i in range(5) for j in range(6))
        rooted = np.sign(products) * np.sqrt(np.abs(products))
        wanted = (rooted / np.linalg.norm(rooted)).ravel()
        np.testing.assert_allclose(y[n], wanted, atol=1e-5)


def bank(x, **knobs):
    given = {"start": "identity", "snippets": 0, "rectified": True, "name": "bank", "seed": 1}
    return fusion_layers.convolve(x, 3, **given | knobs)


def test_conv_is_a_product_with_the_bank_a_bias_and_a_relu():
    both = np.concatenate([SPATIAL, TEMPORAL], axis=-1) - 0.5
    model, _ = apply(lambda x: bank(x, start="gaussian"), both)
    kernel, bias = RNG.normal(size=(6, 3)), RNG.normal(size=3)
    model.get_layer("bank").set_weights([kernel, bias])
    np.testing.assert_allclose(model(both), np.maximum(both @ kernel + bias, 0), atol=1e-5)


def test_conv_starts_as_a_quarter_of_the_spatial_and_three_quarters_of_the_temporal_one():
    both = np.concatenate([SPATIAL, TEMPORAL], axis=-1)
    model, y = apply(bank, both)
    kernel, bias = model.get_layer("bank").get_weights()
    np.testing.assert_array_equal(kernel, np.concatenate([0.25 * np.eye(3), 0.75 * np.eye(3)]))
    assert not bias.any()
    np.testing.assert_allclose(y, 0.25 * SPATIAL + 0.75 * TEMPORAL, rtol=1e-6)


def test_a_gaussian_start_is_another_for_another_seed():
    starts = [
        apply(lambda x, s=seed: bank(x, start="gaussian", seed=s), SPATIAL)[0]
        .get_layer("bank")
        .get_weights()[0]
        for seed in (1, 2)
    ]
    assert not np.allclose(*starts)
    assert np.std(starts) == pytest.approx(0.01, rel=0.5)


def test_over_time_it_starts_as_the_same_sum_spread_by_a_gaussian():
    """Where a clip is constant in time and space, all that is spread comes together again."""
    a, b = RNG.random((2, 1, 1, 1, 3)).astype(np.float32).repeat(7, 2).repeat(7, 3)
    clip = np.concatenate([a, b], axis=-1).repeat(5, axis=0)
    model, y = apply(lambda x: bank(x, snippets=5), clip)
    kernel = model.get_layer("bank").get_weights()[0]
    assert kernel.shape == (3, 3, 3, 6, 3)
    assert kernel.sum(axis=(0, 1, 2)) == pytest.approx(
        np.concatenate([0.25 * np.eye(3), 0.75 * np.eye(3)]), abs=1e-6
    )
    # exp(-1/2) from one step to the next along each axis.
    steps = kernel[1, 1, 1, 0, 0] / kernel[[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0], 0, 0]
    np.testing.assert_allclose(steps, np.exp([0.5, 0.5, 0.5, 1.5]), rtol=1e-5)
    wanted = (0.25 * a + 0.75 * b)[0, 1:-1, 1:-1]
    for snippet in (1, 2, 3):
        np.testing.assert_allclose(y[snippet, 1:-1, 1:-1], wanted, rtol=1e-5)


def test_over_time_it_does_not_mix_clips():
    clips = RNG.random((6, 5, 6, 6)).astype(np.float32)
    model, y = apply(lambda x: bank(x, snippets=3), clips)
    changed = np.concatenate([clips[:3], 2 * clips[3:]])
    np.testing.assert_array_equal(model(changed)[:3], y[:3])


def test_a_smaller_grid_is_padded_at_its_end_and_a_larger_one_cut():
    small, large = np.ones((1, 2, 3, 1)), np.ones((1, 3, 4, 1))
    _, padded = apply(lambda b, a: fusion_layers.fit_grid(b, a), small, large)
    assert padded.shape == large.shape
    np.testing.assert_array_equal(padded[0, :2, :3], small[0])
    assert padded.sum() == small.sum()
    _, cut = apply(lambda b, a: fusion_layers.fit_grid(b, a), large, small)
    np.testing.assert_array_equal(cut, small)


@pytest.mark.parametrize("shape", [(7, 7, 2), (2,)])
def test_grids_of_other_places_are_refused(shape):
    with pytest.raises(
        recipes.LayersError, match=r"grids of the same places. Received: 13 x 13 and"
    ):
        fusion_layers.fit_grid(keras.Input(shape), keras.Input((13, 13, 2)))


@pytest.mark.parametrize(("extent", "firsts"), [(0, [range(5)]), (3, [range(3), range(2, 5)])])
def test_pooling_over_time_takes_maxima_over_the_snippets_of_a_clip(extent, firsts):
    clips = RNG.random((2, 5, 4, 4, 3)).astype(np.float32)
    _, y = apply(
        lambda x: fusion_layers.pool_over_time(x, snippets=5, extent=extent),
        clips.reshape(10, 4, 4, 3),
    )
    wanted = np.stack([clips[:, list(taken)].max(axis=1) for taken in firsts], axis=1)
    np.testing.assert_array_equal(y, wanted.reshape(-1, 4, 4, 3))
    assert fusion_layers.positions(5, extent) == len(firsts)


def test_no_snippet_is_left_out_of_the_pooling():
    assert [fusion_layers.positions(count, 3) for count in (1, 2, 3, 4, 5, 6)] == [1, 1, 1, 2, 2, 3]
    snippets = np.arange(4.0).reshape(4, 1, 1, 1)
    _, y = apply(lambda x: fusion_layers.pool_over_time(x, snippets=4, extent=3), snippets)
    assert y.ravel().tolist() == [2, 3]


@pytest.mark.parametrize(("size", "own"), [(2, 3), (3, 3), (2, 2), (3, 2)])
@pytest.mark.parametrize("side", [6, 7, 13, 14])
def test_whatever_the_pooling_the_grid_is_that_of_the_tower(side, size, own):
    x = RNG.random((1, side, side, 1)).astype(np.float32)
    _, y = apply(lambda x: fusion_layers.pool_to_grid(x, size=size, own=own), x)
    grid = -(-(side - own) // 2) + 1
    assert y.shape == (1, grid, grid, 1)
    for i in range(grid):
        rows = x[0, 2 * i : 2 * i + size, 2 * i : 2 * i + size]
        assert y[0, i, i, 0] == rows.max()
