"""The parts of the measurement, in their order, each bounded in time (`measure`)."""

import dataclasses
import functools
import os
import time
from collections.abc import Callable, Iterator

from tf_twostream.benchmarks.gpu import jobs, report, setting, trainings
from tf_twostream.benchmarks.gpu.jobs import Finding, alone
from tf_twostream.benchmarks.gpu.setting import Setting

REFERENCE = "reference.npz"  # In the output folder, where none was named.
MOST_SECONDS_WITHOUT_GPU = 120.0
WITHOUT_GPU = (
    "No GPU: everything is tiny, and these are left out: the card's peak, memory and use, TF32, "
    "and a GPU's distance from the CPU (the CPU is compared with itself)."
)


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of the measurement.

    Attributes:
        title: For people.
        share: Of the whole time. What a part leaves goes to those after it.
        work: From the setting and a deadline to what is found.
    """

    title: str
    share: float
    work: Callable[[Setting, float], Iterator[Finding]]


def agree(given: Setting, deadline: float) -> Iterator[Finding]:
    """Compares the GPU with the CPU."""
    run = functools.partial(alone, "agreement", given, deadline)
    if not os.path.exists(given.reference):
        yield from run(what="the CPU's values", precisions=())
    yield from run(what="agreement in float32", precisions=("float32",))
    precisions = ("TF32", "bfloat16") if given.gpu else ("bfloat16",)
    yield from run(what=f"agreement in {' and '.join(precisions)}", precisions=precisions)


def step(given: Setting, deadline: float) -> Iterator[Finding]:
    """Measures training steps, and those of PyTorch."""
    run = functools.partial(alone, "throughput", given, deadline)
    if given.gpu:
        yield from run(what="steps in TF32 and bfloat16", precisions=("TF32", "bfloat16"))
        yield from alone("torch_steps", given, deadline, what="PyTorch")
    yield from run(what="steps in float32", precisions=("float32",))
    if not given.gpu:
        yield from alone("torch_steps", given, deadline, what="PyTorch")


def feed(given: Setting, deadline: float) -> Iterator[Finding]:
    """Measures steps with the real input graph."""
    for stream in ("temporal", "spatial"):
        yield from alone("feeding", given, deadline, what=f"input, {stream}", stream=stream)


def solve(given: Setting, deadline: float) -> Iterator[Finding]:
    """Measures Brox's flow, alone and in `precompute-flow`."""
    for method in ("brox", "brox_opencv") if given.gpu else ("brox",):
        yield from alone("flow_rates", given, deadline, what=f"flow, {method}", method=method)
    yield from trainings.compute_flow(given, deadline)


PARTS = (
    Part("Agreement with the CPU", 0.25, agree),
    Part("Training steps", 0.22, step),
    Part("Input", 0.13, feed),
    Part("Flow", 0.17, solve),
    Part("A real training", 0.23, trainings.train),
)


def measure(given: Setting, *, total_seconds: float) -> str:
    """Measures all parts, and writes OUTPUT_DIR/gpu.json and gpu.md as their results come.

    Args:
        given: What is measured. Without a GPU its size is replaced by a tiny one.
        total_seconds: About how long all parts may take together, in seconds; less without a GPU.

    Returns:
        The report as Markdown.

    Raises:
        FileExistsError: If there are results in the output folder already.
        ChildProcessError: If TensorFlow does not start.
    """
    start = time.monotonic()
    # Its runs and its store would be continued, which takes less time than to make them.
    if os.path.exists(os.path.join(given.output_dir, f"{report.NAME}.json")):
        rule = "`output_dir` must hold no earlier results"
        raise FileExistsError(f"{rule}. Received: {given.output_dir}.")
    os.makedirs(given.output_dir, exist_ok=True)
    _choose_card()
    found = list(alone("machine", given, start + 120, what="TensorFlow"))
    [(table, machine)] = found
    if table == jobs.LEFT_OUT:
        raise ChildProcessError(f"TensorFlow must start. Received: {machine['why']}.")
    given = dataclasses.replace(given, gpu=bool(machine["GPU"]))
    if not given.gpu:
        given = dataclasses.replace(given, size=setting.TINY)
        machine = machine | {"note": WITHOUT_GPU}
        total_seconds = min(total_seconds, MOST_SECONDS_WITHOUT_GPU)
    if not given.reference:
        given = dataclasses.replace(given, reference=os.path.join(given.output_dir, REFERENCE))
    kept = report.Report(given.output_dir, machine)
    for number, part in enumerate(PARTS):
        began = time.monotonic()
        left = max(0.0, start + total_seconds - began)
        share = part.share / sum(later.share for later in PARTS[number:])
        kept.begin(part.title)
        print(f"== {part.title}, at most {left * share:.0f} s", flush=True)
        try:
            for finding in part.work(given, began + left * share):
                kept.add(finding)
            state = "done"
        except Exception as error:  # Whatever goes wrong in one part, the others are measured.
            state = f"failed: {type(error).__name__}: {error}"
        kept.end(state, time.monotonic() - began)
    return kept.markdown()


def _choose_card() -> None:
    """Shows one card alone to all processes that measure: rates are those of one."""
    first, *_ = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")
    os.environ["CUDA_VISIBLE_DEVICES"] = first
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # As `nvidia-smi` counts.


def write_reference(given: Setting) -> None:
    """Computes what the CPU gives at the paper's size, and writes it to the file of the setting.

    Raises:
        ChildProcessError: If that fails.
    """
    what = "the CPU's values"
    for _, row in alone("agreement", given, time.monotonic() + 3600, what=what, precisions=()):
        raise ChildProcessError(f"{what} could not be computed: {row['why']}.")
