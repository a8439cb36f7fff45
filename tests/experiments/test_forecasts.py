"""A forecast in words."""

import pytest

from tf_twostream.experiments import forecasts


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59, "59 s"),
        (100, "2 min"),
        (3600, "60 min"),
        (9000, "2.5 h"),
        (3e5, "3 days"),
    ],
)
def test_times_are_as_exact_as_they_are_known(seconds, words):
    assert forecasts.duration(seconds) == words


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [(10, "1 MB"), (2.4e8, "240 MB"), (9.999e8, "1.0 GB"), (7e10, "70.0 GB")],
)
def test_sizes_are_in_powers_of_ten(num_bytes, words):
    assert forecasts.size(num_bytes) == words


def test_each_part_has_a_line_and_smaller_presets_have_one():
    seconds = dict.fromkeys(forecasts.PARTS, 60.0)
    small = forecasts.Forecast(seconds, {"frames and flow": 2e9, "networks": 1e8})
    quick = forecasts.Forecast(dict.fromkeys(forecasts.PARTS, 6.0), {"frames and flow": 2e9})
    lines = forecasts.describe(small, "2 cores, CPU", {"quick": quick}).splitlines()
    assert "2 cores, CPU" in lines[0]
    assert [line.strip().split("  ")[0] for line in lines[1:6]] == [*forecasts.PARTS]
    assert "5 min, 2.0 GB of frames and flow and 100 MB of networks" in lines[6]
    assert lines[7].strip() == "preset quick: 30 s, 2.0 GB"
