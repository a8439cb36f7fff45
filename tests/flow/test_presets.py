import pytest

from tf_twostream.flow import presets


@pytest.mark.parametrize(
    "change",
    [{"alpha": 0}, {"eta": 1.0}, {"eta": 0.3}, {"omega": 2.0}, {"warps": 0}, {"gamma": -1}],
)
def test_impossible_parameters_are_refused(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))}|iterations.*Received"):
        presets.Parameters(**change)


def test_presets_are_as_documented():
    assert presets.FAST.omega <= 1.97  # Above, rounding errors move the field.
    p = presets.OPENCV
    assert (p.alpha, p.gamma, p.eta, p.omega) == (0.197, 50, 0.8, 1.99)
    assert (p.inner_iterations, p.outer_iterations, p.solver_iterations) == (10, 77, 10)
