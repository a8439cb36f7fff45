"""A GPU computes what a CPU does; without one the comparison itself is tried."""

import dataclasses
import time

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tf_twostream.benchmarks.gpu import agreement, setting

INPUTS = ("volumes, flow stacking", "volumes, trajectories", "RGB views", "dropout mask")


@pytest.fixture
def given(tmp_path):
    """A setting with one pair of frames."""
    scene = tmp_path / "pairs" / "moving"
    scene.mkdir(parents=True)
    noise = cv2.GaussianBlur(np.random.default_rng(0).random((48, 66)), (0, 0), 2)
    frame = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    cv2.imwrite(str(scene / "frame10.png"), frame[:, 2:])
    cv2.imwrite(str(scene / "frame11.png"), frame[:, :-2])
    pairs, reference = str(tmp_path / "pairs"), str(tmp_path / "reference.npz")
    return setting.Setting("", pairs, str(tmp_path), reference, setting.TINY)


@pytest.fixture(autouse=True)
def tf32():
    """Leaves TF32 as it was."""
    yield
    tf.config.experimental.enable_tensor_float_32_execution(True)


@pytest.fixture
def quick(monkeypatch):
    """Leaves out what compiles for long: Brox's flow, and all networks but one."""
    kept = agreement._quantities

    def quantities(given, precision):
        chosen = (*INPUTS, "temporal")
        return {n: work for n, work in kept(given, precision).items() if n in chosen}

    monkeypatch.setattr(agreement, "_quantities", quantities)
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *_: None)


def test_a_cpu_agrees_with_itself(given, quick):
    assert list(agreement.measure(given, precisions=())) == []
    rows = [row for _, row in agreement.measure(given, precisions=("float32", "bfloat16"))]
    assert all(row["agrees"] == "yes" for row in rows)
    names = [row["what"] for row in rows]
    assert [*INPUTS, "temporal: logits", "temporal: loss"] == names[:6]
    assert sum("gradient" in name for name in names) == 2  # The farthest, in each precision.


def test_what_is_far_off_does_not_agree(given):
    expected = {"temporal: loss": np.ones(4), "brox": np.zeros((1, 3, 3, 2))}
    _, row = agreement.compare("temporal: loss", "float32", np.full(4, 1.01), expected)
    assert row["agrees"] == "NO" and row["distance"] == pytest.approx(0.01)
    _, row = agreement.compare("temporal: loss", "TF32", np.full(4, 1.01), expected)
    assert row["agrees"] == "yes"
    _, row = agreement.compare("brox", "float32", np.full((1, 3, 3, 2), 0.1), expected)
    assert row["agrees"] == "NO" and row["mean, px"] == pytest.approx(0.02**0.5)


def test_a_gradient_that_is_no_number_is_the_farthest():
    rows = [("table", {"distance": distance}) for distance in (1.0, float("nan"), 0.0005)]
    assert sorted(rows, key=agreement._farness)[-1] is rows[1]


def test_values_of_other_pairs_or_sizes_are_refused(given, quick, tmp_path):
    list(agreement.measure(given, precisions=()))
    larger = dataclasses.replace(given.size, stack_length=3)
    with pytest.raises(ValueError, match="must hold the values of this size"):
        list(agreement.measure(dataclasses.replace(given, size=larger), precisions=("float32",)))
    (tmp_path / "pairs" / "moving").rename(tmp_path / "pairs" / "other")
    with pytest.raises(ValueError, match="same pairs of frames. Received: .* not of other"):
        list(agreement.measure(given, precisions=("float32",)))


@pytest.mark.gpu
@pytest.mark.parametrize("precisions", [("float32",), ("TF32", "bfloat16")])
def test_a_gpu_agrees_with_the_cpu(given, precisions):
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("needs a GPU")
    from tf_twostream.benchmarks.gpu import jobs

    deadline = time.monotonic() + 600
    found = [
        *jobs.alone("agreement", given, deadline, what="CPU", precisions=()),
        *jobs.alone("agreement", given, deadline, what="GPU", precisions=precisions),
    ]
    assert found and all(row.get("agrees") == "yes" for _, row in found), found
