"""The hosts of a training, from the variables that SLURM's `srun` gives to each task.

TensorFlow has a reader of its own, which takes tasks for dealt out node by node whatever srun was
told, asks nvidia-smi for GPUs, and says nothing of what it cannot read. Here a task finds itself by
its node and its number there, which do not depend on how tasks are dealt out.
"""

import itertools
import os
import re

_NODES, _COUNTS = "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE"
_NODE, _TASK = "SLURMD_NODENAME", "SLURM_LOCALID"
_JOB, _STEP = "SLURM_JOB_ID", "SLURM_STEP_ID"
# Above the ports of services and below those that systems give to callers.
FIRST_PORT, NUM_PORTS = 20_000, 10_000


class SlurmError(ValueError):
    """SLURM's variables do not describe hosts that train together."""


def read_addresses() -> tuple[tuple[str, ...], str] | None:
    """Returns "host:port" of all tasks of a step of SLURM, and that of this one.

    Returns:
        The addresses, in the order of SLURM's nodes; None outside a step of several tasks.

    Raises:
        SlurmError: If the variables contradict each other, or one is missing.
    """
    if os.environ.get("SLURM_STEP_NUM_TASKS", "1") == "1":
        return None
    try:
        nodes = expand_nodes(os.environ[_NODES])
        counts = expand_counts(os.environ[_COUNTS])
        own = (os.environ[_NODE], int(os.environ[_TASK]))
        # A port per task, and other ones for the next job on the same machine.
        job = 10 * int(os.environ[_JOB]) + int(os.environ[_STEP])
        tasks = [(node, n) for node, count in zip(nodes, counts, strict=True) for n in range(count)]
        addresses = tuple(f"{node}:{FIRST_PORT + (job + n) % NUM_PORTS}" for node, n in tasks)
        return addresses, addresses[tasks.index(own)]
    except (KeyError, ValueError) as error:
        names = (_NODES, _COUNTS, _NODE, _TASK, _JOB, _STEP)
        given = " ".join(f"{name}={os.environ.get(name, '')}" for name in names)
        rule = "SLURM's variables must name the tasks of a step, and which of them this one is"
        raise SlurmError(f"{rule}. Received: {given}.") from error


def expand_nodes(text: str) -> list[str]:
    """Expands SLURM's list of nodes.

    Args:
        text: Such as "a[01-03,07],b".

    Returns:
        Such as a01, a02, a03, a07, b.

    Raises:
        ValueError: If it is no such list.
    """
    nodes = []
    # Commas part nodes outside brackets only.
    for part in re.findall(r"(?:[^,\[\]]|\[[^\]]*\])+", text):
        fixed, ranges = re.split(r"\[.*?\]", part), re.findall(r"\[(.*?)\]", part)
        for numbers in itertools.product(*map(_expand_ranges, ranges)):
            pairs = itertools.zip_longest(fixed, numbers, fillvalue="")
            nodes.append("".join(itertools.chain(*pairs)))
    return nodes


def _expand_ranges(text: str) -> list[str]:
    """Expands "01-03,07" to 01, 02, 03, 07."""
    numbers = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += [f"{n:0{len(first)}}" for n in range(int(first), int(last or first) + 1)]
    return numbers


def expand_counts(text: str) -> list[int]:
    """Expands SLURM's numbers of tasks per node.

    Args:
        text: Such as "2(x3),1".

    Returns:
        Such as 2, 2, 2, 1.

    Raises:
        ValueError: If it is no such list.
    """
    counts = []
    for part in text.split(","):
        count, _, times = part.rstrip(")").partition("(x")
        counts += [int(count)] * int(times or 1)
    return counts
