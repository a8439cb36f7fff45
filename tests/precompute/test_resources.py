"""What the machine may spend on videos."""

import pytest

from tf_twostream.precompute import resources
from tf_twostream.processes import workers


def test_default_is_a_worker_per_core_that_may_be_used(monkeypatch):
    monkeypatch.setattr(workers, "count_cores", lambda: 3)
    assert resources.Resources().num_processes == 3
    assert resources.Resources(num_workers=2).num_processes == 2


@pytest.mark.parametrize("knobs", [{"num_workers": -1}, {"timeout": 0}, {"flow_memory": 0}])
def test_what_the_machine_may_spend_is_positive(knobs):
    with pytest.raises(ValueError, match=f"`{next(iter(knobs))}` must be .* Received"):
        resources.Resources(**knobs)
