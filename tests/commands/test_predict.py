"""The command that labels videos."""

import json

import numpy as np
import pytest

from tf_twostream.commands import predict
from tf_twostream.evaluation import prediction


def test_a_prediction_needs_a_network():
    with pytest.raises(ValueError, match="--spatial_run, --temporal_run or both"):
        predict.PredictionFlags()


@pytest.mark.parametrize("top", [1, 2, 5])
def test_json_holds_the_best_classes_of_both_streams(top):
    scores = np.array([0.2, 0.5, 0.3])
    streams = {"spatial": np.array([0.1, 0.7, 0.2]), "temporal": np.array([0.3, 0.3, 0.4])}
    item = prediction.Prediction("v.avi", ("a", "b", "c"), scores, streams)
    content = json.loads(json.dumps(predict._as_json(item, top)))
    best = ["b", "c", "a"][:top]
    assert content["video"] == "v.avi" and list(content["scores"]) == best
    assert content["spatial"] == {name: streams["spatial"]["abc".index(name)] for name in best}
