"""The protocol of testing."""

import pytest

from tf_twostream import paper
from tf_twostream.paper import testing


def test_by_default_it_is_the_papers():
    assert testing.PAPER.num_frames == paper.TEST_FRAMES == 25
    assert (testing.PAPER.test, testing.PAPER.checkpoint) == ("ten_views", "last")


@pytest.mark.parametrize("knobs", [{"num_frames": 0}, {"test": "dense"}, {"checkpoint": "first"}])
def test_other_values_are_refused(knobs):
    with pytest.raises(ValueError, match=f"`{next(iter(knobs))}` must be"):
        testing.Testing(**knobs)
