"""What the networks are fed, against twins written slowly in NumPy."""

import dataclasses
import itertools

import numpy as np
import pytest
from read_back import arrays

from tf_twostream import inputs, paper
from tf_twostream.flow import codec
from tf_twostream.paper import recipes

TEMPORAL = recipes.TemporalRecipe(crop_size=41, stack_length=10, batch_size=8, seed=5)
SPATIAL = recipes.SpatialRecipe(crop_size=41, batch_size=8, seed=5)
SLOW_FUSION = recipes.SlowFusionRecipe(crop_size=41, batch_size=8, seed=5)


@pytest.mark.parametrize("graph", [inputs.training, inputs.evaluation])
@pytest.mark.parametrize("recipe", [SPATIAL, TEMPORAL], ids=["spatial", "temporal"])
def test_prepare_is_its_slow_twin(reader, split, recipe, graph):
    batch = next(iter(graph(inputs.Windows(reader, split.train, recipe))))
    result = inputs.prepare(batch, recipe).numpy()
    batch = arrays(batch)
    size, num_views = batch["views"].shape[:2]
    assert len(result) == size * num_views
    for b, v in itertools.product(range(size), range(num_views)):
        top, left, flip = batch["views"][b, v]
        rows, columns = slice(top, top + 41), slice(left, left + 41)
        if recipe is TEMPORAL:
            fields = codec.restore(batch["codes"][b], batch["ranges"][b])
            fields = fields - batch["means"][b][:, None, None]
            fields = fields[:, rows, columns]
            if flip:
                fields = fields[:, :, ::-1] * [-1, 1]
            wanted = fields.transpose(1, 2, 0, 3).reshape(41, 41, 20)
        else:
            wanted = batch["rgb"][b, rows, columns].astype(float)
            wanted = wanted[:, ::-1] if flip else wanted
            shift = batch.get("jitter", np.zeros((size, 3)))[b] * paper.RGB_EIGENVALUES
            wanted = wanted + 255 * np.array(paper.RGB_EIGENVECTORS) @ shift
        np.testing.assert_allclose(result[b * num_views + v], wanted, atol=1e-3)


def test_without_mean_subtraction_the_mean_stays(reader, split):
    batch = next(iter(inputs.training(inputs.Windows(reader, split.train, TEMPORAL))))
    centred = inputs.prepare(batch, TEMPORAL).numpy()
    plain = inputs.prepare(batch, dataclasses.replace(TEMPORAL, mean_subtraction=False)).numpy()
    means = batch["means"].numpy().reshape(8, 20)
    signs = np.where((batch["views"].numpy()[:, 0, 2:] == 1) & (np.arange(20) % 2 == 0), -1, 1)
    difference = np.broadcast_to((signs * means)[:, None, None], plain.shape)
    np.testing.assert_allclose(plain - centred, difference, atol=1e-4)


def test_all_frames_of_a_stack_have_one_view_and_one_jitter(reader, split):
    batch = next(iter(inputs.training(inputs.Windows(reader, split.train, SLOW_FUSION))))
    stacks = inputs.prepare(batch, SLOW_FUSION)
    assert stacks.shape == (8, 41, 41, 33)
    for n in range(11):
        frame = {**batch, "rgb": batch["rgb"][..., 3 * n : 3 * n + 3]}
        np.testing.assert_array_equal(
            stacks[..., 3 * n : 3 * n + 3], inputs.prepare(frame, SPATIAL)
        )


def test_stacks_of_a_test_video_have_ten_views_each(reader, split):
    batch = next(
        iter(inputs.evaluation(inputs.Windows(reader, split.test, SLOW_FUSION), batch_size=3))
    )
    assert inputs.prepare(batch, SLOW_FUSION).shape == (30, 41, 41, 33)
