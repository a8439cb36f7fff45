"""What is measured, and how large: at the paper's size on a GPU, tiny without one."""

import dataclasses
import math
from typing import Any

from tf_twostream import paper
from tf_twostream.paper import recipes


@dataclasses.dataclass(frozen=True)
class Size:
    """How large networks, batches and frames are.

    Attributes:
        crop_size: Side of the networks' input in pixels.
        width: Of the networks, a share of the paper's.
        batch_size: Samples per iteration.
        compared: Samples of the batch on which a GPU and a CPU are compared.
        stack_length: L.
        num_classes: K.
        learning_rate: Of the real training.
        frame: Height and width in pixels.
        num_pairs: Most pairs of frames whose flow is compared.
        num_frames: How many frames, of whole clips, make the store whose flow is timed.
        pairs_at_once: The numbers of pairs that are solved together.
        seconds: How long to measure each rate, in seconds.
        training_seconds: Most time of the real training, in seconds.
    """

    crop_size: int
    width: float
    batch_size: int
    compared: int
    stack_length: int
    num_classes: int
    learning_rate: float
    frame: tuple[int, int]
    num_pairs: int
    num_frames: int
    pairs_at_once: tuple[int, ...]
    seconds: float
    training_seconds: float = math.inf


FULL = Size(
    crop_size=paper.CROP_SIZE,
    width=1.0,
    batch_size=paper.BATCH_SIZE,
    compared=4,
    stack_length=paper.STACK_LENGTH,
    num_classes=101,  # UCF-101's.
    learning_rate=paper.LEARNING_RATE,
    frame=(256, 341),  # UCF-101's, rescaled as in the paper.
    num_pairs=8,
    num_frames=2000,
    pairs_at_once=(1, 16, 64),
    seconds=2.0,
)
TINY = Size(
    crop_size=41,
    width=0.05,
    batch_size=4,
    compared=2,
    stack_length=2,
    num_classes=5,
    learning_rate=1e-3,
    frame=(48, 64),
    num_pairs=1,
    num_frames=30,  # Each size of frames compiles anew.
    pairs_at_once=(1, 2),
    seconds=0.2,
    training_seconds=44.0,
)


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is measured on what.

    Attributes:
        store: The store whose clips are read.
        pairs: Folder of pairs of frames, see `trials.read_pairs`.
        output_dir: Where results, profiles, logs and runs go.
        reference: The file with what the CPU computes.
        size: How large.
        gpu: Whether TensorFlow sees a GPU.
    """

    store: str
    pairs: str
    output_dir: str
    reference: str
    size: Size
    gpu: bool = False

    def recipe(self, stream: str, **knobs: Any) -> Any:
        """Returns the recipe of a network of this size, with further knobs."""
        own = {"crop_size": self.size.crop_size, "width": self.size.width}
        own |= {"batch_size": self.size.batch_size, "dropout_rate": paper.DROPOUT_RATE}
        if recipes.RECIPES[stream].sees_flow:
            own["stack_length"] = self.size.stack_length
        return recipes.RECIPES[stream](**own | knobs)
