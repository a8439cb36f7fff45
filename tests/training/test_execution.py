"""How a training is carried out."""

import pytest

from tf_twostream.training.execution import Execution


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"chunk_size": -1}, "`chunk_size` must be at least 0. Received: chunk_size=-1"),
        ({"log_every": 0}, "`log_every` must be at least 1. Received: log_every=0"),
        ({"checkpoint_every": 0}, "`checkpoint_every` must be at least 1"),
        ({"deterministic": True, "jit_compile": True}, "no deterministic gradient of max-pooling"),
    ],
)
def test_what_cannot_be_meant_is_refused(knobs, message):
    with pytest.raises(ValueError, match=message):
        Execution(run_dir="r", **knobs)
