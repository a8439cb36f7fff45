"""What measures runs alone, and not for longer than it may."""

import time

from tf_twostream.benchmarks.gpu import jobs, setting

SETTING = setting.Setting("nowhere", "nowhere", "", "", setting.TINY)


def test_what_fails_is_left_out_with_its_reason():
    deadline = time.monotonic() + 60
    [(table, row)] = jobs.alone("flow_rates", SETTING, deadline, what="flow", method="brox")
    assert table == jobs.LEFT_OUT
    assert row["what"] == "flow" and "Pairs must lie in folders" in row["why"]


def test_nothing_begins_after_its_time():
    [(table, row)] = jobs.alone("machine", SETTING, time.monotonic() - 1, what="all")
    assert table == jobs.LEFT_OUT and row["why"] == "no time was left"


def test_what_takes_too_long_is_killed():
    start = time.monotonic()
    [(table, row)] = jobs.alone("machine", SETTING, start + 0.3, what="all")
    assert table == jobs.LEFT_OUT and "out of time" in row["why"]
    assert time.monotonic() - start < 10


def test_a_command_is_asked_to_stop_and_its_words_are_kept(tmp_path):
    log = tmp_path / "logs" / "help.log"
    code, seconds = jobs.command(["--help"], seconds=60, log=str(log))
    assert code == 0 and 0 < seconds < 60
    assert "train-temporal" in log.read_text()
    code, _ = jobs.command(["--help"], seconds=0, log=str(log))
    assert code < 0  # Ended by the signal.
