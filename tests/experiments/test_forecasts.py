"""A forecast in words."""

from tf_twostream.experiments import forecasts


def test_each_part_has_a_line_and_smaller_presets_have_one():
    seconds = dict.fromkeys(forecasts.PARTS, 60.0)
    small = forecasts.Forecast(seconds, {"frames and flow": 2e9, "networks": 1e8})
    quick = forecasts.Forecast(dict.fromkeys(forecasts.PARTS, 6.0), {"frames and flow": 2e9})
    lines = forecasts.describe(small, "2 cores, CPU", {"quick": quick}).splitlines()
    assert "2 cores, CPU" in lines[0]
    assert [line.strip().split("  ")[0] for line in lines[1:6]] == [*forecasts.PARTS]
    assert "5 min, 2.0 GB of frames and flow and 100 MB of networks" in lines[6]
    assert lines[7].strip() == "preset quick: 30 s, 2.0 GB"
