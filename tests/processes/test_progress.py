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


def test_a_warning_stands_above_the_bar_and_not_at_its_end(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.bar(3, "video", "drawing", file=stream) as bar:
        bar.refresh()
        progress.Stream().write("warning: a\n")
        assert "\rwarning: a\n\rdrawing" in stream.getvalue()


def test_the_short_form_keeps_some_bar_of_100_columns(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    options = {"initial": 0, "ncols": 100, "bar_format": progress.SHORT_FORM}
    with progress.bar(80_000, "it", "training", **options) as bar:
        bar.update(12_345)
        bar.start_t -= 2.34 * 12_345
        bar.set_postfix_str("loss 0.57, accuracy 0.78, validation 0.75")
        line = str(bar)
        assert len(line) == 100 and line.endswith("validation 0.75")
        assert len(line.split("|")[1]) >= 8
