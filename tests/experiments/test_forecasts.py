"""A forecast in words."""

from tf_twostream.experiments import forecasts

STEPS = ("store", "runs/spatial", "runs/temporal", "scores/spatial.test", "fused", "report")
SMALL = forecasts.Forecast(dict.fromkeys(STEPS, 60.0), {"frames and flow": 2e9, "networks": 1e8})


def test_each_part_has_a_line_and_smaller_presets_have_one():
    quick = forecasts.Forecast(dict.fromkeys(STEPS, 6.0), {"frames and flow": 2e9})
    lines = forecasts.describe(SMALL, "2 cores, CPU", {"quick": quick}).splitlines()
    assert "2 cores, CPU" in lines[0]
    assert [line.strip().split("  ")[0] for line in lines[1:6]] == [*forecasts.PARTS]
    assert lines[5].endswith("2 min")
    assert "6 min, 2.0 GB of frames and flow and 100 MB of networks" in lines[6]
    assert lines[7].strip() == "preset quick: 36 s, 2.0 GB"


def test_what_is_done_takes_no_more_time():
    left = SMALL.without(["store", "runs/spatial"])
    lines = forecasts.describe(left, "2 cores", {}).splitlines()
    assert lines[1].endswith("done") and lines[2].endswith("done") and lines[3].endswith("1 min")
    assert "4 min" in lines[6]
