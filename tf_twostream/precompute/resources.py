"""How fast videos are done, not what comes out."""

import dataclasses
from typing import ClassVar

from tf_twostream import cli
from tf_twostream.processes import workers


@dataclasses.dataclass(frozen=True)
class Resources(cli.Knobs):
    """The knobs that say what the machine may spend on decoding and flow."""

    group: ClassVar[str] = "machine"

    num_workers: int = cli.knob(
        0, "Worker processes, and threads of Brox's flow on a CPU; 0 is one per core.", at_least=0
    )
    timeout: float = cli.knob(
        60.0, "Seconds without a new frame after which a video is given up as hung.", above=0
    )
    flow_memory: float = cli.knob(
        2.0, "GiB that a batch of pairs may take on each GPU while Brox's flow is solved.", above=0
    )

    @property
    def num_processes(self) -> int:
        """How many workers that means on this machine."""
        return self.num_workers or workers.count_cores()


WHOLE_MACHINE = Resources()
