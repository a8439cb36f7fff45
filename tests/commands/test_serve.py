"""The page that labels clips, in a browser."""

import importlib.util
import shutil
import signal
import socket
import time

import made_up_clips
import numpy as np
import pytest
import trained

from tf_twostream import datasets, store
from tf_twostream.commands import serve
from tf_twostream.paper import recipes
from tf_twostream.precompute import filling
from tf_twostream.precompute.resources import Resources

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NEEDED = CHROMIUM and all(map(importlib.util.find_spec, ("gradio", "playwright")))
KNOBS = {"crop_size": 41, "width": 0.05, "batch_size": 4, "num_iterations": 1}
PLAYS = """before => {
    const video = document.querySelector('#labelled video');
    const there = video && video.src != before && video.readyState >= 2 && video.videoWidth > 0;
    return there && video.currentTime > 0 ? video.src : null;
}"""


def test_without_gradio_one_line_says_how_to_get_it(here, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(serve.NoGradioError, match=r"made with gradio. Received: no such package"):
        here("serve", "--spatial_run=runs/spatial")


def test_a_folder_of_examples_must_hold_some(here, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    with pytest.raises(ValueError, match="--examples_dir must hold videos"):
        here("serve", "--spatial_run=runs/spatial", f"--examples_dir={tmp_path}")


@pytest.mark.parametrize("flag", ["--port=0", "--port=65536", "--max_seconds=0"])
def test_limits_and_ports_are_checked(here, flag):
    with pytest.raises(ValueError, match="must be"):
        here("serve", "--spatial_run=runs/spatial", flag)


def test_only_this_machine_is_let_in_by_default():
    assert serve.PageFlags(spatial_run="s").host == "127.0.0.1"


def test_a_port_that_is_taken_is_said_before_anything_is_loaded(here, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(serve.BusyPortError, match=f"Received: 127.0.0.1, {port} "):
            here("serve", "--spatial_run=runs/spatial", f"--port={port}")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Four small videos in two classes."""
    folder, rng = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    for number in range(4):
        images = rng.integers(0, 255, (30, 48, 64, 3)).astype(np.uint8)
        made_up_clips.write(folder / f"class{number % 2}" / f"{number}.avi", images)
    return folder


@pytest.fixture(scope="module")
def pair(clips, tmp_path_factory):
    """A tiny run of each stream."""
    folder = tmp_path_factory.mktemp("trained")
    source = datasets.Source(dataset="folders", videos_dir=str(clips))
    settings, path = store.Settings.of("farneback", shorter_side=48), str(folder / "store")
    filling.fill(datasets.list_videos(source), path=path, settings=settings, resources=Resources())
    for recipe in (recipes.SpatialRecipe(**KNOBS), recipes.TemporalRecipe(**KNOBS)):
        trained.train(source, path, folder / recipe.stream, recipe)
    return [f"--{stream}_run={folder / stream}" for stream in ("spatial", "temporal")]


@pytest.fixture
def served(start, pair, clips, tmp_path):
    """The page, (address, process); its files are below `tmp_path`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = (*pair, f"--port={port}", "--max_seconds=2", f"--examples_dir={clips}")
    process = start("scripts/serve.py", *flags, TMPDIR=str(tmp_path))
    line = process.stdout.readline()
    assert line.startswith("page: "), process.stderr.read()
    yield line.split()[1], process
    process.kill()
    process.communicate()


@pytest.fixture
def browser():
    """A headless Chromium."""
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root, as in containers.
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def drop(page, name, content):
    """Drops a file; a page takes the next one when the last is answered."""
    page.wait_for_selector("#clip input[type=file]", state="attached")
    page.set_input_files(
        "#clip input[type=file]", {"name": name, "mimeType": "video/avi", "buffer": content}
    )


def plays(page, before=""):
    return page.wait_for_function(PLAYS, arg=before, timeout=60_000).json_value()


def uploads(folder):
    return [path for path in folder.glob("twostream_page_*/**/*") if path.is_file()]


@pytest.mark.slow
@pytest.mark.skipif(not NEEDED, reason="needs gradio, playwright and a Chromium")
def test_a_clip_in_a_label_and_a_playing_video_out(served, browser, clips, tmp_path):
    address, process = served
    clip = (clips / "class0" / "0.avi").read_bytes()
    one, two = browser.new_page(), browser.new_page()
    asked = []
    for page in (one, two):
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
    # At once, with one content: the second waits for the first, and neither loses the file.
    for page in (one, two):
        drop(page, "../../evil $(id).avi", clip)
    shown = [plays(page) for page in (one, two)]
    assert shown[0] != shown[1]
    for page in (one, two):
        label = page.inner_text("#label")
        assert "class0" in label and "class1" in label and "%" in label
        for words in ("spatial", "temporal"):
            assert page.get_by_text(words, exact=True).is_visible()
        assert page.is_visible("#timeline img") and not page.is_visible("#maps img")
    # What is left of a visit is what is shown, under names of our own.
    assert {p.name for p in uploads(tmp_path)} == {"labelled.mp4", "timeline.png"}

    drop(one, "broken.avi", b"RIFF no video")
    one.wait_for_selector("#sentence textarea", timeout=20_000)
    assert one.input_value("#sentence textarea").startswith("This file cannot be labelled. ")
    images = np.zeros((60, 48, 64, 3), np.uint8)
    long = made_up_clips.write(tmp_path / "long.avi", images).read_bytes()
    drop(one, "long.avi", long)
    said = "document.querySelector('#sentence textarea').value"
    one.wait_for_function(f"() => {said}.includes('2 seconds at most. This one lasts 2.4')")

    two.check("#explain input")
    two.locator("#examples button", has_text="3.avi").click()
    plays(two, before=shown[1])
    assert two.is_visible("#maps img")
    for page in (one, two):
        page.close()
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    deadline = time.monotonic() + 20
    while uploads(tmp_path):  # Who left is noticed within seconds.
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143 and "Traceback" not in err
    assert not list(tmp_path.glob("twostream_*"))
    assert (clips / "class1" / "3.avi").exists()  # The example.
