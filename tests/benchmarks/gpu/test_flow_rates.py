"""Brox's flow is timed by the pairs that are solved at once."""

import cv2
import numpy as np
import tensorflow as tf

from tf_twostream.benchmarks import trials
from tf_twostream.benchmarks.gpu import flow_rates, setting


def test_the_first_pair_and_each_batch_have_a_row(tmp_path, monkeypatch):
    scene = tmp_path / "a"
    scene.mkdir()
    for number in (10, 11):
        cv2.imwrite(str(scene / f"frame{number}.png"), np.zeros((30, 40), np.uint8))
    sizes = []

    def measure_batch(method, pair, *, batch, seconds):
        if batch > 1:
            raise tf.errors.ResourceExhaustedError(None, None, "no memory")
        sizes.append(pair[0].shape)
        return trials.Rate(12.0, 2**30)

    monkeypatch.setattr(trials, "measure_batch", measure_batch)
    monkeypatch.setattr(flow_rates.brox, "fields", lambda *_, **__: iter([None]))
    given = setting.Setting("", str(tmp_path), "", "", setting.TINY, gpu=True)
    first, single, several = (row for _, row in flow_rates.measure(given, method="brox"))
    assert first["batch"] == "first pair" and first["s"] >= 0
    assert single == {"method": "brox", "batch": 1, "pairs/s": 12.0, "peak memory, GiB": 1.0}
    assert several["batch"] == "2: no memory"
    assert sizes == [setting.TINY.frame]
