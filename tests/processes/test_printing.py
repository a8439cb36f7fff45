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
