"""How a training is carried out; what each iteration computes stays the same, up to dropout."""

import dataclasses
from typing import ClassVar

from tf_twostream import cli
from tf_twostream.training import hosts

CHECKPOINT_EVERY, AT_LEAST = 500, 20  # Iterations.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Execution(cli.Knobs):
    """The knobs that say where a run lies and how its training goes about its work."""

    group: ClassVar[str] = "machine"

    run_dir: str = cli.knob(
        cli.REQUIRED, "Folder of this run; an interrupted run continues in it.", group="output"
    )
    chunk_size: int = cli.knob(
        0,
        "Samples a device holds at once; gradients of a batch are summed over chunks. 0: all.",
        at_least=0,
    )
    log_every: int = cli.knob(
        20,
        "Iterations between two points of the curves in TensorBoard.",
        group="output",
        at_least=1,
    )
    checkpoint_every: int | None = cli.knob(
        None,
        "Iterations between two checkpoints, each of which is measured on the validation part, if "
        f"there is one. Default: {CHECKPOINT_EVERY}, or a tenth of a training that is shorter than "
        f"{10 * CHECKPOINT_EVERY:,}, but at least {AT_LEAST}. Ctrl-C and SIGTERM write one, too.",
        group="output",
        at_least=1,
    )
    patience: int = cli.knob(
        0,
        "End the training after so many checkpoints in a row that were no better on the validation "
        "part; drops of the learning rate that are yet to come are then left out. 0: never.",
        group="training",
        at_least=0,
    )
    host_timeout: float = cli.knob(
        hosts.TIMEOUT,
        "Seconds to wait for the other hosts of TF_CONFIG or SLURM, where several train together.",
        above=0,
    )
    gpu_memory: float = cli.knob(
        0.0,
        "Most GiB of each GPU that this training takes, as it needs them; 0 for no limit.",
        at_least=0,
    )
    jit_compile: bool = cli.knob(False, "Compile the network with XLA.")
    deterministic: bool = cli.knob(
        False, "Ops that give the same bits in every run on the same machine; slower."
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.deterministic and self.jit_compile:
            raise ValueError(
                "XLA has no deterministic gradient of max-pooling. "
                "Received: `deterministic` and `jit_compile`."
            )

    def checkpoint_interval(self, iterations: int) -> int:
        """Returns the number of iterations between two checkpoints of a training."""
        return self.checkpoint_every or max(AT_LEAST, min(CHECKPOINT_EVERY, iterations // 10))
