"""Parts follow one another, whatever becomes of each."""

import json
import os

import cv2
import numpy as np
import pytest

from tf_twostream.benchmarks.gpu import jobs, parts, setting

MACHINE = {"GPU": "1 x NVIDIA T4", "date": "2026-11-28"}


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """Measures made-up parts on a made-up machine; returns the JSON report and the settings."""

    # `measure` shows one card; put back what was shown before.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", os.environ.get("CUDA_VISIBLE_DEVICES", "-1"))
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")

    def call(*works, machine=MACHINE, total_seconds=100.0):
        seen = []

        def follow(work):
            def inner(given, deadline):
                seen.append((given, deadline - parts.time.monotonic()))
                return work(given, deadline)

            return inner

        own = [parts.Part(f"part {n}", 1 / len(works), follow(w)) for n, w in enumerate(works)]
        monkeypatch.setattr(parts, "PARTS", tuple(own))
        monkeypatch.setattr(parts, "alone", lambda *_, **__: iter([("Machine", machine)]))
        given = setting.Setting("store", "pairs", str(tmp_path), "", setting.FULL)
        text = parts.measure(given, total_seconds=total_seconds)
        assert (tmp_path / "gpu.md").read_text() == text
        return json.loads((tmp_path / "gpu.json").read_text()), seen

    return call


def works(given, deadline):
    yield "Rates", {"a": 1}


def fails(given, deadline):
    yield "Rates", {"a": 2}
    raise OSError("no disk")


def test_a_part_that_fails_takes_no_other_along(measure):
    report, _ = measure(fails, works)
    first, second = report["parts"]
    assert first["state"] == "failed: OSError: no disk" and second["state"] == "done"
    assert first["tables"] == {"Rates": [{"a": 2}]}


def test_what_a_part_leaves_of_its_time_goes_to_the_next(measure):
    _, [(_, first), (_, second)] = measure(works, works)
    assert first == pytest.approx(50, abs=1) and second == pytest.approx(100, abs=1)


def test_without_a_gpu_all_is_tiny_and_short_and_said(measure):
    report, [(given, seconds)] = measure(works, machine={"GPU": ""}, total_seconds=1e6)
    assert given.size == setting.TINY and not given.gpu
    assert seconds <= parts.MOST_SECONDS_WITHOUT_GPU
    assert report["machine"]["note"].startswith("No GPU")


def test_earlier_results_are_not_mixed_with_new_ones(measure):
    measure(works)
    with pytest.raises(FileExistsError, match="no earlier results"):
        measure(works)


@pytest.mark.parametrize(("shown", "measured"), [(None, "0"), ("2,3", "2"), ("-1", "-1")])
def test_one_card_is_measured(measure, monkeypatch, shown, measured):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if shown:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    measure(works)
    assert parts.os.environ["CUDA_VISIBLE_DEVICES"] == measured


def test_tensorflow_that_does_not_start_is_an_error(tmp_path, monkeypatch):
    left_out = (jobs.LEFT_OUT, {"what": "TensorFlow", "why": "crashed"})
    monkeypatch.setattr(parts, "alone", lambda *_, **__: iter([left_out]))
    given = setting.Setting("store", "pairs", str(tmp_path), "", setting.FULL)
    with pytest.raises(ChildProcessError, match="must start. Received: crashed"):
        parts.measure(given, total_seconds=1)
    with pytest.raises(ChildProcessError, match="could not be computed: crashed"):
        parts.write_reference(given)


@pytest.mark.slow
def test_all_parts_run_without_a_gpu(tiny_store, tmp_path):
    scene = tmp_path / "pairs" / "moving"
    scene.mkdir(parents=True)
    noise = cv2.GaussianBlur(np.random.default_rng(0).random((64, 96)), (0, 0), 2)
    frame = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    cv2.imwrite(str(scene / "frame10.png"), frame[:, 2:])
    cv2.imwrite(str(scene / "frame11.png"), frame[:, :-2])
    out, pairs = str(tmp_path / "out"), str(tmp_path / "pairs")
    given = setting.Setting(tiny_store[0], pairs, out, "", setting.FULL)
    parts.measure(given, total_seconds=200)
    report = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert [part["state"] for part in report["parts"]] == ["done"] * len(parts.PARTS)
    assert all(part["tables"] for part in report["parts"])
    assert not any(jobs.LEFT_OUT in part["tables"] for part in report["parts"]), report
    agreement = report["parts"][0]["tables"]["Distance from the CPU's values, relative"]
    assert all(row["agrees"] == "yes" for row in agreement)
