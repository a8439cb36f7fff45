import pytest

from tf_twostream.processes import printing


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoë 体操 🤸\u200d♀️.avi", "Zoë 体操 🤸\u200d♀️.avi"),
        ("red\x1b[31m.avi", r"red\x1b[31m.avi"),
        ("two\nlines.avi", r"two\nlines.avi"),
        ("caf\udce9.avi", r"caf\udce9.avi"),
        ("\x9b2J.avi", r"\x9b2J.avi"),
    ],
)
def test_what_a_terminal_would_obey_or_cannot_show_is_escaped(name, shown):
    assert printing.escape(name) == shown
    assert printing.is_printable(name) == (name == shown)
    shown.encode()


def test_a_message_keeps_its_lines():
    assert printing.escape("a\n\x1b[1mb", keep_lines=True) == "a\n\\x1b[1mb"


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
    assert printing.duration(seconds) == words


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [(10, "1 MB"), (2e8, "200 MB"), (9.999e8, "1.0 GB"), (7e10, "70.0 GB")],
)
def test_sizes_are_in_powers_of_ten(num_bytes, words):
    assert printing.size(num_bytes) == words


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "video", "0 videos"),
        (1, "video", "1 video"),
        (2, "training video", "2 training videos"),
        (13320, "class", "13,320 classes"),
        (1, "class", "1 class"),
        (1.0, "second", "1 second"),
        (0.5, "second", "0.5 seconds"),
    ],
)
def test_one_thing_is_in_the_singular(number, noun, words):
    assert printing.count(number, noun) == words
