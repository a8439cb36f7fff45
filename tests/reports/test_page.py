"""A report as a page."""

import html.parser
import importlib.util
import re
import shutil

import numpy as np
import pytest

from tf_twostream.reports import document, page

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NEEDED = CHROMIUM and importlib.util.find_spec("playwright")
EVIL = "<script>alert(1)</script>\"'&<img src=http://example.org/x>"


class Tags(html.parser.HTMLParser):
    """Collects elements and texts."""

    def __init__(self):
        super().__init__()
        self.names, self.open, self.texts, self.sources = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def parse(text):
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    return tags


def evil():
    """A report in which each text is code."""
    picture = document.from_pixels(np.zeros((8, 8, 3), np.uint8), EVIL)
    blocks = (
        document.Text(EVIL),
        document.Items((EVIL,)),
        document.Table((EVIL,), ((EVIL,),)),
        document.Commands((EVIL,)),
        picture,
        document.Pictures(EVIL, EVIL, (picture,)),
    )
    return document.Document(EVIL, EVIL, (document.Section(EVIL, blocks),))


def test_names_of_the_users_are_texts_and_never_elements():
    tags = parse(page.write(evil()))
    assert "script" not in tags.names and tags.names.count("img") == 2
    assert tags.texts.count(EVIL) == 13
    assert all(source.startswith("data:image/") for source in tags.sources)


def test_numbers_stand_right_and_words_left():
    table = document.Table(("name", "word", "share"), (("1", "b", "-"), ("2", "c 3", "2.5 %")))
    text = page.write(document.Document("", "", (document.Section("", (table,)),)))
    assert re.findall(r"<td(.*?)>(.*?)</td>", text)[:3] == [
        (' class="number"', "1"), ("", "b"), (' class="number"', "-"),
    ]  # fmt: skip


def test_the_browser_is_told_to_ask_nobody_and_to_run_nothing():
    text = page.write(evil())
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert "prefers-color-scheme: dark" in text and "@media print" in text


@pytest.mark.slow
@pytest.mark.skipif(not NEEDED, reason="needs playwright and a Chromium")
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_a_browser_shows_all_pictures_and_asks_for_nothing(report, tmp_path, width, scheme):
    from playwright import sync_api

    path, asked, said = tmp_path / "report.html", [], []
    path.write_text(page.write(report))
    with sync_api.sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root, as in containers.
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        shown.on("request", lambda request: asked.append(request.url))
        shown.on("console", lambda message: said.append(message.text))
        shown.goto(path.as_uri())
        sizes = shown.evaluate("[...document.images].map(image => image.naturalWidth)")
        # Wide tables scroll by themselves, the page does not.
        extent = shown.evaluate("document.documentElement.scrollWidth")
        chromium.close()
    assert len(sizes) > 5 and min(sizes) > 0
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert said == [] and extent <= width
