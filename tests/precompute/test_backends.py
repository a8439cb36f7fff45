"""Where the videos of a store are done: here, or on a Ray cluster."""

import importlib.util
import os
import socket
import subprocess
import sys

import made_up_clips
import numpy as np
import pytest

from tf_twostream import store
from tf_twostream.precompute import backends, extraction, filling, resources

SETTINGS = store.Settings.of("dis", shorter_side=32)
RESOURCES = resources.Resources(num_workers=2, timeout=20)
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray")

# In a process of its own: Ray warns of what it does itself, and starts many processes. One machine
# of the cluster is removed, without a word to the driver, when a third of the videos are done.
CLUSTER = """
import os, pathlib, sys, threading, time
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray import cluster_utils
from tf_twostream import commands

cluster = cluster_utils.Cluster(
    initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
)
machine = cluster.add_node(num_cpus=1)
os.environ["RAY_ADDRESS"] = cluster.address

def remove():
    while len(list(pathlib.Path(sys.argv[1]).rglob("video.json"))) < int(sys.argv[2]):
        time.sleep(0.05)
    cluster.remove_node(machine, allow_graceful=False)
    print("one machine is removed", flush=True)

threading.Thread(target=remove, daemon=True).start()
commands.run("precompute_flow", ["precompute_flow", *sys.argv[3:]])
"""


def write_clips(folder, count, num_frames=8):
    """Writes noise that moves 1 px a frame; returns ids and files."""
    clips = []
    for n in range(count):
        texture = np.random.default_rng(n).integers(0, 255, (32, 80, 3)).astype(np.uint8)
        frames = [texture[:, t % 38 : t % 38 + 42] for t in range(num_frames)]
        name = f"class {n % 2}/clip {n}.avi"
        clips.append((name, made_up_clips.write(folder / name, frames)))
    return clips


def contents(path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def job(path, method="dis"):
    settings = store.Settings.of(method, shorter_side=32)
    return extraction.Job("a/clip.avi", str(path), settings, settings.kinds)


def test_a_task_of_a_cluster_returns_what_the_workers_here_send(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "")
    [(_, path)] = write_clips(tmp_path, 1)
    here = [event for _, event in backends.local([job(path)], RESOURCES)]
    there = backends.one_video(job(path), RESOURCES)
    assert len(here) == len(there) == 9
    for a, b in zip(here[:-1], there[:-1]):
        assert a.value.rgb == b.value.rgb
        assert [f.codes for f in a.value.fields.values()] == [
            f.codes for f in b.value.fields.values()
        ]
    assert here[-1] == there[-1]


def test_of_a_video_that_fails_a_task_returns_the_reason_alone(tmp_path):
    [event] = backends.one_video(job(tmp_path / "gone.avi"), RESOURCES)
    assert "no such video" in event.reason


def test_without_ray_one_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(backends.NoRayError, match=r"with ray. Received: no such package."):
        filling.fill(
            write_clips(tmp_path / "clips", 1), path=str(tmp_path / "store"), settings=SETTINGS,
            resources=RESOURCES, backend="ray",
        )  # fmt: skip


class FakeRay:
    """Ray, as far as it is called, with a cluster of this process."""

    class exceptions:  # noqa: N801 (the name of Ray's module)
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            pass

    def __init__(self, outcome=None, gpus=0):
        self.outcome, self.gpus, self.given, self.most, self.is_open = outcome, gpus, {}, 0, False

    def init(self, **kwargs):
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
        self.is_open = True

    def shutdown(self):
        self.is_open = False

    def cluster_resources(self):
        return {"CPU": 2.0, "node:a": 1.0} | ({"GPU": self.gpus} if self.gpus else {})

    def remote(self, **kwargs):
        self.given = kwargs
        return lambda function: self.Task(function)

    class Task:
        def __init__(self, function):
            self.function = function

        def remote(self, *args):
            return lambda: self.function(*args)

    def wait(self, tasks):
        self.most = max(self.most, len(tasks))
        return tasks[-1:], tasks[:-1]  # In another order than they were given in.

    def get(self, task):
        if self.outcome:
            raise self.outcome
        return task()


@pytest.fixture
def use(monkeypatch):
    def put(ray):
        monkeypatch.setitem(sys.modules, "ray", ray)
        monkeypatch.setenv("TF_XLA_FLAGS", "")
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        return ray

    return put


def test_few_videos_wait_at_a_time_and_the_cluster_is_left(tmp_path, use):
    ray = use(FakeRay())
    clips = write_clips(tmp_path / "clips", 5)
    common = {"settings": SETTINGS, "resources": RESOURCES}
    outcome = filling.fill(clips, path=str(tmp_path / "ray"), backend="ray", **common)
    assert len(outcome.done) == 5 and not ray.is_open
    assert ray.most == 2 * backends.VIDEOS_PER_CORE
    filling.fill(clips, path=str(tmp_path / "local"), **common)
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


@pytest.mark.parametrize(
    ("method", "gpus", "share"), [("brox", 2, 0.25), ("brox", 0, 0), ("dis", 2, 0)]
)
def test_a_gpu_is_asked_for_where_there_are_some_and_flow_is_solved_on_it(
    tmp_path, use, method, gpus, share
):
    ray = use(FakeRay(ValueError("enough"), gpus))
    with pytest.raises(ValueError, match="enough"):
        list(backends.on_ray([job(tmp_path, method)], RESOURCES))
    assert ray.given["num_gpus"] == share
    assert ray.given["max_calls"] == 0
    assert not ray.is_open


def test_a_video_that_the_cluster_loses_again_and_again_fails_alone(tmp_path, use):
    use(FakeRay(FakeRay.exceptions.RayError("the raylet is gone")))
    [(_, event)] = backends.on_ray([job(tmp_path)], RESOURCES)
    assert event.reason == "lost 6 times by the cluster (RayError)"


def test_machines_that_lack_the_program_end_the_run_with_a_line(tmp_path, use):
    error = FakeRay.exceptions.RayTaskError("ray::one_video()\nModuleNotFoundError: No module a.\n")
    use(FakeRay(error))
    with pytest.raises(backends.RayClusterError, match="Received: ModuleNotFoundError: No module"):
        list(backends.on_ray([job(tmp_path)], RESOURCES))


def test_a_cluster_that_does_not_answer_is_named_at_once(tmp_path, use, monkeypatch):
    use(FakeRay())
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(backends.RayClusterError, match=f"Received: {address} "):
        list(backends.on_ray([job(tmp_path)], RESOURCES))


@needs_ray
@pytest.mark.slow
def test_a_machine_that_dies_in_the_middle_changes_no_byte(tmp_path, root):
    clips = write_clips(tmp_path / "clips", 24, num_frames=60)
    flags = ["--dataset=folders", "--method=dis", "--shorter_side=32", "--backend=ray"]
    flags += [f"--videos_dir={tmp_path / 'clips'}", f"--store={tmp_path / 'ray'}"]
    done = subprocess.run(
        [sys.executable, "-c", CLUSTER, tmp_path / "ray", "8", *flags],
        cwd=root, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "one machine is removed" in done.stdout
    filling.fill(clips, path=str(tmp_path / "local"), settings=SETTINGS, resources=RESOURCES)
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
