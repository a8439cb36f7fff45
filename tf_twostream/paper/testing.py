"""The protocols by which whole videos are tested (paper, Sect. 5, "Testing")."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from tf_twostream import cli, paper
from tf_twostream.paper import conv_fusion

if TYPE_CHECKING:  # A recipe says which protocol is that of its paper.
    from tf_twostream.paper.recipe import Recipe

Views = Literal["ten_views", "center", "dense"]
Average = Literal["scores", "logits"]
Checkpoint = Literal["last", "best"]  # Of a run: the last, or the best on its validation part.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Testing(cli.Knobs):
    """The knobs that say which network looks at how much; by default each as in its own paper."""

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
    test_clips: int = cli.knob(
        conv_fusion.TEST_CLIPS,
        "Clips per video of a convolutional fusion, in place of --num_frames.",
        at_least=1,
    )
    test: Views | None = cli.knob(
        None,
        "What is seen of each frame: ten_views, the four corners and the centre, plain and "
        "mirrored (Sect. 5); center, the centre alone, about ten times as fast; or dense, the "
        "whole frame, plain and mirrored, its map of class values averaged. Default: ten_views; "
        "dense of a convolutional fusion.",
    )
    average: Average | None = cli.knob(
        None,
        "What is averaged over the frames of a video: scores, after the softmax, or logits, before "
        "it. Default: scores (Sect. 5); logits of a convolutional fusion.",
    )
    frames_per_batch: int = cli.knob(
        0,
        "Frames, volumes or clips that the device holds at once, with all views each. Default: the "
        f"{paper.TEST_FRAMES} of a video; {paper.SLOW_FUSION_TEST_FRAMES} stacks of slow fusion, "
        "or clips.",
        group="machine",
        at_least=0,
    )

    def of(self, recipe: "Recipe") -> "Protocol":
        """Returns the protocol of a network, with its own defaults in the place of None."""
        return Protocol(
            num_windows=self.test_clips if recipe.sees_clips else self.num_frames,
            views=self.test or recipe.test_views,
            average=self.average or recipe.test_average,
            at_once=self.frames_per_batch or recipe.windows_at_once,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """How the videos are tested by one network.

    Attributes:
        num_windows: Frames, volumes or clips of each video, at equal spacing.
        views: What is seen of each.
        average: What is averaged over views and windows.
        at_once: Windows that the device holds at once.
    """

    num_windows: int
    views: Views
    average: Average
    at_once: int


PAPER = Testing()
