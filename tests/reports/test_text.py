"""A report as Markdown."""

import numpy as np

from tf_twostream.reports import document, text


def write(*blocks):
    return text.write(document.Document("T", "L", (document.Section("S", blocks),)))


def test_it_has_the_texts_and_tables_of_the_page_and_no_pictures():
    picture = document.from_pixels(np.zeros((8, 8, 3), np.uint8), "caption")
    table = document.Table(("a", "b"), (("x", "1 %"),))
    commands = document.Commands(("one \\\n  --two", "three"))
    found = write(document.Text("words"), picture, table, commands)
    assert found == (
        "# T\n\nL\n\n## S\n\nwords\n\n| a   |   b |\n| --- | --: |\n| x   | 1 % |\n\n"
        "```bash\none \\\n  --two\nthree\n```\n"
    )


def test_clips_are_named_below_each_other():
    shown = document.Pictures("Right: a", "x/y.avi", ())
    assert "\n* Right: a: x/y.avi\n" in write(shown)


def test_names_are_no_markup_and_no_control_characters():
    found = write(document.Text("<b>*x*</b> [a](b) `c` a_b \x1b[31m"))
    assert "\\<b>\\*x\\*\\</b> \\[a\\](b) \\`c\\` a_b \\\\x1b\\[31m" in found
    assert "\x1b" not in write(document.Commands(("\x1b[31m",)))


def test_lines_fit_a_terminal_and_names_stay_whole():
    name = "a-b/" * 40
    lines = write(document.Text(f"{'word ' * 60}{name}")).splitlines()
    assert name.strip() in lines
    assert all(len(line) <= text.WIDTH for line in lines if name not in line)


def test_a_number_and_its_percent_sign_stay_together():
    for length in range(90, 100):
        [*_, last] = write(document.Text(f"{'x' * length} 25.0 %")).splitlines()
        assert last.endswith("25.0 %")
