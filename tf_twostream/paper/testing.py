"""The protocol by which whole videos are tested (paper, Sect. 5, "Testing")."""

import dataclasses
from typing import ClassVar, Literal

from tf_twostream import cli, paper

Views = Literal["ten_views", "center"]
Checkpoint = Literal["last", "best"]  # Of a run: the last, or the best on its validation part.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Testing(cli.Knobs):
    """The knobs that say which network looks at how much; the paper's protocol by default."""

    group: ClassVar[str] = "network"

    checkpoint: Checkpoint = cli.knob(
        "last",
        "The last checkpoint, as in the paper, or the one that was best on the validation part.",
    )
    num_frames: int = cli.knob(
        paper.TEST_FRAMES,
        "Frames, or volumes, per video, at equal spacing; a single one is the middle (Sect. 5).",
        at_least=1,
    )
    test: Views = cli.knob(
        "ten_views",
        "Views of each frame: the four corners and the centre, plain and mirrored (Sect. 5), or "
        "the centre alone, about ten times as fast.",
    )
    frames_per_batch: int = cli.knob(
        0,
        "Frames, or volumes, that the device holds at once, with all views each. Default: the "
        f"{paper.TEST_FRAMES} of a video; {paper.SLOW_FUSION_TEST_FRAMES} stacks of slow fusion.",
        group="machine",
        at_least=0,
    )


PAPER = Testing()
