"""The command that fills a store."""

import importlib.util
import pathlib
import signal
import time

import cv2
import numpy as np
import pytest

from tf_twostream import datasets, store
from tf_twostream.commands.precompute_flow import FlowFlags
from tf_twostream.precompute import filling
from tf_twostream.precompute.resources import Resources

NUM_VIDEOS = 12


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Twelve clips of 40 frames in two classes, and one broken file."""
    folder = tmp_path_factory.mktemp("clips")
    for n in range(NUM_VIDEOS):
        texture = np.random.default_rng(n).integers(0, 255, (48, 110, 3)).astype(np.uint8)
        path = folder / f"class {n % 2}" / f"clip {n}.avi"
        path.parent.mkdir(exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
        for t in range(40):
            writer.write(texture[:, t : t + 64])
        writer.release()
    (folder / "class 0/broken.avi").write_bytes(b"RIFF")
    return folder


@pytest.fixture
def fill(start):
    """Starts the command with flags."""

    def call(**flags):
        words = [f"--{name}={value}" for name, value in flags.items()]
        return start("data_tools/precompute_flow.py", *words)

    return call


def contents(path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def count_complete(path) -> int:
    return len(list(pathlib.Path(path).rglob("video.json")))


def test_killed_twice_and_resumed_equals_uninterrupted(fill, clips, tmp_path):
    flags = {"dataset": "folders", "videos_dir": clips, "shorter_side": 64, "num_workers": 2}
    flags["method"] = "dis"
    flags["split"] = 2  # As for training; here it changes nothing.
    for fewest in (2, 5):
        killed = fill(store=tmp_path / "killed", **flags)
        while count_complete(tmp_path / "killed") < fewest and killed.poll() is None:
            time.sleep(0.005)
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=30)  # Ends when no worker holds the pipes any more.
        assert fewest <= count_complete(tmp_path / "killed") < NUM_VIDEOS
        assert not (tmp_path / "killed/index.npz").exists()
    resumed = fill(store=tmp_path / "killed", **flags)
    output, errors = resumed.communicate(timeout=120)
    assert resumed.returncode == 1, errors  # Because of the broken file.
    assert "1 failed" in output and "failed.csv" in output and "broken.avi" in errors
    filling.fill(
        datasets.list_videos(datasets.Source("folders", str(clips))),
        path=str(tmp_path / "whole"),
        settings=store.Settings.of("dis", shorter_side=64),
        resources=Resources(num_workers=1),
    )
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert "broken.avi" in (tmp_path / "whole/failed.csv").read_text()


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")
@pytest.mark.slow
def test_a_run_on_a_cluster_that_is_ended_is_continued_here(fill, clips, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "local")  # A cluster of this machine alone.
    flags = {"dataset": "folders", "videos_dir": clips, "shorter_side": 64, "method": "dis"}
    ended = fill(store=tmp_path / "ended", backend="ray", **flags)
    while not count_complete(tmp_path / "ended") and ended.poll() is None:
        time.sleep(0.005)
    ended.send_signal(signal.SIGTERM)
    _, errors = ended.communicate(timeout=120)
    assert ended.returncode == 143, errors
    assert 0 < count_complete(tmp_path / "ended") < NUM_VIDEOS
    assert not list((tmp_path / "ended").rglob("*.partial"))
    for name in ("ended", "whole"):
        _, errors = (process := fill(store=tmp_path / name, **flags)).communicate(timeout=120)
        assert process.returncode == 1, errors  # Because of the broken file.
    assert contents(tmp_path / "ended") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("names", "received"),
    [
        (["1.avi", "2.avi"], "class. Received: '1.avi'"),
        (["a/1.avi", "a/2.avi"], "Received one: 'a'"),
        (["train/a/1.avi", "train/b/2.avi"], "like parts.* Received: train"),
        (["train/a/1.avi", "val/b/2.avi"], "none of: b"),
    ],
)
def test_no_flow_is_computed_for_videos_of_which_no_split_can_be_made(
    here, tmp_path, names, received
):
    for name in names:
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / name).touch()
    with pytest.raises(ValueError, match=received):
        here(
            "precompute_flow", "--dataset=folders", f"--videos_dir={tmp_path / 'clips'}",
            f"--store={tmp_path / 'store'}",
        )  # fmt: skip
    assert not (tmp_path / "store").exists()


def test_the_split_is_said_before_the_work(here, clips, tmp_path, capsys):
    code = here(
        "precompute_flow", "--dataset=folders", f"--videos_dir={clips}", "--method=dis",
        f"--store={tmp_path / 'store'}", "--shorter_side=16",
    )  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert code == 1  # Because of the broken file.
    assert lines[0] == "folders draw 1: 2 classes, 9 training, 4 test videos."
    assert lines[1].startswith(f"{tmp_path / 'store'}: 12 videos done")


@pytest.mark.parametrize(
    ("knobs", "received"),
    [
        ({"directions": ("backward",)}, "backward"),
        ({"directions": ("forward", "forward")}, "forward,forward"),
        ({"shorter_side": 8}, "shorter_side=8"),
        ({"method": "nobody"}, "method='nobody'"),
    ],
)
def test_what_makes_no_store_is_refused(knobs, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        FlowFlags(**knobs)
