"""The recipes of networks of one stream: which records each sees, and where it departs."""

import dataclasses
from typing import ClassVar, Literal

from tf_twostream import cli, paper
from tf_twostream.paper.recipe import Kind, StartError, TowerRecipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpatialRecipe(TowerRecipe):
    """The recipe of a network on single RGB frames (Sect. 2)."""

    stream: ClassVar[str] = "spatial"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TemporalRecipe(TowerRecipe):
    """The recipe of a network on volumes of stacked optical flow (Sect. 3)."""

    stream: ClassVar[str] = "temporal"
    sees_flow: ClassVar[bool] = True

    stack_length: int = cli.knob(
        paper.STACK_LENGTH,
        "L, flow fields per volume (Sect. 3.1, eq. 1).",
        group="network",
        at_least=1,
    )
    stacking: Literal["flow", "trajectory"] = cli.knob(
        "flow",
        "Where each field of a volume is read: flow, at the pixel itself (Sect. 3.1, eq. 1); "
        "trajectory, where the pixel has moved to by then (eq. 2).",
        group="network",
    )
    bidirectional: bool = cli.knob(
        False,
        "Stack L/2 forward fields from frame tau and L/2 backward fields before it (Sect. 3.1); "
        "needs a store with --directions=forward,backward.",
        group="network",
    )
    cross_modality: bool = cli.knob(
        False,
        "Start the first layer from that of --init_from, a spatial network: the mean over its "
        "colours, for each flow channel (ours: Wang et al., 2015).",
    )
    mean_subtraction: bool = cli.knob(
        True, "Subtract each field's mean vector (Sect. 3.1, Table 1b).", group="network"
    )
    second_normalisation: bool = cli.knob(
        False,
        "Keep the normalisation after conv2, which the paper's temporal network leaves out to save "
        "memory (Sect. 5); spatial networks have it, and converted ones of others may.",
        group="network",
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.cross_modality and not self.init_from:
            rule = "`cross_modality` must have a run to start from"
            raise StartError(f"{rule}. Received: none.")
        if self.bidirectional and self.stack_length % 2:
            rule = "A bi-directional volume must have L/2 fields for each direction"
            raise ValueError(f"{rule}. Received: stack_length={self.stack_length}, which is odd.")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of records of a store that a volume is made of, in their order."""
        return ("forward", "backward") if self.bidirectional else ("forward",)

    @property
    def window_length(self) -> int:
        """L."""
        return self.stack_length

    @property
    def without_normalisation(self) -> str:
        """The layer that lacks the normalisation of the layer table (Sect. 5); empty if none."""
        return "" if self.second_normalisation else paper.TEMPORAL_WITHOUT_NORMALISATION

    @property
    def starts_from_colours(self) -> bool:
        """Whether the first layer is made of that of a spatial network."""
        return self.cross_modality

    def check_start(self, source: TowerRecipe) -> None:
        """Checks that another temporal network normalises after the same layers.

        Args:
            source: The recipe of the network to start from.

        Raises:
            StartError: If it does not.
        """
        super().check_start(source)
        # Shapes of weights do not tell, for a normalisation has none. A network of another stream
        # has to adapt to its new input anyway.
        if source.sees_flow and source.without_normalisation != self.without_normalisation:
            rule = "A network must normalise after conv2 if the one it starts from does"
            given = f"second_normalisation={self.second_normalisation}, unlike that one"
            raise StartError(f"{rule}. Received: {given}.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlowFusionRecipe(TowerRecipe):
    """The recipe of a network on stacks of RGB frames ([14]; compared in the paper's Sect. 6)."""

    stream: ClassVar[str] = "slow_fusion"
    windows_at_once: ClassVar[int] = paper.SLOW_FUSION_TEST_FRAMES

    num_frames: int = cli.knob(
        paper.NUM_FRAMES,
        "Successive RGB frames per stack (Sect. 6); conv1 sees all but 6 of them at a time. With "
        "10 it is the network of [14].",
        group="network",
        # With fewer, the windows of conv1 would leave out frames between them.
        at_least=paper.SLOW_FUSION_STRIDE * paper.SLOW_FUSION_RESPONSES,
    )

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.architecture != "cnn_m":
            rule = "Slow fusion must have the body of its paper's kind, cnn_m"
            raise ValueError(f"{rule}. Received: architecture={self.architecture}.")

    @property
    def window_length(self) -> int:
        """T, the frames of a stack."""
        return self.num_frames

    @property
    def temporal_extent(self) -> int:
        """The frames in each window of conv1: as many as let 4 windows, 2 frames apart, cover T."""
        return self.num_frames - paper.SLOW_FUSION_STRIDE * (paper.SLOW_FUSION_RESPONSES - 1)
