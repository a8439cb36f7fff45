"""How the tasks of a network share a mini-batch (paper, Sect. 4)."""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from tf_twostream import cli


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharing(cli.Knobs):
    """The knobs that say how tasks share a mini-batch and how each loss is normalised (ours).

    The paper leaves both open: "The overall training loss is computed as the sum of the individual
    tasks' losses." By default each task has the same share, and its loss is the mean over its own
    samples: the gradient of each task is as exact as that of the others, and no data set counts for
    more in the sum because it is larger.
    """

    group: ClassVar[str] = "training"

    batch_shares: Literal["equal", "by_videos"] = cli.knob(
        "equal",
        "Samples of each task in a mini-batch: equal, or by_videos, in proportion to the training "
        "videos, as if the data sets were one.",
    )
    loss_divisor: Literal["task", "batch"] = cli.knob(
        "task",
        "What the sum of a task's losses is divided by: task, its samples in the mini-batch, or "
        "batch, all samples, so that a task weighs as much as it has samples.",
    )

    def batch_sizes(self, batch_size: int, num_videos: Sequence[int]) -> list[int]:
        """Shares a mini-batch among tasks.

        Args:
            batch_size: Samples per iteration.
            num_videos: Training videos of each task.

        Returns:
            Samples of each task; they add up to `batch_size` and are multiples of 8 where that is
            one, so that up to 8 devices can split each share.

        Raises:
            ValueError: If the tasks cannot have equal shares, or one would have none.
        """
        count = len(num_videos)
        if self.batch_shares == "equal":
            if batch_size % count:
                raise ValueError(
                    f"`batch_size` must be a multiple of the number of tasks, {count}, for equal "
                    f"shares. Received: batch_size={batch_size}."
                )
            return [batch_size // count] * count
        # Machines have up to 8 GPUs, and every task's share must divide evenly among them.
        unit = math.gcd(batch_size, 8)
        # Rounding the ends, not the shares, makes them add up.
        ends = np.cumsum(num_videos) / sum(num_videos) * (batch_size // unit)
        sizes = np.diff(np.rint(ends), prepend=0).astype(int) * unit
        if sizes.min() < 1:
            given = f"batch_size={batch_size} for {', '.join(map(str, num_videos))} videos"
            raise ValueError(f"Each task must have samples in a mini-batch. Received: {given}.")
        return sizes.tolist()

    def divisor(self, samples: int, batch_size: int) -> int:
        """Returns what the sum of a task's losses is divided by.

        Args:
            samples: The task's samples in a mini-batch.
            batch_size: All samples in it.
        """
        return samples if self.loss_divisor == "task" else batch_size
