"""Several devices give the scores of one."""

import numpy as np
import pytest
import tensorflow as tf

from tf_twostream import runs, store
from tf_twostream.evaluation import replicas, scoring
from tf_twostream.paper import testing
from tf_twostream.training import devices


@pytest.mark.parametrize("test", ["ten_views", "dense"])
def test_two_devices_give_the_scores_of_one(drawn_pair, tiny_store, two_devices, monkeypatch, test):
    run, reader = drawn_pair[1], store.Reader(tiny_store[0])
    # Five windows of each of three videos, which batches of 2 x 2 do not divide evenly.
    protocol = testing.Testing(test=test, num_frames=5, frames_per_batch=2)
    monkeypatch.setattr(runs, "check_store", lambda *_, **__: None)  # Its flow is made up.
    found = []
    for strategy in (devices.of_this_host(), two_devices):
        monkeypatch.setattr(devices, "of_this_host", lambda strategy=strategy: strategy)
        found.append(scoring.score(run, reader, "test", protocol=protocol)[0]["temporal"].scores)
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-6)
    assert np.ptp(found[0], axis=0).max() > 1e-3


@pytest.mark.parametrize("size", [1, 2, 5])
def test_each_sample_is_scored_once_and_keeps_its_place(two_devices, size):
    seen = []

    def scorer(batch):
        seen.append(batch["video"].shape[0])
        return 2 * batch["video"]

    batch = {"video": tf.range(size)}
    assert replicas.share(scorer, two_devices)(batch).numpy().tolist() == list(
        range(0, 2 * size, 2)
    )
    assert set(seen) == {(size + 1) // 2}
