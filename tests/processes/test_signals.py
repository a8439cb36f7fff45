"""Signals that ask a process to end."""

import os
import signal

import pytest

from tf_twostream.processes import signals


def kill(number):
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_a_signal_ends_a_call_with_the_code_of_shells_after_it_cleaned_up(name, code, capsys):
    cleaned = []

    def call():
        try:
            os.kill(os.getpid(), getattr(signal, name))
            pytest.fail("went on")
        finally:
            os.kill(os.getpid(), signal.SIGTERM if name == "SIGTERM" else 0)  # Asked twice.
            cleaned.append(True)

    before = signal.getsignal(signal.SIGTERM)
    assert signals.run(call) == code
    assert cleaned and signal.getsignal(signal.SIGTERM) == before
    error = capsys.readouterr().err
    assert error == ("interrupted\n" if name == "SIGINT" else f"ended by {name}\n")


def test_a_call_that_no_signal_ends_returns_its_code():
    assert signals.run(lambda: 3) == 3


def test_a_signal_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signals.run(lambda: os.kill(os.getpid(), signal.SIGHUP)) is None
        with signals.handled(lambda *_: pytest.fail("handled")):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_handlers_are_put_back_where_the_work_fails():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError), signals.handled(lambda *_: None):
        assert signal.getsignal(signal.SIGTERM) != before
        raise ValueError
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_code_is_that_of_the_signal_where_compiled_code_raises_its_own_interrupt(capsys):
    def wait():
        try:
            signal.raise_signal(signal.SIGTERM)
        except signals.Ended:
            raise KeyboardInterrupt from None

    assert signals.run(wait) == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "ended by SIGTERM\n"
