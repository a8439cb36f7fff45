"""The table of flow methods: what each is made of, and who computes it.

Those of OpenCV take one pair of frames after the other and run in worker processes. Brox's method
is solved in TensorFlow, by the process that writes the store, many pairs at once on a GPU. This
module imports no TensorFlow, because the workers look into the table, too.
"""

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from tf_twostream.flow import opencv, presets, variational


def checked(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yields the frames of a video if they are grey frames `[H, W]` uint8 of one size.

    Raises:
        ValueError: If they are not.
    """
    rule = "Flow must be that of grey frames [H, W] uint8 of one size"
    if isinstance(frames, (str, os.PathLike)):
        raise ValueError(f"{rule}, as a video decodes to. Received: the path {frames}.")
    shape = None
    for number, frame in enumerate(frames):
        found = np.asarray(frame)
        shape = found.shape if shape is None else shape
        if found.ndim != 2 or found.dtype != np.uint8 or found.shape != shape:
            given = f"{list(found.shape)} {found.dtype} as frame {number}"
            raise ValueError(f"{rule}. Received: {given}.")
        yield found


@dataclasses.dataclass(frozen=True)
class PairByPair:
    """A method of OpenCV.

    Attributes:
        make: Makes an estimator for pairs of grey frames (see `opencv`).
        parameters: Returns what decides the fields, JSON-able.
        solver: None: TensorFlow does not solve it.
    """

    make: Callable[[], opencv.PairEstimator]
    parameters: Callable[[], dict[str, Any]]
    solver: ClassVar[None] = None

    def fields(self, frames: Iterable[np.ndarray], *, backward: bool) -> Iterator[np.ndarray]:
        """Yields the fields of a video as `flow.fields` describes them."""
        estimate = self.make()
        for earlier, later in itertools.pairwise(checked(frames)):
            yield estimate(later, earlier) if backward else estimate(earlier, later)


@dataclasses.dataclass(frozen=True)
class Solved:
    """Brox's method.

    Attributes:
        solver: Its numbers.
        make: None: it is not solved pair by pair.
    """

    solver: presets.Parameters
    make: ClassVar[None] = None

    def parameters(self) -> dict[str, Any]:
        """Returns what decides the fields, JSON-able."""
        # No version of TensorFlow: the method is our own, whichever release runs it.
        return dataclasses.asdict(self.solver)

    def fields(self, frames: Iterable[np.ndarray], *, backward: bool) -> Iterator[np.ndarray]:
        """Yields the fields of a video as `flow.fields` describes them."""
        from tf_twostream.flow import brox  # TensorFlow costs a worker 3 to 7 s and 600 MB.

        return brox.fields(frames, parameters=self.solver, backward=backward)


Method = PairByPair | Solved

METHODS: dict[str, Method] = {
    "dis": PairByPair(opencv.dis, opencv.dis_parameters),
    "variational": PairByPair(variational.estimator, variational.parameters),
    "tvl1": PairByPair(opencv.tvl1, opencv.tvl1_parameters),
    "farneback": PairByPair(opencv.farneback, opencv.farneback_parameters),
    "brox": Solved(presets.FAST),
    "brox_opencv": Solved(presets.OPENCV),
}
