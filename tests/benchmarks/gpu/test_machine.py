"""The machine is named as far as it says who it is."""

import subprocess

from tf_twostream.benchmarks.gpu import machine, setting


def test_a_machine_without_gpu_has_no_card(monkeypatch):
    monkeypatch.setattr(machine.tf.config, "list_physical_devices", lambda kind: [])
    given = setting.Setting("", "", "", "", setting.TINY)
    [(_, row)] = machine.measure(given)
    assert row["GPU"] == "" and "TensorFlow 2." in row["versions"]
    assert machine.peak("float32") == 0


def test_the_longest_name_that_fits_tells_the_peak(monkeypatch):
    monkeypatch.setattr(machine, "card", lambda: "1 x NVIDIA H100 PCIe, compute capability 9.0")
    assert machine.peak("TF32") == machine.PEAKS["H100 PCIe"]["TF32"]
    monkeypatch.setattr(machine, "card", lambda: "1 x NVIDIA H100 80GB HBM3")
    assert machine.peak("TF32") == machine.PEAKS["H100"]["TF32"]
    for other in ("NVIDIA L40", "NVIDIA RTX A1000", "NVIDIA A10G", "RTX 4090 Laptop GPU"):
        monkeypatch.setattr(machine, "card", lambda other=other: f"1 x {other}")
        assert machine.peak("TF32") == 0, other
    monkeypatch.setattr(machine, "card", lambda: "1 x Tesla T4")
    assert machine.peak("bfloat16") == 0


def test_a_driver_that_does_not_answer_is_no_error(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError("nvidia-smi")

    monkeypatch.setattr(subprocess, "run", missing)
    assert machine.ask("driver_version") == ""
