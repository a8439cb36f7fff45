"""The progress bar: often on a terminal, seldom in a log."""

import io
import sys

from tf_twostream.processes import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Yes."""
        return True


def test_a_log_gets_fewer_lines_than_a_terminal(monkeypatch):
    seconds = []
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress.bar(3, "video", "drawing") as bar:
            bar.update()
            seconds.append(bar.mininterval)
        assert "drawing" in stream.getvalue()
    assert seconds == [progress.SECONDS_ON_A_TERMINAL, progress.SECONDS_IN_A_LOG]


def test_the_time_left_is_said_where_the_end_is_known(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.bar(3, "video") as known, progress.bar(None, "video") as unknown:
        assert "left" in str(known) and "left" not in str(unknown)


def test_a_notebook_writes_a_line_again_as_a_terminal_does(monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.bar(3, "video") as bar:
        assert bar.mininterval == progress.SECONDS_ON_A_TERMINAL
