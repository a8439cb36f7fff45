"""Names the machine: card, driver, versions; and what the card could do at best."""

import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tf_twostream.benchmarks.gpu.jobs import Finding
from tf_twostream.benchmarks.gpu.setting import Setting
from tf_twostream.processes import workers

# TFLOP/s of dense products by precision, from NVIDIA's data sheets; the longest name that a card's
# name contains counts. Cards before Ampere have neither TF32 nor bfloat16.
PEAKS: dict[str, dict[str, float]] = {
    "H200": {"float32": 67, "TF32": 494, "bfloat16": 989},
    "H100": {"float32": 67, "TF32": 494, "bfloat16": 989},
    "H100 PCIe": {"float32": 51, "TF32": 378, "bfloat16": 756},
    "A100": {"float32": 19.5, "TF32": 156, "bfloat16": 312},
    "L40S": {"float32": 91.6, "TF32": 183, "bfloat16": 362},
    "L4": {"float32": 30.3, "TF32": 60, "bfloat16": 121},
    "A10": {"float32": 31.2, "TF32": 62.5, "bfloat16": 125},
    "RTX 4090": {"float32": 82.6, "TF32": 82.6, "bfloat16": 165},
    "RTX 3090": {"float32": 35.6, "TF32": 35.6, "bfloat16": 71},
    "V100": {"float32": 15.7},
    "T4": {"float32": 8.1},
}


def measure(setting: Setting) -> Iterator[Finding]:
    """Yields one row: all that names the machine. "GPU" is empty where there is none."""
    build: dict[str, Any] = dict(tf.sysconfig.get_build_info())
    cuda = ", ".join(
        f"{name} {build[f'{key}_version']}"
        for name, key in (("CUDA", "cuda"), ("cuDNN", "cudnn"))
        if f"{key}_version" in build
    )
    versions = (f"{name} {importlib.metadata.version(name)}" for name in ("keras", "numpy"))
    yield (
        "Machine",
        {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "GPU": card(),
            "driver, memory": ask("driver_version,memory.total"),
            "processor": f"{_processor()}, {workers.count_cores()} cores",
            "versions": f"TensorFlow {tf.__version__} built for {cuda or 'the CPU'}, "
            f"{', '.join(versions)}, Python {platform.python_version()}",
        },
    )


def card() -> str:
    """Names the first GPU that TensorFlow sees, and its compute capability; empty for none."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return ""
    details = tf.config.experimental.get_device_details(gpus[0])
    capability = ".".join(map(str, details.get("compute_capability", ())))
    return f"{len(gpus)} x {details.get('device_name', 'GPU')}, compute capability {capability}"


def peak(precision: str) -> float:
    """Returns the TFLOP/s that the card's data sheet promises; 0 if it is not known."""
    # As a word: an L40 is no L4. Cards of laptops have the names of faster ones.
    own = card()
    names = [name for name in PEAKS if re.search(rf"\b{name}\b", own) and "Laptop" not in own]
    return PEAKS[max(names, key=len)].get(precision, 0.0) if names else 0.0


def ask(query: str) -> str:
    """Asks `nvidia-smi` about the first GPU; returns an empty text where it cannot answer."""
    call = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits"]
    call.append(f"--id={os.environ.get('CUDA_VISIBLE_DEVICES', '0')}")
    try:
        answer = subprocess.run(call, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
