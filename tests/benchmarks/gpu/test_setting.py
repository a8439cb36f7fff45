"""What is measured is the paper's size, or a tiny one."""

import dataclasses

from tf_twostream import paper
from tf_twostream.benchmarks.gpu import setting
from tf_twostream.paper import recipes


def of(size):
    return setting.Setting("store", "pairs", "out", "", size)


def test_on_a_gpu_the_networks_are_the_papers():
    for stream in ("spatial", "temporal"):
        expected = dataclasses.replace(recipes.RECIPES[stream](), dropout_rate=paper.DROPOUT_RATE)
        assert of(setting.FULL).recipe(stream) == expected


def test_knobs_come_on_top():
    recipe = of(setting.TINY).recipe("temporal", stacking="trajectory")
    assert recipe.stacking == "trajectory"
    assert recipe.stack_length == setting.TINY.stack_length
