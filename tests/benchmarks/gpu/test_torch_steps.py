"""PyTorch is asked only where it is."""

import importlib.util

import numpy as np
import pytest

from tf_twostream.benchmarks.gpu import setting, torch_steps

GIVEN = setting.Setting("", "", "", "", setting.TINY)


def test_without_pytorch_there_is_no_row(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert list(torch_steps.measure(GIVEN)) == []


def test_its_network_has_the_weights_of_ours():
    torch = pytest.importorskip("torch")
    from tf_twostream import models

    recipe = GIVEN.recipe("temporal")
    network = torch_steps._network(torch, recipe, 5)
    counted = sum(weights.numel() for weights in network.parameters())
    own = models.build(recipe, 5).trainable_variables  # The counters of dropout are not.
    assert counted == sum(int(np.prod(weights.shape)) for weights in own)
